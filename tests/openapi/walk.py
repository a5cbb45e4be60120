"""Every operation of the API once, in an order in which each finds what it needs; what went over the wire is kept.

Owns the order and the requests. Each exchange is a dict: operation, method, target, request, status, type, headers, answer.
"""

import datetime
import http.client
import json

ARRIVAL = datetime.date.today() + datetime.timedelta(days=30)


def day(n: int) -> str:
    return (ARRIVAL + datetime.timedelta(days=n)).isoformat()


class Walk:
    def __init__(self, port: int):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.seen = []

    def ask(self, operation: str, method: str, target: str, request=None, status: int = 200, kind: str = "application/json",
            **headers) -> dict:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if request is not None:
            sent["Content-Type"] = kind
        self.connection.request(method, target, None if request is None else json.dumps(request), sent)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        assert answer.status == status, f"{method} {target}: {answer.status} instead of {status}: {text}"
        found_type = (answer.getheader("Content-Type") or "").split(";")[0]
        body = json.loads(text) if "json" in found_type else text
        self.seen.append({"operation": operation, "method": method.lower(), "target": target, "request": request, "kind": kind,
                          "status": status, "type": found_type, "headers": {k.lower(): v for k, v in answer.getheaders()}, "answer": body})
        return body


def hotels(walk: Walk) -> str:
    body = {"name": "Hotel Astoria", "city": "Zürich", "country": "CH", "address": "Bahnhofstrasse 1",
            "location": {"lat": 47.3717, "lon": 8.5389}, "time_zone": "Europe/Zurich", "currency": "CHF", "stars": 4,
            "description": "At the lake.", "amenities": ["wifi", "pool"], "group": "Astoria", "overbooking_percent": 5,
            "hold_seconds": 120, "attributes": {"opened": 1912}}
    made = walk.ask("create_hotel", "POST", "/v1/hotels", body, 201, Idempotency_Key="first-hotel")
    path = "/v1/hotels/" + made["id"]
    walk.ask("create_hotel", "POST", "/v1/hotels", {"name": ""}, 422)
    walk.ask("create_hotel", "POST", "/v1/hotels", {}, 415, kind="text/plain")
    walk.ask("get_hotel", "GET", path)
    walk.ask("get_hotel", "GET", path, status=304, If_None_Match=f'"{made["version"]}"')
    walk.ask("get_hotel", "GET", path, status=406, Accept="text/html")
    walk.ask("get_hotel", "GET", "/v1/hotels/000000000001", status=404)
    walk.ask("replace_hotel", "PUT", path, {**body, "stars": 5})
    walk.ask("replace_hotel", "PUT", path, body, 412, If_Match='"1"')
    walk.ask("change_hotel", "PATCH", path, {"description": None, "amenities": ["wifi", "pool", "sauna"]}, kind="application/merge-patch+json")
    walk.ask("list_hotels", "GET", "/v1/hotels?limit=2")
    walk.ask("list_hotels", "GET", "/v1/hotels?limit=0", status=400)
    other = walk.ask("create_hotel", "POST", "/v1/hotels", {**body, "name": "Hotel Bellevue"}, 201)
    walk.ask("remove_hotel", "DELETE", "/v1/hotels/" + other["id"], status=204)
    return made["id"]


def inventory(walk: Walk, hotel: str):
    path = "/v1/hotels/" + hotel
    types = path + "/room-types"
    double = {"name": "Double, lake view", "code": "DLX", "rooms": 40, "max_guests": 2, "beds": [{"kind": "king", "count": 1}],
              "amenities": ["balcony"], "price": {"amount": "210.00", "currency": "CHF"}, "overbooking_percent": 10,
              "description": "Quiet, to the lake."}
    made = walk.ask("add_room_type", "POST", types, double, 201)
    one = f"{types}/{made['id']}"
    walk.ask("add_room_type", "POST", types, {"name": "Suite", "rooms": 2, "max_guests": 4,
                                             "price": {"amount": "1e9", "currency": "CHF"}}, 422)
    walk.ask("get_room_type", "GET", one)
    walk.ask("replace_room_type", "PUT", one, {**double, "rooms": 42})
    walk.ask("change_room_type", "PATCH", one, {"rooms": 41, "code": None}, kind="application/merge-patch+json")
    walk.ask("list_room_types", "GET", types)
    suite = walk.ask("add_room_type", "POST", types, {"name": "Suite", "rooms": 1, "max_guests": 4,
                                                     "price": {"amount": "640.00", "currency": "CHF"}}, 201)
    walk.ask("remove_room_type", "DELETE", f"{types}/{suite['id']}", status=204)
    walk.ask("replace_rooms", "PUT", path + "/rooms", {"rooms": [
        {"number": "101", "room_type_id": made["id"]},
        {"number": "102", "room_type_id": made["id"], "out_of_order": [{"from": day(0), "to": day(3)}]}]})
    walk.ask("list_rooms", "GET", path + "/rooms?limit=1")
    walk.ask("change_calendar", "PATCH", path + "/calendar", {"changes": [
        {"room_types": [made["id"]], "from": day(0), "to": day(60), "weekdays": ["fri", "sat"],
         "set": {"price": {"amount": "260.00", "currency": "CHF"}, "rooms_to_sell": 30, "min_stay": 2, "closed": None}},
        {"from": day(70), "to": day(71), "set": {"closed_to_arrival": True, "closed_to_departure": False, "max_stay": 14}}]})
    walk.ask("get_calendar", "GET", f"{path}/calendar?from={day(0)}&to={day(2)}&room_type={made['id']}")
    walk.ask("get_availability", "GET", f"{path}/availability?check_in={day(1)}&check_out={day(3)}&guests=2&rooms=1")


def reservations(walk: Walk, hotel: str) -> str:
    def book(status: int = 201, arrival: int = 1, **more) -> dict:
        return walk.ask("create_reservation", "POST", "/v1/reservations",
                        {"hotel_id": hotel, "check_in": day(arrival), "check_out": day(arrival + 2),
                         "items": [{"room_type_id": 1, "rooms": 1, "guests": 2}], "guest": {"name": "Ada Lovelace"}, **more}, status)

    held = book(reservation_id="2f6c0a4e-8f1b-4c57-9d0e-3a1b5c7d9e11", hold=True, notes="late arrival",
                guest={"name": "Ada Lovelace", "email": "ada@example.org", "phone": "+41 44 000 00 00"})
    path = "/v1/reservations/" + held["id"]
    walk.ask("get_reservation", "GET", path + "?expand=guest,notes")
    walk.ask("get_reservation", "GET", path)
    walk.ask("extend_hold", "POST", path + "/extend", {"hold_seconds": 60})
    walk.ask("confirm_reservation", "POST", path + "/confirm")
    walk.ask("extend_hold", "POST", path + "/extend", {}, 409)
    walk.ask("change_reservation", "PATCH", path, {"check_out": day(4)}, kind="application/merge-patch+json")
    book(409, items=[{"room_type_id": 1, "rooms": 60, "guests": 60}])
    book(422, guest={"name": "Ada", "age": 36})
    walk.ask("cancel_reservation", "POST", path + "/cancel")
    walk.ask("get_history", "GET", path + "/history?limit=3")
    walk.ask("list_reservations_of_hotel", "GET", f"/v1/hotels/{hotel}/reservations?status=CANCELLED&limit=5")
    walk.ask("list_reservations_of_guest", "GET", f"/v1/reservations?guest_id={held['guest_id']}&when=upcoming")
    return held["guest_id"]


def arrivals(walk: Walk, hotel: str):
    """Who stays today is checked in, and out; who does not come is recorded."""
    today = datetime.datetime.now(datetime.timezone.utc)

    def book() -> str:
        # The hotel's own date: two zones are never more than a day apart.
        for shift in (0, 1):
            first = (today + datetime.timedelta(days=shift)).date()
            body = {"hotel_id": hotel, "check_in": first.isoformat(), "check_out": (first + datetime.timedelta(days=2)).isoformat(),
                    "room_type_id": 1, "rooms": 1, "guests": 2, "guest": {"name": "Charles Babbage"}, "hold": False}
            walk.connection.request("POST", "/v1/reservations", json.dumps(body), {"Content-Type": "application/json"})
            answer = walk.connection.getresponse()
            made = json.loads(answer.read())
            if answer.status == 201:
                return "/v1/reservations/" + made["id"]
        raise AssertionError(made)

    stays = book()
    walk.ask("check_in_guest", "POST", stays + "/check-in", {"room_numbers": ["101"]})
    walk.ask("check_out_guest", "POST", stays + "/check-out")
    walk.ask("record_no_show", "POST", book() + "/no-show")


def guests(walk: Walk, guest: str):
    path = "/v1/guests/" + guest
    walk.ask("get_guest", "GET", path)
    walk.ask("change_guest", "PATCH", path, {"phone": None, "email": "countess@example.org"}, kind="application/merge-patch+json")
    walk.ask("export_guest", "GET", path + "/export?limit=1")
    walk.ask("erase_guest", "DELETE", path, status=204)
    walk.ask("get_guest", "GET", path)
    walk.ask("get_guest", "GET", "/v1/guests/000000000001000000000001", status=404)


def cluster(walk: Walk, hotel: str):
    """Needs two nodes, or a move has nowhere to go."""
    at = "/v1/cluster"
    names = [n["name"] for n in walk.ask("get_cluster", "GET", at)["nodes"]]
    walk.ask("get_cluster", "GET", at, status=406, Accept="text/html")
    place = walk.ask("find_hotel_in_cluster", "GET", f"{at}/hotels/{hotel}")
    walk.ask("find_hotel_in_cluster", "GET", f"{at}/hotels/000000000001", status=404)
    other = next(n for n in names if n != place["node"])
    shard = f"{at}/shards/{place['shard']}"
    walk.ask("move_shard", "POST", shard + "/move", {"node": place["node"]}, 409)
    walk.ask("move_shard", "POST", shard + "/move", {"node": "node-9"}, 422)
    walk.ask("move_shard", "POST", shard + "/move", {"node": other})
    walk.ask("pin_shard", "PUT", shard + "/pin", {"node": place["node"]})
    walk.ask("pin_shard", "PUT", at + "/shards/1024/pin", {"node": other}, 404)
    walk.ask("unpin_shard", "DELETE", shard + "/pin", status=204)
    walk.ask("weigh_node", "PUT", f"{at}/nodes/{other}/weight", {"weight": 50})
    walk.ask("weigh_node", "PUT", f"{at}/nodes/{other}/weight", {"weight": -1}, 422)
    walk.ask("drain_node", "POST", f"{at}/nodes/{other}/drain", {})
    walk.ask("drain_node", "POST", f"{at}/nodes/{place['node']}/drain", status=409)
    walk.ask("drain_node", "POST", at + "/nodes/node-9/drain", status=404)
    walk.ask("resume_node", "POST", f"{at}/nodes/{other}/resume")
    walk.ask("weigh_node", "PUT", f"{at}/nodes/{other}/weight", {"weight": 100})
    walk.ask("rebalance_cluster", "POST", at + "/rebalance?dry_run=true")
    walk.ask("rebalance_cluster", "POST", at + "/rebalance?dry_run=maybe", status=400)
    walk.ask("list_moves", "GET", at + "/moves?limit=2")


def node(walk: Walk):
    for operation, target in (("healthz", "/healthz"), ("readyz", "/readyz"), ("metrics", "/metrics"),
                              ("openapi", "/openapi.json"), ("docs", "/docs")):
        walk.ask(operation, "GET", target)


def everything(port: int) -> list:
    walk = Walk(port)
    hotel = hotels(walk)
    inventory(walk, hotel)
    guest = reservations(walk, hotel)
    arrivals(walk, hotel)
    guests(walk, guest)
    cluster(walk, hotel)
    node(walk)
    walk.connection.close()
    return walk.seen

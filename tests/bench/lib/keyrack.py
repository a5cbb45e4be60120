"""A Keyrack node under measurement: started on the run's PostgreSQL, filled and asked through its public API only."""

import concurrent.futures
import http.client
import json
import os
import random
import re
import time
import uuid

from lib.processes import BenchError, Server, free_port, resident_bytes, run
from lib.workload import ID_PLACEHOLDER, ROOMS, random_stay

PREPARING_THREADS = 8
BOOKING_REQUESTS = 16_384
CATCH_UP_SECONDS = 120

HOTEL = {"name": "Hotel Astoria", "city": "Zürich", "country": "CH", "address": "Bahnhofstrasse 1",
         "location": {"lat": 47.3717, "lon": 8.5389}, "time_zone": "Europe/Zurich", "currency": "CHF", "stars": 4}
GUEST = {"name": "Ada Lovelace", "email": "ada@example.org"}


class Keyrack(Server):
    """`keyrack serve` with its database in the given cluster, on a port of its own."""

    def __init__(self, program, postgres, directory, name="node-1"):
        if not program.exists():
            raise BenchError(f"{program} is not there: build it first (cmake --preset release && cmake --build --preset release)")
        self.port = free_port()
        env = dict(os.environ, KEYRACK_DATABASE_URL=postgres.url("keyrack"))
        run([str(program), "migrate"], env=env)
        super().__init__(name, [str(program), "serve", "--set", f"gateway.port={self.port}", "--set", f"node.name={name}"],
                         directory, env=env)
        self.ready_when(lambda: self.status_of("/readyz") == 200)

    def status_of(self, path):
        """The status of a GET; 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def get(self, path):
        """The body of a GET as text; BenchError unless it is a 200."""
        return Client(self.port).ask("GET", path, None, 200)

    def metrics(self):
        """All samples of /metrics without labels, by name."""
        samples = {}
        for line in self.get("/metrics").splitlines():
            found = re.fullmatch(r"([a-z_:][a-z0-9_:]*) (\S+)", line)
            if found:
                samples[found[1]] = float(found[2])
        return samples

    def projector_lag(self):
        """How far the projection is behind: commits, seconds."""
        samples = self.metrics()
        return samples["keyrack_projector_lag_commits"], samples["keyrack_projector_lag_seconds"]

    def catch_up(self):
        """Waits until the projector has seen every commit; the seconds that took."""
        begun = time.monotonic()
        while self.projector_lag()[0] > 0:
            if time.monotonic() - begun > CATCH_UP_SECONDS:
                raise BenchError(f"the projector has not caught up within {CATCH_UP_SECONDS} s")
            time.sleep(0.1)
        return time.monotonic() - begun

    def await_even_shards(self, postgres, nodes):
        """Waits until so many nodes own shards, each its share or nearly, and none moves."""
        begun = time.monotonic()
        even = f"SELECT count(*) = {nodes} AND min(held) > {0.85 * 1024 / nodes} AND sum(moving) = 0 FROM (" \
               "SELECT count(*) AS held, count(target) AS moving FROM shards WHERE owner IS NOT NULL GROUP BY owner) o"
        while postgres.sql("keyrack", even) != "t":
            if time.monotonic() - begun > CATCH_UP_SECONDS:
                raise BenchError(f"{nodes} nodes did not share the shards within {CATCH_UP_SECONDS} s")
            time.sleep(0.1)

    def resident(self):
        """Resident memory of the node, in bytes."""
        return resident_bytes(self.process.pid)

    def open_hotels(self, shape):
        """Creates the hotels of a shape with a guest each; returns Place after Place. Their actors are awake afterwards."""
        with concurrent.futures.ThreadPoolExecutor(PREPARING_THREADS) as pool:
            clients = [Client(self.port) for _ in range(PREPARING_THREADS)]
            parts = [pool.submit(open_some, client, shape, range(i, shape.hotels, PREPARING_THREADS))
                     for i, client in enumerate(clients)]
            return [place for part in parts for place in part.result()]


class Place:
    """A hotel that can be booked: its id, its room types, and a guest that it knows."""

    def __init__(self, hotel, types, guest, reservation):
        self.hotel = hotel
        self.types = types
        self.guest = guest
        self.reservation = reservation

    def number(self):
        """The hotel's number in the database, of which its id is Crockford's base 32."""
        number = 0
        for letter in self.hotel:
            number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(letter)
        return number

    def booking(self, shape):
        """The body of a two-night booking; its reservation_id is the placeholder."""
        check_in, check_out = random_stay(shape)
        return {"reservation_id": ID_PLACEHOLDER, "hotel_id": self.hotel, "check_in": check_in, "check_out": check_out,
                "items": [{"room_type_id": random.choice(self.types), "rooms": 1, "guests": 2}],
                "guest_id": self.guest, "hold": False}


class Client:
    """One kept-alive connection that insists on the status it expects."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, method, path, body, expect):
        """Sends a request with a key of its own; the answer's body as text."""
        headers = {} if body is None else {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status != expect:
            raise BenchError(f"{method} {path} answered {answer.status} where {expect} was expected: {text[:500]}")
        return text


def open_some(client, shape, numbers):
    """Creates some hotels of a shape, one after another."""
    places = []
    for number in numbers:
        hotel = json.loads(client.ask("POST", "/v1/hotels", {**HOTEL, "name": f"{HOTEL['name']} {number}"}, 201))["id"]
        types = [json.loads(client.ask("POST", f"/v1/hotels/{hotel}/room-types",
                                       {"name": f"Double {n}", "rooms": ROOMS, "max_guests": 2,
                                        "price": {"amount": "151.00", "currency": "CHF"}}, 201))["id"]
                 for n in range(1, shape.types + 1)]
        check_in, check_out = random_stay(shape)
        first = json.loads(client.ask("POST", "/v1/reservations",
                                      {"hotel_id": hotel, "check_in": check_in, "check_out": check_out, "hold": False,
                                       "items": [{"room_type_id": types[0], "rooms": 1, "guests": 2}], "guest": GUEST}, 201))
        places.append(Place(hotel, types, first["guest_id"], first["id"]))
    return places


def write_bookings(path, places, shape):
    """A file of booking requests for wrk and load."""
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(BOOKING_REQUESTS):
            body = json.dumps(random.choice(places).booking(shape), separators=(",", ":"))
            file.write(f"POST /v1/reservations {body}\n")


def write_reads(path, paths):
    """A file of GET requests for wrk and load."""
    path.write_text("".join(f"GET {each}\n" for each in paths), encoding="utf-8")

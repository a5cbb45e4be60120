"""Goal: a thousand people at once for the last ten rooms: exactly ten get them, and nobody is refused while one is free."""

import asyncio
import collections
import datetime
import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.node import Client, Stage, booking, finish, open_hotel, seed_from_environment  # noqa: E402

PEOPLE = 1_000
ROOMS = 10
FIRST = datetime.date.today() + datetime.timedelta(days=60)


def night(n: int) -> str:
    return (FIRST + datetime.timedelta(days=n)).isoformat()


async def all_at_once(port: int, bodies: list) -> list:
    """Every request on a connection of its own, all connected before the first is sent."""
    clients = [Client(port) for _ in bodies]
    for client in clients:
        client.reader, client.writer = await asyncio.open_connection("127.0.0.1", port)
    answers = await asyncio.gather(*[c.ask("POST", "/v1/reservations", b, seconds=60) for c, b in zip(clients, bodies)])
    for client in clients:
        client.close()
    return answers


async def same_two_nights(port: int) -> int:
    hotel = await open_hotel(Client(port), ROOMS)
    answers = await all_at_once(port, [booking(hotel, night(0), night(2)) for _ in range(PEOPLE)])
    statuses = collections.Counter(status for status, _, _ in answers)
    assert statuses == {201: ROOMS, 409: PEOPLE - ROOMS}, statuses
    codes = collections.Counter(json.loads(body)["code"] for status, body, _ in answers if status == 409)
    assert codes == {"sold_out": PEOPLE - ROOMS}, codes
    print(f"{PEOPLE} at once for {ROOMS} rooms: {dict(statuses)}, all refused as sold_out")
    return 2


async def overlapping_stays(port: int, draw: random.Random) -> int:
    """The answers, put in the order of their Keyrack-Sequence, must be those of a plain list of nights."""
    hotel = await open_hotel(Client(port), ROOMS)
    wanted = [(start, start + draw.randint(1, 5)) for start in (draw.randint(0, 9) for _ in range(PEOPLE))]
    answers = await all_at_once(port, [booking(hotel, night(a), night(b)) for a, b in wanted])
    taken = collections.Counter()
    accepted = 0
    # At the same sequence number acceptance made it so, and refusals came after.
    in_order = sorted(zip(answers, wanted), key=lambda x: (int(x[0][2]["keyrack-sequence"]), x[0][0] != 201))
    for (status, body, _), (a, b) in in_order:
        full = any(taken[n] >= ROOMS for n in range(a, b))
        if status == 201:
            assert not full, "oversold"
            taken.update(range(a, b))
            accepted += 1
        else:
            assert status == 409 and json.loads(body)["code"] == "sold_out", body
            assert full, f"refused while {night(a)} to {night(b)} was free"
            told = {r["date"] for r in json.loads(body)["reasons"]}
            assert told == {night(n) for n in range(a, b) if taken[n] >= ROOMS}, (told, a, b)
    print(f"{PEOPLE} at once for overlapping stays of 1–5 nights: {accepted} accepted, as a replay accepts")
    return 3


async def same_request_twice(port: int) -> int:
    hotel = await open_hotel(Client(port), 1)
    body = booking(hotel, night(0), night(1))
    answers = await all_at_once(port, [body] * 50)
    assert {status for status, _, _ in answers} == {201}, collections.Counter(s for s, _, _ in answers)
    assert len({bytes(b) for _, b, _ in answers}) == 1, "one request was given two answers"
    print("50 times the same request at once: one reservation, one answer")
    return 2


async def main() -> int:
    draw = random.Random(seed_from_environment())
    with Stage() as stage:
        port = stage.node.port
        checks = await same_two_nights(port) + await overlapping_stays(port, draw) + await same_request_twice(port)
        report = stage.node.verify()
        print(f"journal verify: clean, {report['events']} events")
    return checks + 1


if __name__ == "__main__":
    finish(asyncio.run(main()))

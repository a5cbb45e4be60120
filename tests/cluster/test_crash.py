"""Goal: what was acknowledged survives kill -9 of the node and of PostgreSQL at any moment, exactly once; what was unknown is settled
by its key; the journal stays clean."""

import asyncio
import datetime
import json
import os
import pathlib
import random
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.node import Client, Stage, booking, finish, open_hotel, seed_from_environment  # noqa: E402

NODE_KILLS = int(os.environ.get("KEYRACK_NODE_KILLS", 20))
POSTGRES_KILLS = int(os.environ.get("KEYRACK_POSTGRES_KILLS", 10))
CLIENTS = 16
HOTELS = 5
FIRST = datetime.date.today() + datetime.timedelta(days=30)


class Ledger:
    """What clients know: bodies that were acknowledged, and keys whose outcome nobody has told them."""

    def __init__(self):
        self.sent = {}  # key → the request's body
        self.acknowledged = {}  # key → the answer's body
        self.unknown = set()

    def answered(self, key: str, status: int, body: bytes):
        if status == 201:
            known = self.acknowledged.setdefault(key, body)
            assert known == body, f"request {key} was given two answers:\n{known}\n{body}"
            self.unknown.discard(key)
        elif status >= 500 and json.loads(body)["outcome"] == "unknown":
            self.unknown.add(key)
        else:
            problem = json.loads(body)
            assert problem["outcome"] == "not_applied", body
            assert status in (409, 503), body
            self.unknown.discard(key)


async def one_client(port: int, hotels: list, ledger: Ledger, draw: random.Random, stop: asyncio.Event):
    client = Client(port)
    while not stop.is_set():
        again = ledger.unknown and draw.random() < 0.2
        key = draw.choice(sorted(ledger.unknown)) if again else str(uuid.UUID(int=draw.getrandbits(128), version=4))
        if key not in ledger.sent:
            start = FIRST + datetime.timedelta(days=draw.randint(0, 300))
            ledger.sent[key] = booking(draw.choice(hotels), start.isoformat(),
                                       (start + datetime.timedelta(days=draw.randint(1, 4))).isoformat(), key, draw.random() < 0.3)
        ledger.unknown.add(key)  # until an answer says otherwise
        try:
            status, body, _ = await client.ask("POST", "/v1/reservations", ledger.sent[key])
            ledger.answered(key, status, body)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            await asyncio.sleep(0.02)  # refused or cut: what any client does before it tries again
    client.close()


async def load_until(stage: Stage, hotels: list, ledger: Ledger, draw: random.Random, disaster):
    """Bookings from many clients, and `disaster` at a moment of its own."""
    stop = asyncio.Event()
    clients = [asyncio.create_task(one_client(stage.node.port, hotels, ledger, draw, stop)) for _ in range(CLIENTS)]
    before = len(ledger.acknowledged)
    while len(ledger.acknowledged) < before + 20 + draw.randint(0, 150):
        await asyncio.sleep(0.005)
        for task in clients:
            if task.done():
                task.result()
    await asyncio.to_thread(disaster)
    stop.set()
    await asyncio.gather(*clients)


async def settle(port: int, ledger: Ledger) -> int:
    """Asks again with the same key until every request has an answer that is certain."""
    client = Client(port)
    settled = len(ledger.unknown)
    for key in sorted(ledger.unknown):
        for _ in range(100):
            status, body, _ = await client.ask("POST", "/v1/reservations", ledger.sent[key])
            ledger.answered(key, status, body)
            if key not in ledger.unknown:
                break
        assert key not in ledger.unknown, f"request {key} could not be settled"
    client.close()
    return settled


async def all_there_once(stage: Stage, hotels: list, ledger: Ledger):
    """Every acknowledged reservation is in the journal under its key, once, and nothing that was not acknowledged is."""
    found = {}
    for hotel in hotels:
        shown = stage.node.run("journal", "show", hotel, "--json")
        assert shown.returncode == 0, shown.stderr
        for line in shown.stdout.splitlines():
            event = json.loads(line)
            if event.get("operation") == "hold_rooms":
                assert event["request_key"] not in found, f"{event} is there twice"
                found[event["request_key"]] = event["reservation"]
    assert set(found) == set(ledger.acknowledged), set(found) ^ set(ledger.acknowledged)
    for key, body in ledger.acknowledged.items():
        assert json.loads(body)["id"] == found[key]


async def main() -> int:
    draw = random.Random(seed_from_environment())
    ledger = Ledger()
    settled = 0
    with Stage("hotels.snapshot_every_events=10") as stage:
        first = Client(stage.node.port)
        hotels = [await open_hotel(first, 40) for _ in range(HOTELS)]
        first.close()

        def kill_node():
            stage.node.kill()
            stage.node.start()

        def kill_postgres():
            stage.postgres.kill()
            stage.postgres.start()
            stage.node.await_ready()

        rounds = [kill_node] * NODE_KILLS + [kill_postgres] * POSTGRES_KILLS
        draw.shuffle(rounds)
        for n, disaster in enumerate(rounds, 1):
            await load_until(stage, hotels, ledger, draw, disaster)
            settled += await settle(stage.node.port, ledger)
            print(f"round {n}, {disaster.__name__}: {len(ledger.acknowledged)} acknowledged, {settled} settled by key", flush=True)
        await all_there_once(stage, hotels, ledger)
        report = stage.node.verify()
        print(f"journal verify: clean; {report['events']} events, {report['snapshots']} snapshots compared")
        assert stage.node.stop() == 0, "the node did not end cleanly on SIGTERM"
    return len(rounds) + 3


if __name__ == "__main__":
    finish(asyncio.run(main()))

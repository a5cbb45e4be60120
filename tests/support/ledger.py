"""Clients that book through disasters, and what they know afterwards: which answers are owed, which outcomes are open.

Refuses to know what the disasters are."""

import asyncio
import datetime
import json
import random
import uuid

from tests.support.node import Client, Stage, booking

FIRST = datetime.date.today() + datetime.timedelta(days=30)


class Ledger:
    """What clients know: bodies that were acknowledged, and keys whose outcome nobody has told them."""

    def __init__(self):
        self.sent = {}  # key → the request's body
        self.acknowledged = {}  # key → the answer's body
        self.unknown = set()
        self.grew = asyncio.Event()  # there is one more acknowledged

    def answered(self, key: str, status: int, body: bytes):
        if status == 201:
            known = self.acknowledged.setdefault(key, body)
            assert known == body, f"request {key} was given two answers:\n{known}\n{body}"
            self.unknown.discard(key)
            self.grew.set()
        elif status >= 500 and json.loads(body)["outcome"] == "unknown":
            self.unknown.add(key)
        else:
            problem = json.loads(body)
            assert problem["outcome"] == "not_applied", body
            assert status in (409, 503, 504), body
            self.unknown.discard(key)

    async def await_acknowledged(self, count: int, clients: list):
        """Waits for so many; raises what a client died of meanwhile."""
        while len(self.acknowledged) < count:
            self.grew.clear()
            growth = asyncio.ensure_future(self.grew.wait())
            await asyncio.wait([growth, *clients], return_when=asyncio.FIRST_COMPLETED)
            growth.cancel()
            for client in clients:
                if client.done():
                    client.result()


async def book_until(stop: asyncio.Event, port: int, hotels: list, ledger: Ledger, draw: random.Random):
    """Books again and again, some of it by a key whose outcome is unknown; whatever the node does."""
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

"""Goal: a node freezes with its mailboxes full and requests in its sockets, others take its hotels over, and it wakes seconds later: not one
append of its old life, not one answer as if it still owned, and who asked it meanwhile is told the truth."""

import asyncio
import collections
import datetime
import json
import os
import pathlib
import random
import sys
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.crowd import await_true  # noqa: E402
from tests.support.ledger import FIRST, Ledger, all_there_once, book_until, settle  # noqa: E402
from tests.support.node import Client, Stage, booking, finish, open_hotel, seed_from_environment  # noqa: E402
from tests.support.shards import owners, spread_evenly  # noqa: E402

FROZEN_SECONDS = float(os.environ.get("KEYRACK_FROZEN_SECONDS", 10))
HOTELS = 12
BURST = 400  # requests under way as it freezes
LATE = 100  # of each kind, while it is frozen
PATIENCE = 60


class Frozen:
    """What was asked of the victim, and what it said."""

    def __init__(self, node, ledger: Ledger, draw: random.Random):
        self.node, self.ledger, self.draw = node, ledger, draw
        self.said = collections.Counter()
        self.tasks = []

    async def _ask(self, what: str, method: str, path: str, body=None):
        client = Client(self.node.port)
        try:
            status, answer, _ = await client.ask(method, path, body, seconds=PATIENCE)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as gone:
            self.said[what, type(gone).__name__] += 1
            return
        self.said[what, status] += 1
        if method == "POST":
            key = body["reservation_id"]
            assert status != 409 or key not in self.ledger.acknowledged, f"{key} was acknowledged, and now it is refused: {answer}"
            self.ledger.answered(key, status, answer)
            if status != 201:
                self.ledger.unknown.add(key)  # another client may have asked with it, elsewhere
        else:
            # It was acknowledged before it was asked for.
            assert status == 200 or status >= 500, f"{path} was booked while the node was frozen, and it says {status}: {answer}"

    def book(self, what: str, hotel: str) -> str:
        key = str(uuid.UUID(int=self.draw.getrandbits(128), version=4))
        start = FIRST + datetime.timedelta(days=self.draw.randint(0, 300))
        self.ledger.sent[key] = booking(hotel, start.isoformat(), (start + datetime.timedelta(days=2)).isoformat(), key)
        self.ledger.unknown.add(key)
        self.tasks.append(asyncio.create_task(self._ask(what, "POST", "/v1/reservations", self.ledger.sent[key])))
        return key

    def read(self, what: str, reservation: str):
        self.tasks.append(asyncio.create_task(self._ask(what, "GET", f"/v1/reservations/{reservation}")))

    def answered(self) -> int:
        return sum(self.said.values())


def rows(stage: Stage, incarnation: str) -> str:
    """All that this life of a node has written."""
    return stage.postgres.query("SELECT count(*) || ' ' || coalesce(md5(string_agg(hotel_id || '/' || first_seq, ',' ORDER BY hotel_id, first_seq)), '') "
                                f"FROM commits WHERE writer = {incarnation}")


def incarnation_of(stage: Stage, name: str) -> str:
    return stage.postgres.query(f"SELECT incarnation FROM nodes WHERE node = '{name}'")


async def freeze(stage: Stage, victim, asked: Frozen, lost: list, draw: random.Random) -> str:
    """In the middle of a burst. Returns what the life that ends has written, once it can write no more."""
    old = incarnation_of(stage, victim.name)
    for _ in range(BURST):
        asked.book("before", draw.choice(lost))
    while asked.answered() < BURST // 10:
        await asyncio.sleep(0)
    victim.freeze()
    print(f"{victim.name} freezes: {asked.answered()} of {BURST} answered", flush=True)
    await await_true(lambda: incarnation_of(stage, victim.name) == "", PATIENCE, f"{victim.name} is fenced")
    await await_true(lambda: all(owners(stage, lost).values()), PATIENCE, "others own its hotels")
    return old


async def book_elsewhere(stage: Stage, others: list, hotels: list, draw: random.Random) -> Ledger:
    """Bookings of the hotels by those who own them now."""
    ledger, stop = Ledger(), asyncio.Event()
    clients = [asyncio.create_task(book_until(stop, node.port, hotels, ledger, draw)) for node in others]
    while len(ledger.acknowledged) < LATE:
        await asyncio.sleep(0.01)
        for client in clients:
            if client.done():
                client.result()
    stop.set()
    await asyncio.gather(*clients)
    await settle(others[0].port, ledger)
    return ledger


async def retry(node, ledger: Ledger, hotels: list) -> int:
    """Half of those whose answer did not come ask elsewhere, with the same key."""
    client = Client(node.port)
    keys = [key for key in sorted(ledger.unknown) if ledger.sent[key]["hotel_id"] in hotels][::2]
    for key in keys:
        status, body, _ = await client.ask("POST", "/v1/reservations", ledger.sent[key])
        ledger.answered(key, status, body)
    client.close()
    return len(keys)


async def main() -> int:
    draw = random.Random(seed_from_environment())
    ledger = Ledger()
    with Stage(nodes=3) as stage:
        first = Client(stage.node.port)
        hotels = [await open_hotel(first, 400) for _ in range(HOTELS)]
        first.close()
        await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread")
        victim = draw.choice(stage.nodes)
        others = [n for n in stage.nodes if n is not victim]
        lost = [h for h, node in owners(stage, hotels).items() if node == victim.name]
        # One is left alone until it wakes: no row of the new owner's stands in an old append's way there.
        busy = lost[1:]
        assert busy, "the victim owns too few hotels: another seed"
        asked = Frozen(victim, ledger, draw)
        began = time.monotonic()
        old = await freeze(stage, victim, asked, lost, draw)
        before = await asyncio.to_thread(rows, stage, old)

        elsewhere = await book_elsewhere(stage, others, busy, draw)
        retried = await retry(others[0], ledger, busy)
        for body in elsewhere.acknowledged.values():
            asked.read("while frozen, read", json.loads(body)["id"])
            asked.book("while frozen, book", draw.choice(busy))
        await asyncio.sleep(max(0, began + FROZEN_SECONDS - time.monotonic()))
        assert not victim.process.poll(), "the frozen node has ended"
        victim.thaw()
        await asyncio.gather(*asked.tasks)
        await asyncio.to_thread(victim.await_ready)
        print(f"{retried} asked elsewhere with the same key meanwhile")
        for (what, said), count in sorted(asked.said.items(), key=str):
            print(f"asked {what}: {count} times {said}")
        new = await asyncio.to_thread(incarnation_of, stage, victim.name)
        assert new and new != old, f"{victim.name} was incarnation {old}, and is {new}"
        after = await asyncio.to_thread(rows, stage, old)
        assert after == before, f"incarnation {old} had written {before} when others took over, and now {after}"
        settled = await settle(others[0].port, ledger)
        ledger.acknowledged |= elsewhere.acknowledged
        print(f"{len(ledger.acknowledged)} acknowledged, {settled} settled by key")
        await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread again")
        await all_there_once(stage, hotels, ledger)
        stage.node.verify()
        for node in stage.nodes:
            assert node.stop() == 0, f"{node.name} did not end cleanly on SIGTERM"
    return 6


if __name__ == "__main__":
    finish(asyncio.run(main()))

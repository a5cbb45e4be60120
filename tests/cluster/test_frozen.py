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
from tests.support.node import Client, Stage, booking, finish, seed_from_environment  # noqa: E402
from tests.support.pair import Session  # noqa: E402
from tests.support.shards import open_hotels_everywhere, owners, spread_evenly  # noqa: E402

WAITING = "keyrack_hotel_waiting"
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

    async def _ask(self, what: str, method: str, path: str, body=None, client: Client | None = None):
        client = client or Client(self.node.port)
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

    def read(self, what: str, reservation: str, client: Client | None = None):
        self.tasks.append(asyncio.create_task(self._ask(what, "GET", f"/v1/reservations/{reservation}", client=client)))

    def answered(self) -> int:
        return sum(self.said.values())

    def tell(self, what: str):
        print(what)
        for (when, said), count in sorted(self.said.items(), key=str):
            print(f"  asked {when}: {count} times {said}", flush=True)


def rows(stage: Stage, incarnation: str) -> str:
    """All that this life of a node has written."""
    return stage.postgres.query("SELECT count(*) || ' ' || coalesce(md5(string_agg(hotel_id || '/' || first_seq, ',' ORDER BY hotel_id, first_seq)), '') "
                                f"FROM commits WHERE writer = {incarnation}")


def incarnation_of(stage: Stage, name: str) -> str:
    return stage.postgres.query(f"SELECT incarnation FROM nodes WHERE node = '{name}'")


async def metric(node, name: str) -> float:
    client = Client(node.port)
    _, body, _ = await client.ask("GET", "/metrics")
    client.close()
    return sum(float(line.split()[-1]) for line in body.decode().splitlines() if line.startswith(name))


async def others_own(stage: Stage, victim, lost: list):
    await await_true(lambda: incarnation_of(stage, victim.name) == "", PATIENCE, f"{victim.name} is fenced")
    await await_true(lambda: all(owners(stage, lost).values()), PATIENCE, "others own its hotels")


async def freeze_with_full_mailboxes(stage: Stage, victim, asked: Frozen, lost: list, draw: random.Random):
    """An append is under way, and what was decided since waits behind it."""
    old = incarnation_of(stage, victim.name)
    blocker = await Session.open(stage.postgres)
    await blocker.ask(f"BEGIN; SELECT FROM writers WHERE incarnation = {old} AND slot = 0 FOR UPDATE")
    for _ in range(BURST):
        asked.book("before", draw.choice(lost))
    give_up = time.monotonic() + PATIENCE
    while await metric(victim, WAITING) < BURST:
        assert time.monotonic() < give_up, "the mailboxes do not fill"
    victim.freeze()
    await blocker.ask("ROLLBACK")
    blocker.close()


async def book_elsewhere(stage: Stage, others: list, hotels: list, draw: random.Random) -> Ledger:
    """Bookings of the hotels by those who own them now."""
    ledger, stop = Ledger(), asyncio.Event()
    clients = [asyncio.create_task(book_until(stop, node.port, hotels, ledger, draw)) for node in others]
    await asyncio.wait_for(ledger.await_acknowledged(LATE, clients), PATIENCE)
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


async def meet_the_fence(stage: Stage, victim) -> float:
    """Thaws it. Until an append has met the fence nothing else can tell it that it was fenced; so many commits were refused."""
    blocker = await Session.open(stage.postgres)
    await blocker.ask("BEGIN; LOCK TABLE nodes, shards IN ACCESS EXCLUSIVE MODE")
    victim.thaw()
    give_up = time.monotonic() + PATIENCE
    while (bit := await metric(victim, 'keyrack_journal_commits_total{result="fenced"}')) == 0:
        assert time.monotonic() < give_up, "no append meets the fence: this shows nothing"
    await blocker.ask("ROLLBACK")
    blocker.close()
    return bit


async def with_full_mailboxes(stage: Stage, victim, hotels: list, ledger: Ledger, draw: random.Random):
    """What had been decided is never written, and what was asked meanwhile is answered by who owns."""
    others = [n for n in stage.nodes if n is not victim]
    lost = [h for h, node in owners(stage, hotels).items() if node == victim.name]
    # One is left alone until it wakes: no row of the new owner's stands in an old append's way there.
    busy = lost[1:]
    assert busy, "the victim owns too few hotels: another seed"
    old = incarnation_of(stage, victim.name)
    asked = Frozen(victim, ledger, draw)
    began = time.monotonic()
    await freeze_with_full_mailboxes(stage, victim, asked, lost, draw)
    await others_own(stage, victim, lost)
    before = await asyncio.to_thread(rows, stage, old)
    elsewhere = await book_elsewhere(stage, others, busy, draw)
    retried = await retry(others[0], ledger, busy)
    for body in elsewhere.acknowledged.values():
        asked.read("while frozen, read", json.loads(body)["id"])
        asked.book("while frozen, book", draw.choice(busy))
    await asyncio.sleep(max(0, began + FROZEN_SECONDS - time.monotonic()))
    assert asked.answered() == 0, f"a frozen node answered: {asked.said}"
    bit = await meet_the_fence(stage, victim)
    await asyncio.gather(*asked.tasks)
    await asyncio.to_thread(victim.await_ready)
    asked.tell(f"{victim.name} froze with {BURST} requests under way; {retried} of them were asked elsewhere meanwhile")
    new = await asyncio.to_thread(incarnation_of, stage, victim.name)
    assert new and new != old, f"{victim.name} was incarnation {old}, and is {new}"
    after = await asyncio.to_thread(rows, stage, old)
    assert after == before, f"incarnation {old} had written {before} when others took over, and now {after}"
    ledger.acknowledged |= elsewhere.acknowledged
    settled = await settle(others[0].port, ledger)
    print(f"  the fence refused {bit:.0f} commits; {len(ledger.acknowledged)} acknowledged, {settled} settled by key", flush=True)


async def awake_and_blind(stage: Stage, victim, old: str, asked: Frozen):
    """It has read every question, has answered it or not, and what would tell it that it was fenced waits for locked rows."""
    waits = f"SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'keyrack/{old}/%' AND wait_event_type = 'Lock'"
    await await_true(lambda: stage.postgres.query(waits) != "0", PATIENCE, f"{victim.name} asks for its rows")
    give_up = time.monotonic() + PATIENCE
    while (there := await metric(victim, "keyrack_gateway_in_flight")) + asked.answered() < len(asked.tasks):
        assert time.monotonic() < give_up, f"of {len(asked.tasks)} questions {asked.answered()} are answered, and {there:.0f} at the gateway"


async def with_requests_in_its_sockets(stage: Stage, victim, hotels: list, ledger: Ledger, draw: random.Random):
    """It wakes, and for a moment nothing can tell it that it was fenced: what it remembers is old, and must not leave."""
    others = [n for n in stage.nodes if n is not victim]
    lost = [h for h, node in owners(stage, hotels).items() if node == victim.name]
    old = incarnation_of(stage, victim.name)
    asked = Frozen(victim, ledger, draw)
    clients = [Client(victim.port) for _ in range(LATE)]
    for client in clients:
        await client.ask("GET", "/readyz")  # so that the connections are there
    for body in ledger.acknowledged.values():
        asked.read("awake", json.loads(body)["id"])  # so that its hotels are in its memory
    await asyncio.gather(*asked.tasks)
    victim.freeze()
    await others_own(stage, victim, lost)
    elsewhere = await book_elsewhere(stage, others, lost, draw)
    for client, body in zip(clients, elsewhere.acknowledged.values()):
        asked.read("while frozen", json.loads(body)["id"], client)
    blocker = await Session.open(stage.postgres)
    await blocker.ask("BEGIN; LOCK TABLE nodes, shards IN ACCESS EXCLUSIVE MODE")
    victim.thaw()
    await awake_and_blind(stage, victim, old, asked)
    await blocker.ask("ROLLBACK")
    blocker.close()
    await asyncio.gather(*asked.tasks)
    await asyncio.to_thread(victim.await_ready)
    asked.tell(f"{victim.name} woke with {LATE} reads in its sockets")
    for client in clients:
        client.close()
    ledger.acknowledged |= elsewhere.acknowledged


async def main() -> int:
    draw = random.Random(seed_from_environment())
    ledger = Ledger()
    with Stage(nodes=3) as stage:
        await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread")
        hotels = await open_hotels_everywhere(stage, HOTELS)
        for scene in (with_full_mailboxes, with_requests_in_its_sockets):
            await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread")
            owned = collections.Counter(owners(stage, hotels).values())
            victim = draw.choice([n for n in stage.nodes if owned[n.name] > 1])  # one hotel of them is left alone
            await scene(stage, victim, hotels, ledger, draw)
        await all_there_once(stage, hotels, ledger)
        stage.node.verify()
        for node in stage.nodes:
            assert node.stop() == 0, f"{node.name} did not end cleanly on SIGTERM"
    return 8


if __name__ == "__main__":
    finish(asyncio.run(main()))

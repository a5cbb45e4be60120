"""Goal: a node that is cut off, from its peers, from the database, one way or both, silently or by a firewall that refuses, loses no
acknowledged booking and answers nothing as if it still owned what is another's; all its hotels take bookings again within seconds, a
node that still reaches the database stays and gives its shards away, and all is as before when the cut heals.

Nodes live in networks of the test's own (tests/support/network.py); without root, or without the tools, the test is skipped."""

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
from tests.support import network  # noqa: E402
from tests.support.crowd import FIRST, Crowd, await_true  # noqa: E402
from tests.support.ledger import all_there_once  # noqa: E402
from tests.support.network import NetworkNode, NetworkStage, from_database, from_rooms, to_database, to_rooms  # noqa: E402
from tests.support.node import Client, booking, finish, open_hotel, seed_from_environment, skip  # noqa: E402
from tests.support.shards import coordinator, counts, owners, spread_evenly  # noqa: E402

ROUNDS = int(os.environ.get("KEYRACK_CUT_ROUNDS", 1))
ONLY = os.environ.get("KEYRACK_CUT_ONLY", "")
HOTELS = 24
QUIET = 12  # that nobody books until they have another owner: nothing of the victim's waits there for the journal
NODES = 3
ASKERS = 4
LATE_ASKERS = 40  # whose question waits at the victim as the cut heals
# How long any of it may take before the test says that it never will; what it took is printed, and the bench's to judge.
PATIENCE = 30

# What is cut at the victim, and what becomes of it: it "stays" and gives its shards away, or is "fenced".
CUTS = {
    "from its peers": (lambda peers: [from_rooms(peers, "drop"), to_rooms(peers, "drop")], "stays"),
    "from the database": (lambda peers: [from_database("drop"), to_database("drop")], "fenced"),
    "from its peers, refused": (lambda peers: [from_rooms(peers, "reject"), to_rooms(peers, "reject")], "stays"),
    "from the database's answers": (lambda peers: [from_database("drop")], "fenced"),
    "towards its peers": (lambda peers: [to_rooms(peers, "drop")], "stays"),
    # Its port refuses and its connections at the database are gone: to the others it is dead, and it lives.
    # (What it sends comes through: so the database answers, is refused, and closes.)
    "from all, refused": (lambda peers: [from_rooms(peers, "reject"), to_rooms(peers, "reject"), from_database("reject")], "fenced"),
    "from one of two peers": (lambda peers: [from_rooms(peers[:1], "drop"), to_rooms(peers[:1], "drop")], "one stays"),
}


def incarnations(stage: NetworkStage) -> dict:
    lines = stage.postgres.query("SELECT node, incarnation FROM nodes").splitlines()
    return dict(line.split("|") for line in lines)


class Askers:
    """Clients that go on asking the victim for bookings of its hotels that were acknowledged a moment ago, by whomever: it knows of
    them, or says that it cannot say."""

    def __init__(self, crowd: Crowd, victim: NetworkNode, lost: list):
        self.crowd, self.victim, self.lost = crowd, victim, set(lost)
        self.answers = collections.Counter()
        self.late = collections.Counter()
        self.stopping = asyncio.Event()
        self.tasks = [asyncio.create_task(self._ask()) for _ in range(ASKERS)]

    async def _ask(self):
        client = Client(self.victim.port, self.victim.host)
        while not self.stopping.is_set():
            recent = [body for key, body in list(self.crowd.acknowledged.items())[-50:] if self.crowd.sent[key]["hotel_id"] in self.lost]
            try:
                if recent:
                    booked = json.loads(recent[-1])["id"]
                    status, body, _ = await client.ask("GET", f"/v1/reservations/{booked}", seconds=1)
                    assert status == 200 or status >= 500, f"{self.victim.name} was asked for {booked}, and says {status}: {body}"
                    self.answers[status] += 1
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as gone:
                self.answers[type(gone).__name__] += 1
            await asyncio.sleep(0.01)
        client.close()

    async def _ask_patiently(self, booked: str):
        client = Client(self.victim.port, self.victim.host)
        status, body, _ = await client.ask("GET", f"/v1/reservations/{booked}", seconds=PATIENCE)
        assert status == 200 or status >= 500, f"{self.victim.name} was asked for {booked}, booked elsewhere, and says {status}: {body}"
        self.late[status] += 1
        client.close()

    def ask_late(self, since: float, quiet: list):
        """For bookings that others took since then, and these; the answers may come after the cut has healed."""
        by_others = [a.key for a in self.crowd.attempts
                     if a.status == 201 and a.called >= since and a.node != self.victim.name and a.hotel in self.lost]
        for key in by_others[-LATE_ASKERS:] + quiet:
            booked = json.loads(self.crowd.acknowledged[key])["id"]
            self.tasks.append(asyncio.create_task(self._ask_patiently(booked)))

    async def stop(self):
        self.stopping.set()
        await asyncio.gather(*self.tasks)


def booked_elsewhere(crowd: Crowd, hotel: str, victim: NetworkNode, since: float) -> float | None:
    """When the first booking by another node that was called since then was acknowledged."""
    times = [a.returned for a in crowd.attempts if a.hotel == hotel and a.status == 201 and a.called >= since and a.node != victim.name]
    return min(times) if times else None


async def is_ready(node: NetworkNode) -> bool:
    client = Client(node.port, node.host)
    try:
        return (await client.ask("GET", "/readyz"))[0] == 200
    finally:
        client.close()


async def book_quietly(crowd: Crowd, hotels: list, node: NetworkNode, draw: random.Random) -> list:
    """One booking of each, by this node; their keys."""
    client = Client(node.port, node.host)
    keys = []
    for hotel in hotels:
        key = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        start = FIRST + datetime.timedelta(days=draw.randint(0, 600))
        crowd.sent[key] = booking(hotel, start.isoformat(), (start + datetime.timedelta(days=1)).isoformat(), key)
        give_up = time.monotonic() + PATIENCE
        status = 0
        while status != 201:
            assert time.monotonic() < give_up, f"{hotel} takes no bookings at {node.name}: {status}"
            status, body, _ = await client.ask("POST", "/v1/reservations", crowd.sent[key])
        crowd.acknowledged[key] = body
        keys.append(key)
    client.close()
    return keys


async def cut(stage: NetworkStage, crowd: Crowd, quiet: list, victim: NetworkNode, what: str, draw: random.Random) -> float:
    """Cuts, waits for what must become of it, and heals. Seconds until each of the victim's hotels took a booking elsewhere."""
    at = await asyncio.to_thread(owners, stage, crowd.hotels + quiet)
    lost = [h for h in crowd.hotels if at[h] == victim.name]
    quiet = [h for h in quiet if at[h] == victim.name]
    await book_quietly(crowd, quiet, victim, draw)  # so that they are in its memory
    askers = Askers(crowd, victim, lost)
    try:
        return await while_asked(stage, crowd, victim, what, askers, quiet, draw)
    finally:
        askers.stopping.set()


async def while_asked(stage: NetworkStage, crowd: Crowd, victim: NetworkNode, what: str, askers: Askers, quiet: list,
                      draw: random.Random) -> float:
    rules, fate = CUTS[what]
    peers = [node for node in stage.nodes if node is not victim]
    lost = askers.lost
    before = await asyncio.to_thread(incarnations, stage)
    began = time.monotonic()
    await asyncio.to_thread(victim.room.cut, *rules([p.room for p in peers]))
    if fate == "fenced":
        crowd.nodes = peers  # as any balancer does, whose probes fail: which they must
        await await_true(lambda: incarnations(stage).get(victim.name) != before[victim.name], PATIENCE, f"{victim.name} is fenced")
        # At once: it may still believe in its lease, so nobody else may have booked yet.
        askers.ask_late(began, await book_quietly(crowd, quiet, peers[-1], draw))
        await await_not_ready(victim)
    if fate == "one stays":
        pair = (victim.name, peers[0].name)
        await await_true(lambda: any(counts(stage)[name] == 0 for name in pair), PATIENCE, f"one of {pair} has given its shards away")
        elsewhere = [crowd.first_booked_after(h, began) for h in crowd.hotels]
    else:
        await await_true(lambda: all(booked_elsewhere(crowd, h, victim, began) for h in lost), PATIENCE,
                         f"all hotels of {victim.name} take bookings elsewhere")
        elsewhere = [booked_elsewhere(crowd, h, victim, began) for h in lost]
    if fate == "stays":
        await await_true(lambda: counts(stage)[victim.name] == 0, PATIENCE, f"{victim.name} has given its shards away")
    empty = time.monotonic() - began
    if fate != "fenced":
        assert await asyncio.to_thread(incarnations, stage) == before, "a node that reaches the database was fenced"
    await asyncio.sleep(0.5)  # it is asked on, while others own its hotels and book them
    askers.ask_late(began, await book_quietly(crowd, quiet, peers[-1], draw) if fate == "stays" else [])
    await asyncio.sleep(0.1)  # the questions are there
    await asyncio.to_thread(victim.room.heal)
    await askers.stop()
    await await_true(lambda: victim.name in incarnations(stage), PATIENCE, f"{victim.name} is there again")
    await asyncio.to_thread(victim.await_ready)
    crowd.nodes = list(stage.nodes)
    await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread again")
    crowd.check()
    after = await asyncio.to_thread(incarnations, stage)
    assert {n: i for n, i in after.items() if n != victim.name} == {n: i for n, i in before.items() if n != victim.name}, "a bystander was fenced"
    assert (after[victim.name] == before[victim.name]) == (fate != "fenced"), f"{victim.name} was to be: {fate}"
    assert sum(askers.answers.values()) > 0 and sum(askers.late.values()) > 0, "the victim was asked nothing"
    took = max(elsewhere) - began
    print(f"{victim.name} cut {what}: its {len(lost)} hotels took bookings elsewhere within {took:.2f} s, "
          f"{'it was fenced' if fate == 'fenced' else 'it had given its shards away'} by {empty:.2f} s; asked for fresh bookings it said "
          f"{dict(askers.answers)}, as it healed {dict(askers.late)}; {len(crowd.acknowledged)} acknowledged", flush=True)
    return took


async def await_not_ready(node: NetworkNode):
    give_up = time.monotonic() + PATIENCE
    while await is_ready(node):
        assert time.monotonic() < give_up, f"{node.name} says that it is ready, and it cannot be"
        await asyncio.sleep(0.01)


async def perform(draw: random.Random, cuts: list, *settings: str) -> int:
    coordinators = 0
    with NetworkStage(*settings, nodes=NODES) as stage:
        first = Client(stage.node.port, stage.node.host)
        hotels = [await open_hotel(first, 400) for _ in range(HOTELS + QUIET)]
        first.close()
        await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread")
        crowd = Crowd(stage.nodes, hotels[:HOTELS], draw, pause=0.02)
        try:
            for n, what in enumerate(cuts):
                # The coordinator in every other round.
                name = await asyncio.to_thread(coordinator, stage) if n % 2 == 0 else draw.choice(stage.nodes).name
                coordinators += n % 2 == 0
                await cut(stage, crowd, hotels[HOTELS:], next(node for node in stage.nodes if node.name == name), what, draw)
            await crowd.stop()
        finally:
            crowd.stopping.set()
        await all_there_once(stage, hotels, crowd)
        report = stage.node.verify()
        print(f"journal verify: clean; {report['events']} events; the coordinator was cut off {coordinators} times")
        for node in stage.nodes:
            assert node.stop() == 0, f"{node.name} did not end cleanly on SIGTERM"
    return len(cuts) + 3


def main():
    if network.INSIDE not in os.environ:
        if why := network.why_not():
            return skip(len(CUTS) + 7, why)
    network.enter()
    draw = random.Random(seed_from_environment())
    cuts = [what for what in CUTS if ONLY in what] * ROUNDS
    checks = asyncio.run(perform(draw, cuts))
    if at_once := [what for what in cuts if what == "from all, refused"]:
        # Fenced long before its lease is over: who comes after must wait for that.
        print("with a long lease:")
        checks += asyncio.run(perform(draw, at_once, "heartbeat.lease_ms=1900"))
    return finish(checks)


if __name__ == "__main__":
    main()

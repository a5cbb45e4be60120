"""Goal: a node that is cut off, or half of them, from peers, from the database, one way or both, silently or by a firewall that refuses,
also in the middle of a move, loses no acknowledged booking and answers nothing as if it still owned what is another's; all its hotels
take bookings again within seconds, a node that still reaches the database stays and gives its shards away, and all is as before when
the cut heals. A bad cable, that loses packets or lets too few through, is no cut: bookings go on.

Nodes live in networks of the test's own (tests/support/network.py); without root, or without the tools, the test is skipped. By default
one of each kind of cut is made, the one-way cuts among them drawn; KEYRACK_CUT_ROUNDS makes all, so many times."""

import asyncio
import dataclasses
import datetime
import os
import pathlib
import random
import sys
import time
import typing
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support import network  # noqa: E402
from tests.support.askers import Askers  # noqa: E402
from tests.support.crowd import FIRST, Crowd, await_true  # noqa: E402
from tests.support.ledger import all_there_once  # noqa: E402
from tests.support.network import LOSS, NetworkNode, NetworkStage, from_database, from_rooms, to_database, to_rooms  # noqa: E402
from tests.support.node import Client, booking, finish, open_hotel, seed_from_environment, skip  # noqa: E402
from tests.support.pair import Session  # noqa: E402
from tests.support.shards import ask_move, coordinator, counts, owners, shards, spread_evenly  # noqa: E402

ROUNDS = int(os.environ.get("KEYRACK_CUT_ROUNDS", 0))
ONLY = os.environ.get("KEYRACK_CUT_ONLY", "")
HOTELS = 24
QUIET = 12  # that nobody books until they have another owner: nothing of the victim's waits there for the journal
NODES = 3
MOVED = 3  # shards at most that are under way as the cut comes
# How long any of it may take before the test says that it never will; what it took is printed, and the bench's to judge.
PATIENCE = 30


def peers_both_ways(peers: list, end: str = "drop") -> list:
    return [from_rooms(peers, end), to_rooms(peers, end)]


def database_both_ways(end: str = "drop") -> list:
    return [from_database(end), to_database(end)]


@dataclasses.dataclass(frozen=True)
class Cut:
    """What is cut at each victim, by the rooms of the nodes that are none; and what becomes of it. It "stays" and gives its shards
    away, is "fenced", or a "side stays": the victims or those they are cut from, and the others give theirs away."""

    rules: typing.Callable
    fate: str
    victims: int = 1
    nodes: int = NODES
    in_a_move: bool = False


CUTS = {
    "from its peers": Cut(peers_both_ways, "stays"),
    "from the database": Cut(lambda peers: database_both_ways(), "fenced"),
    "from its peers, refused": Cut(lambda peers: peers_both_ways(peers, "reject"), "stays"),
    "from the database's answers": Cut(lambda peers: [from_database("drop")], "fenced"),
    "towards the database": Cut(lambda peers: [to_database("drop")], "fenced"),
    "towards its peers": Cut(lambda peers: [to_rooms(peers, "drop")], "stays"),
    "from what its peers say": Cut(lambda peers: [from_rooms(peers, "drop")], "stays"),
    # Its port refuses and its connections at the database are gone: to the others it is dead, and it lives.
    # (What it sends comes through: so the database answers, is refused, and closes.)
    "from all, refused": Cut(lambda peers: [*peers_both_ways(peers, "reject"), from_database("reject")], "fenced"),
    "from all": Cut(lambda peers: [*peers_both_ways(peers), *database_both_ways()], "fenced"),
    "from one of two peers": Cut(lambda peers: peers_both_ways(peers[:1]), "a side stays"),
    "two from the third and the database": Cut(lambda peers: [*peers_both_ways(peers), *database_both_ways()], "fenced", victims=2),
    "two from the other two": Cut(peers_both_ways, "a side stays", victims=2, nodes=4),
    "from who takes its shards over, in the middle of the move": Cut(lambda peers: peers_both_ways(peers[:1]), "a side stays", in_a_move=True),
    "from the database, in the middle of a move": Cut(lambda peers: database_both_ways(), "fenced", in_a_move=True),
}
# Of those in a line one is drawn: what they have in common is shown by any.
KINDS = [["from its peers", "from its peers, refused"], ["from the database", "from all", "from all, refused"],
         ["from the database's answers", "towards the database"], ["towards its peers", "from what its peers say"],
         ["from one of two peers"], ["two from the third and the database"],
         ["from who takes its shards over, in the middle of the move"], ["from the database, in the middle of a move"],
         ["two from the other two"]]
# No cuts: the node stays, and its hotels take bookings.
BAD_CABLES = {
    "loses one packet in five": lambda room, peers: room.cut(
        *peers_both_ways(peers, LOSS), *database_both_ways(LOSS)),
    "lets too few packets through": lambda room, peers: room.narrow(),
    "is slow": lambda room, peers: room.slow(),
}


def incarnations(stage: NetworkStage) -> dict:
    lines = stage.postgres.query("SELECT node, incarnation FROM nodes").splitlines()
    return dict(line.split("|") for line in lines)


def booked_elsewhere(crowd: Crowd, hotel: str, victims: list, since: float) -> float | None:
    """When the first booking by another node that was called since then was acknowledged."""
    names = [victim.name for victim in victims]
    times = [a.returned for a in crowd.attempts if a.hotel == hotel and a.status == 201 and a.called >= since and a.node not in names]
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


async def stop_in_a_move(stage: NetworkStage, owner: NetworkNode, target: NetworkNode, hotels: list) -> Session:
    """Shards of these hotels are under way to the target, and the owner cannot write that they are handed over until what is
    returned lets it: its rows are locked."""
    life = incarnations(stage)[owner.name]
    held = await Session.open(stage.postgres)
    await held.ask(f"BEGIN; SELECT FROM writers WHERE incarnation = {life} AND slot < (SELECT max(slot) FROM writers WHERE incarnation = {life}) "
                   "FOR UPDATE")
    chosen = sorted(set((await asyncio.to_thread(shards, stage, hotels)).values()))[:MOVED]
    operator = Client(target.port, target.host)
    for shard in chosen:
        await ask_move(operator, shard, target.name)
    operator.close()
    under_way = f"SELECT count(*) FROM shards WHERE shard IN ({', '.join(map(str, chosen))}) AND owner = {life} AND target IS NOT NULL"
    await await_true(lambda: stage.postgres.query(under_way) == str(len(chosen)), PATIENCE, "the moves are under way")
    waits = f"SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'keyrack/{life}/slot-%' AND wait_event_type = 'Lock'"
    await await_true(lambda: stage.postgres.query(waits) != "0", PATIENCE, "the owner waits to write")
    return held


async def cut(stage: NetworkStage, crowd: Crowd, quiet: list, victims: list, what: str, draw: random.Random):
    """Cuts, waits for what must become of it, and heals."""
    at = await asyncio.to_thread(owners, stage, crowd.hotels + quiet)
    names = [victim.name for victim in victims]
    quiet = [h for h in quiet if at[h] in names]
    await book_quietly(crowd, quiet, victims[0], draw)  # so that they are in their owner's memory
    askers = Askers(crowd, victims[0], [h for h in crowd.hotels if at[h] in names], PATIENCE)
    try:
        await while_asked(stage, crowd, victims, what, askers, quiet, draw)
    finally:
        askers.stopping.set()


async def the_side_that_gave_way(stage: NetworkStage, crowd: Crowd, sides: list, began: float) -> tuple[list, float]:
    """When each hotel took a booking by a node that is not on that side, and when that had no shards any more."""
    def given_up() -> list | None:
        held = counts(stage)
        return next((side for side in sides if all(held[n.name] == 0 for n in side)), None)

    await await_true(given_up, PATIENCE, f"one of {[[n.name for n in side] for side in sides]} has given its shards away")
    given_away = time.monotonic()
    side = await asyncio.to_thread(given_up)
    # The others' guests: nobody leaves a node alone any more that did not answer for what it could not reach.
    crowd.nodes = [n for n in stage.nodes if n not in side]
    crowd.silent_until.clear()
    await await_true(lambda: all(booked_elsewhere(crowd, h, side, began) for h in crowd.hotels), PATIENCE, "all hotels take bookings elsewhere")
    return [booked_elsewhere(crowd, h, side, began) for h in crowd.hotels], given_away


async def while_asked(stage: NetworkStage, crowd: Crowd, victims: list, what: str, askers: Askers, quiet: list, draw: random.Random):
    fate = CUTS[what].fate
    names = [victim.name for victim in victims]
    peers = [node for node in stage.nodes if node not in victims]
    lost = askers.lost
    before = await asyncio.to_thread(incarnations, stage)
    held = await stop_in_a_move(stage, victims[0], peers[0], sorted(lost)) if CUTS[what].in_a_move else None
    began = time.monotonic()
    for victim in victims:
        await asyncio.to_thread(victim.room.cut, *CUTS[what].rules([p.room for p in peers]))
    if held:
        await held.ask("ROLLBACK")
        held.close()
    if fate == "fenced":
        crowd.nodes = peers  # as any balancer does, whose probes fail: which they must
        await await_true(lambda: all(incarnations(stage).get(n) != before[n] for n in names), PATIENCE, f"{names} are fenced")
        # At once: they may still believe in their lease, so nobody else may have booked yet.
        await askers.ask_late(began, await book_quietly(crowd, quiet, peers[-1], draw))
        for victim in victims:
            await await_not_ready(victim)
    if fate == "a side stays":
        elsewhere, empty = await the_side_that_gave_way(stage, crowd, [victims, peers[:len(victims)]], began)
    else:
        await await_true(lambda: all(booked_elsewhere(crowd, h, victims, began) for h in lost), PATIENCE,
                         f"all hotels of {names} take bookings elsewhere")
        elsewhere = [booked_elsewhere(crowd, h, victims, began) for h in lost]
    if fate == "stays":
        await await_true(lambda: counts(stage)[names[0]] == 0, PATIENCE, f"{names} has given its shards away")
    if fate != "a side stays":
        empty = time.monotonic()
    if fate != "fenced":
        assert await asyncio.to_thread(incarnations, stage) == before, "a node that reaches the database was fenced"
    await askers.each_asked_after(time.monotonic())  # while others own its hotels and book them
    await askers.ask_late(began, await book_quietly(crowd, quiet, peers[-1], draw) if fate == "stays" else [])
    healed = time.monotonic()
    await heal(stage, victims, askers)
    crowd.nodes = list(stage.nodes)
    await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread again")
    crowd.check()
    after = await asyncio.to_thread(incarnations, stage)
    assert {n: i for n, i in after.items() if n not in names} == {n: i for n, i in before.items() if n not in names}, "a bystander was fenced"
    assert all((after[n] == before[n]) == (fate != "fenced") for n in names), f"{names} were to be: {fate}"
    assert sum(askers.answers.values()) > 0 and sum(askers.late.values()) > 0, "the victim was asked nothing"
    print(f"{' and '.join(names)} cut {what}: {len(elsewhere)} hotels took bookings elsewhere within {max(elsewhere) - began:.2f} s, "
          f"{'fenced' if fate == 'fenced' else 'all shards given away'} by {empty - began:.2f} s, as before {time.monotonic() - healed:.2f} s after it "
          f"healed; asked for fresh bookings {names[0]} said {dict(askers.answers)}, as it healed {dict(askers.late)}; "
          f"{len(crowd.acknowledged)} acknowledged", flush=True)
    if held:
        await asyncio.to_thread(tell_moves, stage)


def tell_moves(stage: NetworkStage):
    """Every move that was asked for has ended, one way or the other."""
    ends = stage.postgres.query("SELECT trim(outcome || ' ' || detail), count(*) FROM moves WHERE reason = 'operator' GROUP BY 1 ORDER BY 1").splitlines()
    open_ones = stage.postgres.query("SELECT count(*) FROM moves WHERE reason = 'operator' AND ended_at IS NULL")
    assert open_ones == "0", f"{open_ones} moves never ended: {ends}"
    print(f"  the moves that were under way: {', '.join(ends)}", flush=True)


async def heal(stage: NetworkStage, victims: list, askers: Askers):
    for victim in victims:
        await asyncio.to_thread(victim.room.heal)
    await askers.stop()
    for victim in victims:
        await await_true(lambda: victim.name in incarnations(stage), PATIENCE, f"{victim.name} is there again")
        await asyncio.to_thread(victim.await_ready)


async def with_a_bad_cable(stage: NetworkStage, crowd: Crowd, node: NetworkNode, what: str):
    """Every hotel is booked several times more; nobody else than that node may have lost its place."""
    peers = [n.room for n in stage.nodes if n is not node]
    before = await asyncio.to_thread(incarnations, stage)
    began = time.monotonic()
    await asyncio.to_thread(BAD_CABLES[what], node.room, peers)
    await await_true(lambda: all(crowd.first_booked_after(h, began) for h in crowd.hotels), PATIENCE, "all hotels take bookings")
    took = max(crowd.first_booked_after(h, began) for h in crowd.hotels) - began
    again = time.monotonic()
    await await_true(lambda: all(crowd.first_booked_after(h, again) for h in crowd.hotels) and time.monotonic() - began > 2, PATIENCE,
                     "all hotels take bookings again, for longer than the grace")
    crowd.check()
    asked = [a for a in crowd.attempts if a.called >= began]
    await asyncio.to_thread(node.room.heal)
    await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread again")
    after = await asyncio.to_thread(incarnations, stage)
    assert {n for n in before if after[n] != before[n]} <= {node.name}, f"a bystander was fenced: {before}, {after}"
    print(f"{node.name}'s cable {what}: all {len(crowd.hotels)} hotels took bookings within {took:.2f} s; of {len(asked)} requests "
          f"{len([a for a in asked if a.status == 201])} booked, the longest {max(a.seconds for a in asked):.2f} s; "
          f"it {'kept' if after == before else 'lost'} its place", flush=True)


async def await_not_ready(node: NetworkNode):
    give_up = time.monotonic() + PATIENCE
    while await is_ready(node):
        assert time.monotonic() < give_up, f"{node.name} says that it is ready, and it cannot be"
        await asyncio.sleep(0.01)


async def perform(draw: random.Random, cuts: list, cables: list, *settings: str) -> int:
    coordinators = 0
    with NetworkStage(*settings, nodes=NODES) as stage:
        first = Client(stage.node.port, stage.node.host)
        hotels = [await open_hotel(first, 400) for _ in range(HOTELS + QUIET)]
        first.close()
        await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread")
        crowd = Crowd(stage.nodes, hotels[:HOTELS], draw, pause=0.02)
        try:
            for what in cables:
                await with_a_bad_cable(stage, crowd, draw.choice(stage.nodes), what)
            for n, what in enumerate(sorted(cuts, key=lambda what: CUTS[what].nodes)):
                while len(stage.nodes) < CUTS[what].nodes:
                    await asyncio.to_thread(stage.add_node().start)
                    crowd.nodes = list(stage.nodes)
                    await await_true(lambda: spread_evenly(stage), PATIENCE, "the one more has its share")
                # The coordinator in every other round.
                victims = draw.sample(stage.nodes, CUTS[what].victims)
                if n % 2 == 0:
                    coordinators += 1
                    name = await asyncio.to_thread(coordinator, stage)
                    holder = next(node for node in stage.nodes if node.name == name)
                    victims = [holder, *[v for v in victims if v is not holder]][:CUTS[what].victims]
                await cut(stage, crowd, hotels[HOTELS:], victims, what, draw)
            await crowd.stop()
        finally:
            crowd.stopping.set()
        await all_there_once(stage, hotels, crowd)
        report = stage.node.verify()
        print(f"journal verify: clean; {report['events']} events; the coordinator was cut off {coordinators} times")
        for node in stage.nodes:
            assert node.stop() == 0, f"{node.name} did not end cleanly on SIGTERM"
    return len(cuts) + len(cables) + 3


def main():
    if network.INSIDE not in os.environ:
        if why := network.why_not():
            return skip(len(KINDS) + len(BAD_CABLES) + 7, why)
    network.enter()
    draw = random.Random(seed_from_environment())
    cuts = list(CUTS) * ROUNDS if ROUNDS else [draw.choice(kind) for kind in KINDS]
    cuts = [what for what in (list(CUTS) if ONLY else cuts) if ONLY in what]
    cables = [what for what in BAD_CABLES if ONLY in what]
    skipped = 0
    if "is slow" in cables and (why := network.why_not_slow()):
        cables.remove("is slow")
        skipped = 1
        print(f"skipped: a slow cable; {why}")
    checks = asyncio.run(perform(draw, cuts, cables))
    if "from all, refused" in cuts or not ONLY:
        # Fenced long before its lease is over: who comes after must wait for that.
        print("with a long lease:")
        checks += asyncio.run(perform(draw, ["from all, refused"], [], "heartbeat.lease_ms=1900"))
    return finish(checks, skipped)


if __name__ == "__main__":
    main()

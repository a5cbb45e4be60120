"""Goal: under load, after a kill and some moves, the metrics of the nodes that are left say so, once each, and with lengths that can be
true: what was forwarded, parked and tried again, what went over links and which broke, and which answers no lease covered. Meanwhile
guests book, and no booking is lost or there twice."""

import asyncio
import json
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.crowd import Crowd, await_true  # noqa: E402
from tests.support.exposition import Metrics, read_metrics  # noqa: E402
from tests.support.ledger import all_there_once  # noqa: E402
from tests.support.node import Client, Stage, finish, seed_from_environment  # noqa: E402
from tests.support.pair import Session  # noqa: E402
from tests.support.shards import ask_move, coordinator, counts, moving, open_hotels_everywhere, owners, spread_evenly  # noqa: E402

PATIENCE = 60
HOTELS = 12
MOVES = 10
FORWARDED = 20  # by each node at least, while it is counted
GRACE_MS = 5000  # so long that a busy machine may take its time while beats are held up
BEAT = 0.2  # heartbeat.period_ms
LEASE_AND_MARGIN = 0.6  # for which every heir waits after a fence


async def read_all(nodes: list) -> list:
    return [await read_metrics(node) for node in nodes]


def total(all_of_them: list, name: str, **labels: str) -> float:
    return sum(m.sum(name, **labels) for m in all_of_them)


async def until_metrics(node, crowd: Crowd, holds, why: str) -> Metrics:
    """The first reading of the node for which `holds` is true; one is taken whenever the crowd has been answered."""
    give_up = time.monotonic() + PATIENCE
    while not holds(m := await read_metrics(node)):
        assert time.monotonic() < give_up, f"{node.name}: after {PATIENCE} s still not: {why}"
        await crowd.hear(PATIENCE)
    return m


async def before_anything(stage: Stage):
    """Everybody is there, and everybody says so."""
    seen = await read_all(stage.nodes)
    for m in seen:
        assert m.sum("keyrack_cluster_nodes") == 3 and m.sum("keyrack_transport_links_up") == 2
        assert m.sum("keyrack_cluster_shards_without_owner") == 0 and m.sum("keyrack_cluster_moves_under_way") == 0
        assert m.sum("keyrack_cluster_incarnation") > 0
        assert 0 <= m.sum("keyrack_heartbeat_beat_age_seconds") < PATIENCE
        assert m.sum("keyrack_transport_link_changes_total", state="linked") >= 2
        assert m.sum("keyrack_router_forwarded_total") == 0 and m.sum("keyrack_router_parked") == 0, "nobody has asked"
        assert m.sum("keyrack_transport_unsent") == 0 and 0 <= m.sum("keyrack_transport_credit_used_ratio") <= 1
    held = counts(stage)
    for node, m in zip(stage.nodes, seen):
        assert m.sum("keyrack_hotel_shards", state="serving") == held[node.name], (node.name, held)
    assert total(seen, "keyrack_cluster_coordinates") == 1
    assert all(m.sum("keyrack_router_routes_version") >= 1024 for m in seen)
    assert total(seen, "keyrack_cluster_failover_seconds_count") == 0, "nobody has died"
    spread = total(seen, "keyrack_cluster_moves_begun_total", reason="balance")
    assert total(seen, "keyrack_cluster_move_seconds_count", reason="balance") <= spread


async def forwarded(stage: Stage, crowd: Crowd):
    """What a node is asked for another's hotel it forwards, once, in a frame, and waits for the answer; nothing moves meanwhile."""
    at = await asyncio.to_thread(owners, stage, crowd.hotels)
    asked_for = time.monotonic()
    before = await read_all(stage.nodes)
    began = time.monotonic()

    def passed_on(node) -> list:
        return [a for a in crowd.attempts if a.node == node.name and at[a.hotel] != node.name and a.returned >= asked_for]

    while min(len(passed_on(node)) for node in stage.nodes) < FORWARDED:
        assert time.monotonic() < began + PATIENCE, "the nodes are asked for too little"
        await crowd.hear(PATIENCE)
    ended = time.monotonic()
    after = await read_all(stage.nodes)
    for node, was, now in zip(stage.nodes, before, after):
        def grew(name: str, **labels: str) -> float:
            return now.sum(name, **labels) - was.sum(name, **labels)

        least = len([a for a in passed_on(node) if a.status == 201 and a.called >= began and a.returned <= ended])
        most = len(passed_on(node)) + len(crowd.hotels) + grew("keyrack_router_retries_total")  # and what is under way
        sent = grew("keyrack_router_forwarded_total")
        assert least <= sent <= most, f"{node.name} forwarded {sent}; by what clients saw {least} to {most}"
        assert grew("keyrack_transport_round_trip_seconds_count") >= least
        # Coalesced where many are sent at once, so fewer frames than requests; one to and one from each peer at least.
        for direction in ("out", "in"):
            frames, size = grew("keyrack_transport_frames_total", direction=direction), grew("keyrack_transport_bytes_total", direction=direction)
            assert frames >= 2 and size > 100 * least, (node.name, direction, frames, size)
        assert now.sum("keyrack_transport_links_up") == 2
    print("forwarded by each node while nothing moved: " + ", ".join(
        f"{now.sum('keyrack_router_forwarded_total') - was.sum('keyrack_router_forwarded_total'):.0f}" for was, now in zip(before, after)))


def booked_at(crowd: Crowd, at: dict, name: str) -> str:
    """A reservation of a hotel that lives on that node."""
    return next(json.loads(body)["id"] for key, body in crowd.acknowledged.items() if at[crowd.sent[key]["hotel_id"]] == name)


async def look_up(node, reservation: str) -> int:
    """It was acknowledged: the node knows it, or says that it cannot say."""
    client = Client(node.port)
    status, answer, _ = await client.ask("GET", f"/v1/reservations/{reservation}", seconds=PATIENCE)
    client.close()
    assert status == 200 or status >= 500, f"{reservation} is booked, and {node.name} says {status}: {answer}"
    return status


async def without_lease(stage: Stage, crowd: Crowd):
    """While the nodes' rows are locked no beat comes back: answers from memory are held, each counted, and leave with the next beat."""
    at = await asyncio.to_thread(owners, stage, crowd.hotels)
    node = stage.node
    booked = booked_at(crowd, at, node.name)
    before = await read_metrics(node)
    blocker = await Session.open(stage.postgres)
    await blocker.ask("BEGIN; SELECT count(*) FROM (SELECT FROM nodes FOR UPDATE) AS held")
    asked = []
    refused = 0.0
    give_up = time.monotonic() + PATIENCE
    while refused == 0:
        assert time.monotonic() < give_up, f"no beat comes back, and {len(asked)} answers left without a word"
        asked.append(asyncio.create_task(look_up(node, booked)))
        await crowd.hear(PATIENCE)
        refused = (await read_metrics(node)).sum("keyrack_heartbeat_lease_refused_total") - before.sum("keyrack_heartbeat_lease_refused_total")
    held = [task for task in asked if not task.done()]
    await blocker.ask("ROLLBACK")
    blocker.close()
    assert set(await asyncio.gather(*asked)) == {200}
    assert held, "an answer was counted as held, and none was"
    print(f"{refused:.0f} answers from memory counted as without a lease, {len(held)} of {len(asked)} reads held until a beat")


async def moves(stage: Stage):
    """Some shards move by an operator's wish, and are counted where that was decided and where they left."""
    before = await read_all(stage.nodes)
    rows = stage.postgres.query("SELECT s.shard, n.node FROM shards s JOIN nodes n ON n.incarnation = s.owner ORDER BY 1")
    chosen = [line.split("|") for line in rows.splitlines()][:MOVES]
    others = {"node-1": "node-2", "node-2": "node-3", "node-3": "node-1"}
    client = Client(stage.node.port)
    began = time.monotonic()
    for shard, owner in chosen:
        await ask_move(client, int(shard), others[owner])
    client.close()
    await await_true(lambda: stage.postgres.query("SELECT count(*) FROM moves WHERE reason = 'operator' AND outcome = 'moved'") == str(MOVES),
                     PATIENCE, "the moves have ended")

    async def grew(name: str, **labels: str) -> float:
        return total(await read_all(stage.nodes), name, **labels) - total(before, name, **labels)

    give_up = time.monotonic() + PATIENCE  # the coordinator sees the last one a look later
    while await grew("keyrack_cluster_move_seconds_count", reason="operator") < MOVES and time.monotonic() < give_up:
        await asyncio.sleep(0.02)
    took = time.monotonic() - began
    assert await grew("keyrack_cluster_moves_begun_total", reason="operator") >= MOVES
    assert await grew("keyrack_cluster_move_seconds_count", reason="operator") == MOVES
    assert await grew("keyrack_cluster_hand_over_seconds_count") >= MOVES
    seconds = await grew("keyrack_cluster_move_seconds_sum", reason="operator")
    assert 0 < seconds < MOVES * took, (seconds, took)
    print(f"{MOVES} moves of {seconds / MOVES * 1e3:.1f} ms each by their metrics")


async def kill(stage: Stage, crowd: Crowd):
    """The others inherit, and say how long that took."""
    await await_true(lambda: moving(stage) == 0, PATIENCE, "nothing moves")
    name = coordinator(stage)
    victim = next(node for node in stage.nodes if node.name == name)
    left = [node for node in stage.nodes if node is not victim]
    before = await read_all(left)
    lost = counts(stage)[name]
    booked = booked_at(crowd, await asyncio.to_thread(owners, stage, crowd.hotels), name)
    parked = [0.0] * len(left)
    began = time.monotonic()
    victim.kill()
    crowd.nodes = left
    asked = [asyncio.create_task(look_up(node, booked)) for node in left]  # each, whatever the crowd draws
    give_up = time.monotonic() + PATIENCE
    while True:
        seen = await read_all(left)
        parked = [max(most, m.sum("keyrack_router_parked")) for most, m in zip(parked, seen)]
        served = total(seen, "keyrack_cluster_shards_inherited_total") - total(before, "keyrack_cluster_shards_inherited_total")
        if served == lost:
            break
        assert time.monotonic() < give_up, f"{served} of {lost} shards are inherited"
        await asyncio.sleep(0.02)
    took = time.monotonic() - began
    seen = await read_all(left)
    assert total(seen, "keyrack_cluster_fences_total", reason="gone") == 1
    fence = total(seen, "keyrack_cluster_fence_seconds_sum", reason="gone")
    assert 0 < fence < took + 2 * BEAT, (fence, took)
    for node, m in zip(left, seen):
        heirs, seconds = m.sum("keyrack_cluster_failover_seconds_count"), m.sum("keyrack_cluster_failover_seconds_sum")
        assert heirs == 1, f"{node.name} inherited {heirs} times"
        assert LEASE_AND_MARGIN < seconds < took + 2 * BEAT, (node.name, seconds, took)
        assert m.sum("keyrack_cluster_failover_seconds_bucket", le="0.5") == 0
        assert m.sum("keyrack_cluster_nodes") == 2 and m.sum("keyrack_cluster_shards_without_owner") == 0
        print(f"{node.name}: the fail-over took {seconds:.2f} s by its metrics, {took:.2f} s from the kill as seen from here")
    assert total(seen, "keyrack_hotel_shards", state="serving") == 1024
    await asyncio.gather(*asked)
    await links_and_parking(crowd, left, before, parked)


async def links_and_parking(crowd: Crowd, left: list, before: list, parked: list):
    """For nodes of which each was asked for hotels that nobody owned for a while, and has lost a peer."""
    for node, was, most in zip(left, before, parked):
        assert most > 0, f"{node.name} was asked for hotels without an owner, and nothing was parked"
        m = await until_metrics(node, crowd, lambda m: m.sum("keyrack_transport_links_up") == 1, "one link is up, to the other that is left")

        def grew(name: str, **labels: str) -> float:
            return m.sum(name, **labels) - was.sum(name, **labels)

        assert grew("keyrack_router_retries_total") >= most, f"{most} were parked at once, and fewer were sent again"
        broken = grew("keyrack_transport_link_changes_total") - grew("keyrack_transport_link_changes_total", state="linked")
        assert broken >= 1, f"{node.name} has lost its link to the victim, and counts none"
        await until_metrics(node, crowd, lambda m: m.sum("keyrack_router_parked") == 0, "nothing is parked any more")
        print(f"{node.name}: {most:.0f} parked at most, {grew('keyrack_router_retries_total'):.0f} sent again, {broken:.0f} changes of links")
    crowd.check()


async def fenced(stage: Stage, crowd: Crowd):
    """A node that wakes to find itself fenced says that it lost its place, and has another."""
    victim = next(node for node in stage.nodes if node.alive())
    before = await read_metrics(victim)
    crowd.nodes = [node for node in stage.nodes if node.alive() and node is not victim]
    victim.freeze()
    await await_true(lambda: stage.postgres.query("SELECT count(*) FROM nodes") == "1", PATIENCE, "the frozen node is fenced")
    victim.thaw()
    give_up = time.monotonic() + PATIENCE
    while True:
        after = await read_metrics(victim)
        if after.sum("keyrack_cluster_incarnation") > before.sum("keyrack_cluster_incarnation"):
            break
        assert time.monotonic() < give_up, "it has no new place"
        await asyncio.sleep(0.05)
    assert after.sum("keyrack_cluster_places_lost_total") == before.sum("keyrack_cluster_places_lost_total") + 1
    other = await read_metrics(next(n for n in stage.nodes if n.alive() and n is not victim))
    assert other.sum("keyrack_cluster_fences_total", reason="silent") == 1
    assert other.sum("keyrack_cluster_fence_seconds_bucket", reason="silent", le="1.5") == 0, "silence is longer"


async def main() -> int:
    draw = random.Random(seed_from_environment())
    with Stage(f"heartbeat.grace_ms={GRACE_MS}", nodes=3) as stage:
        await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread")
        await before_anything(stage)
        hotels = await open_hotels_everywhere(stage, HOTELS)
        crowd = Crowd(list(stage.nodes), hotels, draw, pause=0.05)
        await forwarded(stage, crowd)
        await without_lease(stage, crowd)
        await moves(stage)
        await kill(stage, crowd)
        await fenced(stage, crowd)
        await crowd.stop()
        status = stage.node if stage.node.alive() else stage.nodes[1]
        assert json.loads(status.run("cluster", "status", "--json").stdout)["shards"]["without_owner"] == 0
        await all_there_once(stage, hotels, crowd)
        print(f"{len(crowd.acknowledged)} bookings; journal verify: clean; {status.verify()['events']} events")
    return 9


if __name__ == "__main__":
    finish(asyncio.run(main()))

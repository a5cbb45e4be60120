"""Goal: after a kill and some moves the metrics of the nodes that are left say so, once each, and with lengths that can be true."""

import asyncio
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.crowd import await_true  # noqa: E402
from tests.support.exposition import read_metrics  # noqa: E402
from tests.support.node import Client, Stage, finish  # noqa: E402
from tests.support.shards import ask_move, coordinator, counts, moving, spread_evenly  # noqa: E402

PATIENCE = 60
MOVES = 10
BEAT = 0.2  # heartbeat.period_ms
LEASE_AND_MARGIN = 0.6  # for which every heir waits after a fence


async def read_all(nodes: list) -> list:
    return [await read_metrics(node) for node in nodes]


def total(all_of_them: list, name: str, **labels: str) -> float:
    return sum(m.sum(name, **labels) for m in all_of_them)


async def before_anything(stage: Stage):
    """Everybody is there, and everybody says so."""
    seen = await read_all(stage.nodes)
    for m in seen:
        assert m.sum("keyrack_cluster_nodes") == 3 and m.sum("keyrack_transport_links_up") == 2
        assert m.sum("keyrack_cluster_shards_without_owner") == 0 and m.sum("keyrack_cluster_moves_under_way") == 0
        assert m.sum("keyrack_cluster_incarnation") > 0
        assert 0 <= m.sum("keyrack_heartbeat_beat_age_seconds") < PATIENCE
        assert m.sum("keyrack_transport_unsent") == 0 and 0 <= m.sum("keyrack_transport_credit_used_ratio") <= 1
    held = counts(stage)
    for node, m in zip(stage.nodes, seen):
        assert m.sum("keyrack_hotel_shards", state="serving") == held[node.name], (node.name, held)
    assert total(seen, "keyrack_cluster_coordinates") == 1
    assert all(m.sum("keyrack_router_routes_version") >= 1024 for m in seen)
    assert total(seen, "keyrack_cluster_failover_seconds_count") == 0, "nobody has died"
    spread = total(seen, "keyrack_cluster_moves_begun_total", reason="balance")
    assert total(seen, "keyrack_cluster_move_seconds_count", reason="balance") <= spread


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


async def kill(stage: Stage):
    """The others inherit, and say how long that took."""
    await await_true(lambda: moving(stage) == 0, PATIENCE, "nothing moves")
    name = coordinator(stage)
    victim = next(node for node in stage.nodes if node.name == name)
    left = [node for node in stage.nodes if node is not victim]
    before = await read_all(left)
    lost = counts(stage)[name]
    began = time.monotonic()
    victim.kill()
    give_up = time.monotonic() + PATIENCE
    while True:
        seen = await read_all(left)
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


async def fenced(stage: Stage):
    """A node that wakes to find itself fenced says that it lost its place, and has another."""
    victim = next(node for node in stage.nodes if node.alive())
    before = await read_metrics(victim)
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
    assert other.sum("keyrack_cluster_fence_seconds_bucket", reason="silent", le="1.5") == 0, "silence is two seconds"


async def main() -> int:
    with Stage(nodes=3) as stage:
        await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread")
        await before_anything(stage)
        await moves(stage)
        await kill(stage)
        await fenced(stage)
        status = stage.node if stage.node.alive() else stage.nodes[1]
        assert json.loads(status.run("cluster", "status", "--json").stdout)["shards"]["without_owner"] == 0
    return 5


if __name__ == "__main__":
    finish(asyncio.run(main()))

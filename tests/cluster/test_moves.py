"""Goal: operators move, drain, add and restart while guests book, and not one request fails: a hotel that moves answers a little later."""

import asyncio
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.crowd import Crowd, await_true, open_crowds_hotels, percentile  # noqa: E402
from tests.support.ledger import all_there_once  # noqa: E402
from tests.support.node import Client, Stage, finish, seed_from_environment  # noqa: E402
from tests.support.shards import ask_move, counts, owners, shards, spread_evenly  # noqa: E402

MOVES = int(os.environ.get("KEYRACK_MOVES", 48))
AT_ONCE = 8
HOTELS = 32
PATIENCE = 60


async def operate(stage: Stage, *command: str):
    """`keyrack cluster …`, which must succeed."""
    done = await asyncio.to_thread(stage.node.run, "cluster", *command)
    assert done.returncode == 0, f"keyrack cluster {' '.join(command)}: {done.stdout}{done.stderr}"


def tell(what: str, pauses: list, crowd: Crowd, since: float):
    failed = crowd.failed(since)
    assert not failed, f"{what}: {len(failed)} requests failed, first {failed[:3]}"
    print(f"{what}: {len([a for a in crowd.attempts if a.called >= since])} requests, none failed; "
          f"longest answer of a hotel p50 {percentile(pauses, .5) * 1e3:.0f} ms, p99 {percentile(pauses, .99) * 1e3:.0f} ms, "
          f"most {max(pauses) * 1e3:.0f} ms", flush=True)


async def move_some(stage: Stage, crowd: Crowd, draw: random.Random):
    """Single shards, to nodes drawn, some at a time; each is the shard of a hotel that is booked all the while."""
    shard_of = shards(stage, crowd.hotels)
    names = [node.name for node in stage.nodes]
    operator = Client(stage.node.port)
    pauses = []
    while len(pauses) < MOVES:
        at = await asyncio.to_thread(owners, stage, crowd.hotels)
        by_shard = {shard_of[h]: h for h in draw.sample(crowd.hotels, AT_ONCE)}
        chosen = {h: draw.choice([n for n in names if n != at[h]]) for h in by_shard.values()}
        began = time.monotonic()
        for hotel, node in chosen.items():
            await ask_move(operator, shard_of[hotel], node)
        await await_true(lambda: chosen.items() <= owners(stage, list(chosen)).items(), PATIENCE, "the shards are moved")
        ended = time.monotonic()
        await await_true(lambda: all(crowd.first_booked_after(h, ended) for h in chosen), PATIENCE, "the moved hotels are booked")
        pauses += [crowd.longest(h, began, ended) for h in chosen]
        crowd.check()
    operator.close()
    return pauses


async def while_it_lasts(crowd: Crowd, what) -> list:
    """The longest answer of every hotel while `what` is done."""
    began = time.monotonic()
    await what
    crowd.check()
    return [crowd.longest(h, began, time.monotonic()) for h in crowd.hotels]


async def drain(stage: Stage, name: str):
    await operate(stage, "drain", name)
    await await_true(lambda: counts(stage)[name] == 0, PATIENCE, f"{name} is drained")


async def resume(stage: Stage, name: str):
    await operate(stage, "resume", name)
    await await_true(lambda: spread_evenly(stage), PATIENCE, f"{name} has its share again")


async def join(stage: Stage):
    await asyncio.to_thread(stage.add_node().start)
    await await_true(lambda: spread_evenly(stage), PATIENCE, "the fourth node has its share")


async def restart_all(stage: Stage, crowd: Crowd):
    for node in stage.nodes:
        crowd.nodes = [n for n in stage.nodes if n is not node]  # its clients go elsewhere, as behind any balancer
        assert await asyncio.to_thread(node.stop) == 0, f"{node.name} did not end cleanly on SIGTERM"
        await asyncio.to_thread(node.start)
        await await_true(lambda: spread_evenly(stage), PATIENCE, f"{node.name} has its share again")
    crowd.nodes = list(stage.nodes)


async def main() -> int:
    draw = random.Random(seed_from_environment())
    with Stage(nodes=3) as stage:
        hotels = await open_crowds_hotels(stage, HOTELS, PATIENCE)
        crowd = Crowd(list(stage.nodes), hotels, draw, pause=0.01)
        began = time.monotonic()
        pauses = await move_some(stage, crowd, draw)
        tell(f"{len(pauses)} moves of single shards", pauses, crowd, began)
        for what, doing in (("drain", lambda: drain(stage, "node-2")), ("resume", lambda: resume(stage, "node-2")),
                            ("join of a fourth node", lambda: join(stage)), ("rolling restart of four nodes", lambda: restart_all(stage, crowd))):
            began = time.monotonic()
            pauses = await while_it_lasts(crowd, doing())
            tell(f"{what}, {time.monotonic() - began:.1f} s", pauses, crowd, began)
        await crowd.stop()
        await all_there_once(stage, hotels, crowd)
        report = stage.node.verify()
        print(f"journal verify: clean; {report['events']} events")
    return 5 + 2


if __name__ == "__main__":
    finish(asyncio.run(main()))

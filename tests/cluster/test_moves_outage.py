"""Goal: the database crashes and comes back while shards move, by a drain and by operators' wishes, under load. Every move ends, moved or
called off, the shards end where they should, all hotels take bookings, and no request is lost, done twice or answered wrongly."""

import asyncio
import collections
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.crowd import Crowd, await_true, open_crowds_hotels  # noqa: E402
from tests.support.ledger import all_there_once  # noqa: E402
from tests.support.node import Client, Stage, finish, seed_from_environment  # noqa: E402
from tests.support.pair import Session  # noqa: E402
from tests.support.shards import ask_move, counts, moving, owners, shards, spread_evenly  # noqa: E402

CRASHES = int(os.environ.get("KEYRACK_CRASHES", 1))  # of each kind
HOTELS = 32
WISHES = 16
PATIENCE = 60
SHARDS = 1024


def move_rows(stage: Stage, first: int) -> collections.Counter:
    """Outcomes of the moves that were written down from the one with that number on; open ones as "open"."""
    rows = stage.postgres.query(f"SELECT CASE WHEN ended_at IS NULL THEN 'open' ELSE outcome END, count(*) FROM moves WHERE id >= {first} GROUP BY 1")
    return collections.Counter({outcome: int(count) for outcome, count in (line.split("|") for line in rows.splitlines())})


async def crash_while_moving(stage: Stage, first: int, least: int) -> tuple[int, int]:
    """Kills the database when it sees that `least` of the moves since `first` have ended and others are under way, and starts it
    again. How many had ended then, and how many were under way."""
    watch = await Session.open(stage.postgres)  # which asks without a process for each look
    look = f"SELECT (SELECT count(*) FROM moves WHERE id >= {first} AND ended_at IS NOT NULL), (SELECT count(target) FROM shards)"
    give_up = time.monotonic() + PATIENCE
    ended = under_way = 0
    while ended < least or under_way == 0:
        assert time.monotonic() < give_up, f"no moves were seen under way: {ended} have ended"
        ended, under_way = (int(n) for n in (await watch.ask(look)).split("|"))
    stage.postgres.kill()
    watch.close()
    await asyncio.to_thread(stage.postgres.start)
    return ended, under_way


async def all_booked(crowd: Crowd, began: float, what: str) -> float:
    """Seconds from `began` until each hotel has taken a booking that was asked for since."""
    await await_true(lambda: all(crowd.first_booked_after(h, began) for h in crowd.hotels), PATIENCE, f"all hotels take bookings after {what}")
    crowd.check()
    return max(crowd.first_booked_after(h, began) - began for h in crowd.hotels)


async def all_ended(stage: Stage, what: str):
    await await_true(lambda: moving(stage) == 0 and stage.postgres.query("SELECT count(*) FROM moves WHERE ended_at IS NULL") == "0",
                     PATIENCE, f"all moves have ended after {what}")


async def crash(stage: Stage, crowd: Crowd, what: str, first: int, least: int = 0) -> tuple[int, int, float]:
    """In the middle of moves that have been asked for: afterwards all hotels are booked, and all moves have ended."""
    ended, under_way = await crash_while_moving(stage, first, least)
    back = time.monotonic()
    took = await all_booked(crowd, back, what)
    return ended, under_way, took


def tell(stage: Stage, what: str, first: int, crashed: tuple):
    ended, under_way, took = crashed
    outcomes = move_rows(stage, first)
    assert outcomes["open"] == 0 and outcomes["moved"] >= ended, f"{what}: {ended} moves had ended as the database went, and now: {outcomes}"
    print(f"{what}: the database crashed with {under_way} shards on their way and {ended} moved; all hotels booked {took:.2f} s after it was "
          f"back; in the end {dict(outcomes)}", flush=True)


async def operate(stage: Stage, *command: str):
    """`keyrack cluster …`, which must succeed."""
    done = await asyncio.to_thread(stage.node.run, "cluster", *command)
    assert done.returncode == 0, f"keyrack cluster {' '.join(command)}: {done.stdout}{done.stderr}"


def next_move(stage: Stage) -> int:
    return int(stage.postgres.query("SELECT coalesce(max(id), 0) + 1 FROM moves"))


async def during_a_drain(stage: Stage, crowd: Crowd, draw: random.Random):
    """Nobody asks again: the wish was written down, and the coordinator goes on with it."""
    name = draw.choice(stage.nodes).name
    first = next_move(stage)
    await operate(stage, "drain", name)
    crashed = await crash(stage, crowd, f"a crash in the drain of {name}", first, draw.randint(0, SHARDS // 5))
    await await_true(lambda: counts(stage).get(name) == 0, PATIENCE, f"{name} is drained")
    await all_ended(stage, f"a drain of {name}")
    assert counts(stage)[name] == 0 and sum(counts(stage).values()) == SHARDS, counts(stage)
    tell(stage, f"drain of {name}", first, crashed)
    await operate(stage, "resume", name)
    await await_true(lambda: spread_evenly(stage), PATIENCE, f"{name} has its share again")
    await all_ended(stage, f"the resuming of {name}")


async def during_wishes(stage: Stage, crowd: Crowd, draw: random.Random):
    """Single shards of hotels that are booked, each wish acknowledged before the crash: it comes true, or the row says why not."""
    shard_of = await asyncio.to_thread(shards, stage, crowd.hotels)
    at = await asyncio.to_thread(owners, stage, crowd.hotels)
    names = [node.name for node in stage.nodes]
    by_shard = {shard_of[h]: h for h in draw.sample(crowd.hotels, WISHES)}
    chosen = {shard: draw.choice([n for n in names if n != at[h]]) for shard, h in by_shard.items()}
    first = next_move(stage)
    crashing = asyncio.create_task(crash(stage, crowd, "a crash during moves by hand", first))
    asked = {}

    async def wish(shard: int, node: str):
        client = Client(stage.node.port)
        try:
            asked[shard] = (await ask_move(client, shard, node))["id"]
        except (AssertionError, OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            pass  # the database went first: of this wish nothing is claimed
        client.close()

    await asyncio.gather(*(wish(shard, node) for shard, node in chosen.items()))
    crashed = await crashing
    await all_ended(stage, "moves by hand")
    rows = dict(line.split("|") for line in stage.postgres.query(f"SELECT id, outcome FROM moves WHERE id >= {first}").splitlines())
    assert asked, "no wish was acknowledged"
    for shard, number in asked.items():
        assert str(number) in rows, f"the wish for shard {shard} was acknowledged as {number}, and is not there after the crash"
    now = await asyncio.to_thread(owners, stage, crowd.hotels)
    for shard, number in asked.items():
        if rows[str(number)] == "moved":
            assert now[by_shard[shard]] == chosen[shard], f"shard {shard} is said to have moved to {chosen[shard]}, and is at {now[by_shard[shard]]}"
    tell(stage, f"{len(asked)} moves by hand", first, crashed)


async def main() -> int:
    draw = random.Random(seed_from_environment())
    with Stage(nodes=3) as stage:
        hotels = await open_crowds_hotels(stage, HOTELS, PATIENCE)
        crowd = Crowd(list(stage.nodes), hotels, draw, pause=0.01)
        for _ in range(CRASHES):
            await during_a_drain(stage, crowd, draw)
            await during_wishes(stage, crowd, draw)
        await crowd.stop()
        disturbed = collections.Counter(a.code or a.status for a in crowd.failed())
        assert disturbed, "no request met the outage"
        await all_there_once(stage, hotels, crowd)
        print(f"{len(crowd.acknowledged)} bookings acknowledged, disturbed requests {dict(disturbed)}")
        print(f"journal verify: clean; {stage.node.verify()['events']} events")
        for node in stage.nodes:
            assert node.stop() == 0, f"{node.name} did not end cleanly on SIGTERM"
    return 2 * CRASHES + 3


if __name__ == "__main__":
    finish(asyncio.run(main()))

"""Goal: what an operator should not ask for is refused with a sentence that says what to do, over HTTP and on the command line, and changes
nothing; a thousand moves asked for at once (KEYRACK_MOVES_ASKED=5120 for more) are carried out a few at a time, and no guest notices."""

import asyncio
import collections
import json
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
from tests.support.shards import ask_move, counts, moving, spread_evenly  # noqa: E402

HOTELS = 16
SHARDS = 1024
ASKED = int(os.environ.get("KEYRACK_MOVES_ASKED", SHARDS))  # 5,120 take two minutes
ASKING = 48  # operators at a time
BURST = 400
MOVES_AT_A_TIME = 32  # plan_limits
MOVED_BY_HAND = 24
OPERATORS_LOCK = 0x6b65_7972_6163_6b6f  # persistence/operations_changes.cpp
PATIENCE = 120


class Operator:
    """Asks for the same over HTTP and on the command line."""

    def __init__(self, stage: Stage):
        self.stage = stage
        self.client = Client(stage.node.port)
        self.checks = 0

    async def does(self, *command: str):
        done = await asyncio.to_thread(self.stage.node.run, "cluster", *command)
        assert done.returncode == 0, done.stdout + done.stderr

    async def is_refused(self, method: str, path: str, body, command: list[str], status: int, code: str, sentence: str):
        """By both, with the same sentence."""
        got, answer, _ = await self.client.ask(method, f"/v1/cluster{path}", body)
        problem = json.loads(answer)
        assert (got, problem["code"], problem["outcome"]) == (status, code, "not_applied"), answer
        assert sentence in problem["detail"], answer
        done = await asyncio.to_thread(self.stage.node.run, "cluster", *command)
        assert done.returncode == 1 and not done.stdout, (done.stdout, done.stderr)
        assert sentence in done.stderr, done.stderr
        self.checks += 1


def wishes(stage: Stage) -> str:
    return stage.postgres.query("SELECT (SELECT string_agg(w::text, ',' ORDER BY node) FROM wishes w), (SELECT count(*) FROM pins), "
                                "(SELECT count(*) FROM moves WHERE reason = 'operator'), (SELECT rebalance_asked FROM coordinator)")


async def refused(stage: Stage, operator: Operator):
    at = stage.postgres.query("SELECT n.node FROM shards s JOIN nodes n ON n.incarnation = s.owner WHERE s.shard = 7")
    before = wishes(stage)
    await operator.is_refused("PUT", "/shards/7/pin", {"node": "node-9"}, ["pin", "7", "node-9"], 422, "node_unknown",
                              "There are: node-1, node-2, node-3")
    await operator.is_refused("POST", "/shards/7/move", {"node": "node-9"}, ["move", "7", "node-9"], 422, "node_unknown",
                              'No node is called "node-9"')
    await operator.is_refused("POST", "/shards/7/move", {"node": at}, ["move", "7", at], 409, "already_there",
                              f"Shard 7 is on {at} already: nothing moves")
    assert wishes(stage) == before


async def the_last(stage: Stage, operator: Operator):
    """By draining, and by weights."""
    for way, back in ((lambda n: ["drain", n], lambda n: ["resume", n]), (lambda n: ["weight", n, "0"], lambda n: ["weight", n, "100"])):
        for name in ("node-1", "node-2"):
            await operator.does(*way(name))
        before = wishes(stage)
        says = "No other running node may have shards, and node-3's have to be somewhere"
        await operator.is_refused("POST", "/nodes/node-3/drain", None, ["drain", "node-3"], 409, "last_node", says)
        await operator.is_refused("PUT", "/nodes/node-3/weight", {"weight": 0}, ["weight", "node-3", "0"], 409, "last_node", says)
        assert wishes(stage) == before
        await await_true(lambda: counts(stage)["node-3"] == SHARDS, PATIENCE, "the last node has all shards")
        for name in ("node-1", "node-2"):
            await operator.does(*back(name))
        await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread again")


async def make_uneven(stage: Stage):
    """Exactly even first, then so many shards moved by hand, that nobody moves them back unasked: within the tenth that is allowed."""
    client = Client(stage.node.port)
    status, body, _ = await client.ask("POST", "/v1/cluster/rebalance")
    assert status == 200, body
    await await_true(lambda: rebalanced(stage), PATIENCE, "the shards are exactly even")
    mine = stage.postgres.query("SELECT s.shard FROM shards s JOIN nodes n ON n.incarnation = s.owner WHERE n.node = 'node-1' ORDER BY 1")
    chosen = [int(line) for line in mine.splitlines()][:MOVED_BY_HAND]
    for shard in chosen:
        await ask_move(client, shard, "node-2")
    client.close()
    await await_true(lambda: stage.postgres.query("SELECT count(*) FROM moves WHERE ended_at IS NULL") == "0" and moving(stage) == 0,
                     PATIENCE, "the moves by hand have ended")
    held = counts(stage)
    assert held["node-2"] - held["node-1"] >= 2 * MOVED_BY_HAND - 1, f"the shards should be uneven: {held}"


def rebalanced(stage: Stage) -> bool:
    held = counts(stage).values()
    return (moving(stage) == 0 and stage.postgres.query("SELECT rebalance_asked FROM coordinator") == "f"
            and max(held) - min(held) <= 1)


async def two_rebalances(stage: Stage) -> int:
    """Of uneven shards, asked for at all nodes at the same moment: one is done, the others are told that it runs."""
    await make_uneven(stage)
    clients = [Client(node.port) for node in stage.nodes]
    # All wait for the lock by which operators' changes go one after the other. And no shard's row can be changed until all have their
    # answer: as soon as the last move has begun the next asker would rightly be told that nothing is left to move.
    holder = await Session.open(stage.postgres)
    await holder.ask(f"BEGIN; SELECT pg_advisory_lock({OPERATORS_LOCK})")
    await holder.ask("SELECT count(*) FROM (SELECT FROM shards FOR SHARE) AS held")
    asked = asyncio.gather(*(c.ask("POST", "/v1/cluster/rebalance") for c in clients))
    await await_true(lambda: stage.postgres.query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
                     == str(len(clients)), PATIENCE, "all wait for their turn")
    await holder.ask(f"SELECT pg_advisory_unlock({OPERATORS_LOCK})")
    answers = await asked
    holder.close()
    told = collections.Counter()
    for status, body, _ in answers:
        answer = json.loads(body)
        told[answer.get("code") or f"asked {answer['asked']}"] += 1
        if answer.get("code"):
            assert (status, answer["outcome"]) == (409, "not_applied") and "One was asked for and is not done yet" in answer["detail"], answer
        else:
            assert len(answer["moves"]) >= MOVED_BY_HAND - 1, f"it should move back what was moved by hand: {answer['moves']}"
    assert told == {"asked True": 1, "rebalance_running": len(clients) - 1}, told
    await await_true(lambda: rebalanced(stage), PATIENCE, "the rebalance is done")
    moved = stage.postgres.query("SELECT count(*) FROM moves WHERE reason = 'rebalance' AND outcome = 'moved'")
    assert int(moved) >= MOVED_BY_HAND - 1, f"only {moved} moves were a rebalance's"
    for client in clients:
        client.close()
    return told["asked True"]


async def ask_for_moves(node, wanted: list, told: collections.Counter, odd: list):
    client = Client(node.port)
    while wanted:
        shard, target = wanted.pop()
        status, body, headers = await client.ask("POST", f"/v1/cluster/shards/{shard}/move", {"node": target}, seconds=60)
        answer = json.loads(body)
        told[answer.get("code", "asked")] += 1
        if answer.get("code") == "overloaded":
            if status != 503 or "retry-after" not in headers or answer["outcome"] != "not_applied":
                odd.append((status, headers, answer))
        elif status not in (200, 409):
            odd.append((status, answer))
    client.close()


async def watch_moves(stage: Stage, most: list):
    while True:
        most.append(await asyncio.to_thread(moving, stage))
        await asyncio.sleep(0.01)


async def flood(stage: Stage, draw: random.Random, crowd: Crowd):
    """Moves of every shard to nodes drawn; the second and later ones find it there, or under way."""
    names = [n.name for n in stage.nodes]
    wanted = [(shard % SHARDS, draw.choice(names)) for shard in range(ASKED)]
    draw.shuffle(wanted)
    told, odd, under_way = collections.Counter(), [], [0]
    watcher = asyncio.create_task(watch_moves(stage, under_way))
    began = time.monotonic()
    # A burst of more than a node keeps waiting, and the rest as fast as some operators can ask.
    burst = [wanted.pop() for _ in range(BURST)]
    await asyncio.gather(*(ask_for_moves(stage.node, [one], told, odd) for one in burst))
    await asyncio.gather(*(ask_for_moves(stage.nodes[i % 3], wanted, told, odd) for i in range(ASKING)))
    asked_for = time.monotonic() - began
    await await_true(lambda: stage.postgres.query("SELECT count(*) FROM moves WHERE ended_at IS NULL") == "0", PATIENCE, "all have ended")
    took = time.monotonic() - began
    watcher.cancel()
    assert not odd, odd[:3]
    assert sum(told.values()) == ASKED and set(told) <= {"asked", "move_open", "already_there", "overloaded"}, told
    assert told["overloaded"] > 0, f"the bound on questions that wait was never met: {told}"
    assert 0 < max(under_way) <= MOVES_AT_A_TIME, max(under_way)
    failed = crowd.failed(began)
    assert not failed, f"{len(failed)} bookings failed, first {failed[:3]}"
    done = stage.postgres.query("SELECT count(*) FILTER (WHERE outcome = 'moved'), count(*) FILTER (WHERE outcome <> 'moved') "
                                "FROM moves WHERE reason = 'operator'")
    print(f"{ASKED} moves asked for in {asked_for:.1f} s: {dict(told)}; moved|not {done} after {took:.1f} s, at most {max(under_way)} at a time; "
          f"{len([a for a in crowd.attempts if a.called >= began])} bookings meanwhile, none failed", flush=True)


async def main() -> int:
    draw = random.Random(seed_from_environment())
    with Stage(nodes=3) as stage:
        hotels = await open_crowds_hotels(stage, HOTELS, PATIENCE)
        operator = Operator(stage)
        crowd = Crowd(list(stage.nodes), hotels, draw, pause=0.05)
        await refused(stage, operator)
        await the_last(stage, operator)
        done = await two_rebalances(stage)
        print(f"{operator.checks} refusals, alike over HTTP and on the command line; {done} of {len(stage.nodes)} rebalances was done")
        crowd.check()
        assert not crowd.failed(), crowd.failed()[:3]
        await flood(stage, draw, crowd)
        await crowd.stop()
        await all_there_once(stage, hotels, crowd)
        print(f"journal verify: clean; {stage.node.verify()['events']} events")
    return operator.checks + 3


if __name__ == "__main__":
    finish(asyncio.run(main()))

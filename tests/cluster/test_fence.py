"""Goal: a writer that is frozen, killed or cut off at any point of an append writes nothing after its fence, and learns that it is fenced;
nothing that anybody acknowledged is lost, with and without a synchronous standby, one that answers and one that does not; and what is
merely visible is not acknowledged, as the fail-over to the standby shows.

Each cell: a real writer's process, a gate between it and PostgreSQL, the product's fence, a successor that goes on where the journal ends."""

import asyncio
import os
import pathlib
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.fence_scene import FAULTS, POINTS, Scene, Theatre  # noqa: E402
from tests.support.gate import Gate  # noqa: E402
from tests.support.node import Node, finish  # noqa: E402
from tests.support.pair import Pair, Session  # noqa: E402
from tests.support.writer import Writer, until  # noqa: E402

ROUNDS = int(os.environ.get("KEYRACK_FENCE_ROUNDS", 1))
ONLY = os.environ.get("KEYRACK_FENCE_ONLY", "")  # such as "silent frozen executed", words that a cell has, or "fail-over"
STANDBYS = ("none", "answering", "silent")


async def all_at_once(calls):
    await asyncio.gather(*calls)


def cells(standby: str, fault: str) -> list[str]:
    points = [p for p in POINTS if standby != "none" or p != "waits_for_standby"]
    return [p for p in points if all(word in (standby, fault, p) for word in ONLY.split())]


async def fence_and_wake(scenes: list[Scene]):
    """The database answers: fences, a successor that is at work already, and then the old writers wake."""
    await all_at_once(s.fence() for s in scenes)
    for s in scenes:
        s.before = await s.theatre.rows(s.incarnation)
    await all_at_once(s.unblock() for s in scenes)
    await all_at_once(s.take_over(s.hotel) for s in scenes)
    for s in scenes:
        s.wake()
    await all_at_once(s.learn() for s in scenes)
    for s in scenes:
        rows = await s.theatre.rows(s.incarnation)
        assert rows == s.before, f"{s}: rows after its fence: {rows ^ s.before}"


async def fence_in_silence(theatre: Theatre, scenes: list[Scene]):
    """The standby does not answer: fences are executed and cannot end, and the old writers wake behind them."""
    said = {s: (s.writer.acknowledged()) for s in scenes}
    fences = asyncio.gather(*(s.fence() for s in scenes))
    waiting = "wait_event = 'SyncRep'"
    await until(lambda: enough(theatre, theatre.successor.incarnation, "membership", waiting, len(scenes)), "the fences wait for the standby")
    await all_at_once(s.unblock() for s in scenes)
    for s in scenes:
        s.wake()
    await all_at_once(until(s.waits_or_has_told, f"{s} stands before the fence") for s in scenes if s.alive)
    for s in scenes:
        assert not theatre.successor.all("fenced", s.incarnation), f"{s}: a fence was believed that no standby has"
        told = s.writer.acknowledged() - said[s]
        # What was durable before the silence may be told.
        durable = {(s.hotel, 3)} if s.point in ("committed", "answered_partly", "unacknowledged") else set()
        assert told <= durable, f"{s}: acknowledged while the standby did not answer: {told - durable}"
    theatre.pair.standby.speak()
    await fences
    await all_at_once(s.learn() for s in scenes)
    await all_at_once(s.take_over(s.hotel) for s in scenes)


async def enough(theatre: Theatre, incarnation: int, role: str, condition: str, count: int) -> bool:
    return await theatre.backends(incarnation, role, condition) >= count


async def play(theatre: Theatre, standby: str, fault: str) -> int:
    """All points of an append at once, for one fault."""
    scenes = [Scene(theatre, fault, point) for point in cells(standby, fault)]
    if not scenes:
        return 0
    began = time.monotonic()
    try:
        await all_at_once(s.prepare() for s in scenes)
        await all_at_once(s.reach() for s in scenes if s.point != "waits_for_standby")
        if standby != "none":
            theatre.pair.standby.silence()
        await all_at_once(s.reach() for s in scenes if s.point == "waits_for_standby")
        await all_at_once(s.strike() for s in scenes)
        if standby == "silent":
            await fence_in_silence(theatre, scenes)
        else:
            if standby == "answering":
                theatre.pair.standby.speak()
            await fence_and_wake(scenes)
        await all_at_once(s.take_over(s.behind) for s in scenes)
        for s in scenes:
            await s.check()
    finally:
        for s in scenes:
            await s.end()
    print(f"standby {standby}, writer {fault}: {len(scenes)} points, {time.monotonic() - began:.1f} s", flush=True)
    return len(scenes)


async def all_owed(theatre: Theatre, at: Session):
    """Everything that was ever acknowledged is there, once, by who said so."""
    theatre.owed |= {(hotel, seq, theatre.successor.incarnation) for hotel, seq in theatre.successor.acknowledged()}
    rows = [tuple(int(n) for n in line.split("|"))
            for line in (await at.ask("SELECT hotel_id, first_seq, writer FROM commits")).splitlines()]
    assert len(rows) == len(set(rows))
    lost = theatre.owed - set(rows)
    assert not lost, f"acknowledged, and lost: {sorted(lost)}"


async def doubt_and_fail_over(theatre: Theatre):
    """A writer loses the answer to an append that waits for a silent standby. Its row becomes visible, and it must not believe in it: the
    primary is lost then, and the standby never had it."""
    gate = await Gate(theatre.pair.primary.directory).start()
    doubter = await Writer("doubter").start(gate.url, theatre.log, 500)
    hotel = 1_000_000
    assert await doubter.append(hotel) == "applied"
    theatre.pair.standby.stop("immediate")  # nothing that the primary sends it waits anywhere
    doubter.tell("append", hotel)
    me = doubter.incarnation
    await until(lambda: enough(theatre, me, "slot-0", "wait_event = 'SyncRep'", 1), "the append waits for the standby")
    gate.shut("/slot-0")
    asking = "wait_event = 'SyncRep' AND query LIKE '%UPDATE writers SET backend%'"

    async def doubts():
        return doubter.verdicts(hotel)[1:] or await enough(theatre, me, "slot-0", asking, 1)

    await until(doubts, "the writer is in doubt, and asks the database again")
    visible = (hotel, 2) in await theatre.rows(me)
    assert visible, "the row of the append is not visible: this shows nothing"
    theatre.pair.primary.stop("immediate")
    said = doubter.verdicts(hotel)[1:]
    theatre.pair.standby.start()
    theatre.pair.standby.promote()
    gate.target = theatre.pair.standby.directory
    gate.heal()
    _, _, _, told = await doubter.hear("tells what became of the append", "verdict", hotel, 2)
    at = await Session.open(theatre.pair.standby)
    there = await at.ask(f"SELECT count(*) FROM commits WHERE hotel_id = {hotel} AND first_seq = 2")
    assert not said, f"in doubt, with the standby silent, it said {said}"
    assert (told == "applied") == (there == "1"), f"it was told {told}, and the promoted standby has {there}"
    assert there == "0" and told == "fenced", f"{told}, {there}: the standby was not silent, and this showed nothing"
    await doubter.hear("finds itself at another server", "lost")
    theatre.owed |= {(h, seq, me) for h, seq in doubter.acknowledged()}
    await all_owed(theatre, at)
    print(f"fail-over: {len(theatre.owed)} acknowledged commits are all there", flush=True)
    Node(theatre.pair.standby.directory, theatre.pair.standby.url).verify()
    await doubter.kill()
    gate.stop()
    at.close()


async def perform(directory: pathlib.Path) -> int:
    checks = 0
    with open(directory / "writers.log", "wb") as log:
        pair = Pair(directory)
        try:
            pair.create()
            program = Node(directory, pair.primary.url)
            migrated = program.run("migrate")
            assert migrated.returncode == 0, migrated.stderr
            successor = await Writer("successor").start(pair.primary.url, log)
            theatre = Theatre(pair, await Session.open(pair.primary), successor, log, set())
            for _ in range(ROUNDS):
                for standby in STANDBYS:
                    await pair.expect("" if standby == "none" else "standby")
                    for fault in FAULTS:
                        checks += await play(theatre, standby, fault)
                await all_owed(theatre, theatre.watch)
                report = program.verify()
                print(f"{len(theatre.owed)} acknowledged commits are all there; journal verify: clean, {report['commits']} commits", flush=True)
            if ONLY in ("", "fail-over"):
                await pair.expect("standby")
                await doubt_and_fail_over(theatre)
                checks += 3
            assert checks > 0, f"no cell has all of these words: {ONLY}"
            await successor.kill()
            theatre.watch.close()
        except BaseException:
            print("the writers' last words:\n" + "\n".join((directory / "writers.log").read_text(errors="replace").splitlines()[-20:]))
            raise
        finally:
            pair.stop()
    return checks


def main() -> int:
    directory = pathlib.Path(tempfile.mkdtemp(prefix="keyrack-test-"))
    directory.chmod(0o755)
    try:
        return asyncio.run(perform(directory))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    finish(main())

"""One cell of the fence test's matrix: a writer that is brought to a point of an append, struck there, fenced, and woken; and what must be
true afterwards. Refuses to know in which order cells are played and what the standby does meanwhile."""

import dataclasses
import itertools

from tests.support.gate import Gate
from tests.support.pair import Pair, Session
from tests.support.writer import Writer, until

# Points of an append, in its order, and by which stop at the gate they are reached.
POINTS = {
    "not_sent": "",
    "sent_partly": "part",
    "waits_for_me": "",  # for its share lock, behind somebody else's
    "waits_holding_me": "",  # with its share lock, for a row of somebody else
    "executed": "end",  # and nobody ends the transaction
    "waits_for_standby": "",
    "committed": "answer",
    "answered_partly": "tail",
    "unacknowledged": "",  # the writer knows, and has told nobody
}
DURABLE = ("waits_for_standby", "committed", "answered_partly", "unacknowledged")  # whatever becomes of the writer
FAULTS = ("frozen", "killed", "stalled", "rejected", "blackholed")
hotels = itertools.count(1)


@dataclasses.dataclass
class Theatre:
    pair: Pair
    watch: Session
    successor: Writer  # who takes over
    log: object
    owed: set  # (hotel, number, incarnation) of everything that was ever acknowledged

    async def backends(self, incarnation: int, role: str, condition: str = "true") -> int:
        return int(await self.watch.ask(f"SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE "
                                        f"'keyrack/{incarnation}/{role}' AND {condition}"))

    async def rows(self, incarnation: int) -> set[tuple[int, int]]:
        lines = await self.watch.ask(f"SELECT hotel_id, first_seq FROM commits WHERE writer = {incarnation}")
        return {tuple(int(n) for n in line.split("|")) for line in lines.splitlines()}


class Scene:
    def __init__(self, theatre: Theatre, fault: str, point: str):
        self.theatre, self.fault, self.point = theatre, fault, point
        self.hotel, self.behind = next(hotels), next(hotels)  # of the append, and of one that waits for it
        self.gate = Gate(theatre.pair.primary.directory)
        self.writer = Writer(f"{point.replace('_', '-')}-{self.hotel}")
        self.blocker = None
        self.backend = ""
        self.before: set = set()  # rows as the fence found them

    def __str__(self):
        return f"{self.fault} at {self.point} (incarnation {self.writer.incarnation})"

    @property
    def alive(self) -> bool:
        return self.fault != "killed"

    async def prepare(self):
        await self.gate.start()
        # One that is cut off and finds it out by itself is among them.
        await self.writer.start(self.gate.url, self.theatre.log, 1_500 if self.fault == "stalled" else 20_000)
        for hotel in (self.hotel, self.hotel, self.behind):
            assert await self.writer.append(hotel) == "applied"
        self.incarnation = self.writer.incarnation
        self.backend = await self.theatre.watch.ask(
            f"SELECT pid FROM pg_stat_activity WHERE application_name = 'keyrack/{self.incarnation}/slot-0'")

    async def _block(self, sql: str):
        self.blocker = await Session.open(self.theatre.pair.primary)
        await self.blocker.ask(f"BEGIN; {sql}")

    async def reach(self):
        if self.point == "waits_for_me":
            await self._block(f"SELECT FROM writers WHERE incarnation = {self.incarnation} AND slot = 0 FOR UPDATE")
        if self.point == "waits_holding_me":
            await self._block("INSERT INTO commits (hotel_id, first_seq, last_seq, shard, writer, at, payload) "
                              f"VALUES ({self.hotel}, 3, 3, 0, 0, now(), '')")
        if self.point == "unacknowledged":
            self.writer.tell("hold")
        self.gate.arm(POINTS[self.point])
        if self.point != "not_sent":
            self.writer.tell("append", self.hotel)
            await until(self._is_there, f"{self} is reached")
        if self.point not in ("not_sent", "unacknowledged"):
            self.writer.tell("append", self.behind)  # never sent
        self.gate.disarm()

    async def _is_there(self) -> bool:
        if self.point in ("sent_partly", "answered_partly"):
            return self.gate.reached.is_set()
        if self.point == "committed":
            return (self.hotel, 3) in await self.theatre.rows(self.incarnation)
        if self.point == "unacknowledged":
            return bool(self.writer.all("about", self.hotel, 3))
        condition = {"executed": "backend_xid IS NOT NULL AND wait_event = 'ClientRead'",
                     "waits_for_standby": "wait_event = 'SyncRep'"}.get(self.point, "wait_event_type = 'Lock'")
        return await self.theatre.backends(self.incarnation, "slot-0", condition) > 0

    async def strike(self):
        if self.fault == "frozen":
            self.writer.freeze()
        elif self.fault == "killed":
            await self.writer.kill()
            self.gate.drop()
        elif self.fault == "stalled":
            self.gate.shut("/slot-0")
        elif self.fault == "rejected":
            self.gate.reject()
        else:
            self.gate.blackhole()
        if self.alive and self.point in ("not_sent", "unacknowledged"):
            if self.point == "not_sent":
                self.writer.tell("append", self.hotel)
            self.writer.tell("append", self.behind)

    async def fence(self):
        """Returns when the successor is certain."""
        self.theatre.successor.tell("fence", self.incarnation)
        if self.point == "waits_for_me":
            # The stranger's lock is in the fence's way, too; it goes when the fence has ended who waits behind it.
            gone = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {self.backend}"
            await until(lambda: self._says(gone, "0"), f"{self}: the fence ends the backends that are in its way")
            await self.unblock()
        await self.theatre.successor.hear(f"fences {self}", "fenced", self.incarnation)

    async def _says(self, sql: str, answer: str) -> bool:
        return await self.theatre.watch.ask(sql) == answer

    async def unblock(self):
        if self.blocker:
            await self.blocker.ask("ROLLBACK")
            self.blocker.close()
            self.blocker = None

    def wake(self):
        if self.fault == "frozen":
            self.writer.thaw()
        if self.alive:
            self.gate.heal()
        if self.point == "unacknowledged" and self.alive:
            self.writer.tell("go")

    async def take_over(self, hotel: int):
        """The successor goes on where the journal ends."""
        successor = self.theatre.successor
        end = await successor.recover(hotel)
        ends = await self.theatre.watch.ask(f"SELECT max(last_seq) FROM commits WHERE hotel_id = {hotel}")
        assert str(end) == ends, f"{self}: {hotel} was recovered up to {end}, and the journal ends at {ends}"
        assert await successor.append(hotel) == "applied", f"{self}: {hotel} does not take appends after the take-over"

    async def waits_or_has_told(self) -> bool:
        """While the fence is under way: a woken writer stands before it, unless it has nothing more to say."""
        if len(self.writer.verdicts(self.hotel)) == 3 and len(self.writer.verdicts(self.behind)) == 2:
            return True
        return await self.theatre.backends(self.incarnation, "slot-0", "(wait_event_type = 'Lock' OR wait_event = 'SyncRep')") > 0

    async def learn(self):
        """What the writer makes of it, once it may."""
        if not self.alive:
            return await until(lambda: self._nobody_left(), f"{self}: its backends are gone")
        await self.writer.hear("tells what became of the append", "verdict", self.hotel, 3)
        await self.writer.hear("tells what became of the one behind", "verdict", self.behind, 2)
        await self.writer.hear("finds itself fenced", "lost")
        last = len(self.writer.all("verdict", self.behind))
        self.writer.tell("append", self.behind)
        answer = await self.writer.hear("answers once more", "verdict", self.behind, count=last + 1)
        assert answer[3] == "fenced", f"{self}: after the fence it said {answer}"
        self.writer.tell("count")
        _, commits = await self.writer.hear("counts", "counted")
        assert int(commits) > 0, f"{self}: the counter of fenced commits says {commits}"

    async def _nobody_left(self) -> bool:
        return await self.theatre.backends(self.incarnation, "%") == 0

    async def check(self):
        """The journal against what was said."""
        rows = await self.theatre.rows(self.incarnation)
        said = self.writer.acknowledged()
        assert said <= rows, f"{self}: acknowledged and not there: {said - rows}"
        self.theatre.owed |= {(hotel, seq, self.incarnation) for hotel, seq in said}
        for hotel, first_open in ((self.hotel, 3), (self.behind, 2)):
            for seq, result in self.writer.verdicts(hotel):
                assert result in ("applied", "fenced", "conflict"), f"{self}: {hotel}/{seq} ended as {result}"
                assert (result == "applied") == ((hotel, seq) in rows), f"{self}: {hotel}/{seq} was told {result}, rows are {rows}"
            there = (hotel, first_open) in rows
            if self.fault != "stalled":  # that one may have come through before the fence, by another connection
                assert there == (hotel == self.hotel and self.point in DURABLE), f"{self}: {hotel}/{first_open}: {rows}"

    async def end(self):
        await self.writer.kill()
        self.gate.stop()
        if self.blocker:
            self.blocker.close()

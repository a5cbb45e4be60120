"""A writer of the fence tests (tests/support/fence_writer.cpp) as a process: told what to append, frozen, killed, and believed in what it
acknowledges. Refuses to know what is between it and the database."""

import asyncio
import os
import signal
import time

from tests.support.node import PROGRAM

HELPER = PROGRAM.parent / "fence_writer"
PATIENCE = 30  # for whatever must happen some time; what never happens fails then


async def until(what, why: str, seconds: float = PATIENCE):
    """Looks again and again at what nothing tells us of; `what` may be a coroutine function."""
    give_up = time.monotonic() + seconds
    while True:
        found = what()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < give_up, f"after {seconds} s still not: {why}"
        await asyncio.sleep(0.005)


class Writer:
    def __init__(self, name: str):
        self.name = name
        self.incarnation = 0
        self.frozen = False
        self.said: list[list[str]] = []

    async def start(self, url: str, log, append_timeout_ms: int = 10_000):
        self.process = await asyncio.create_subprocess_exec(HELPER, url, self.name, str(append_timeout_ms), stdin=asyncio.subprocess.PIPE,
                                                            stdout=asyncio.subprocess.PIPE, stderr=log)
        self.reading = asyncio.create_task(self._read())
        ready = await self.hear("is ready", "ready")
        self.incarnation = int(ready[1])
        return self

    async def _read(self):
        while line := await self.process.stdout.readline():
            self.said.append(line.decode().split())

    def tell(self, *words):
        self.process.stdin.write((" ".join(str(w) for w in words) + "\n").encode())

    def all(self, *begin) -> list[list[str]]:
        """What it said that begins with these words."""
        words = [str(w) for w in begin]
        return [line for line in self.said if line[:len(words)] == words]

    async def hear(self, why: str, *begin, count: int = 1) -> list[str]:
        """The line that begins so, the count-th of them."""
        def heard():
            assert self.process.returncode in (None, -signal.SIGKILL), f"{self.name} ended with {self.process.returncode}"
            lines = self.all(*begin)
            return lines[count - 1] if len(lines) >= count else None
        return await until(heard, f"{self.name} {why}; it said {self.said[-5:]}")

    async def append(self, hotel: int) -> str:
        """One more event, and how that ended."""
        before = len(self.all("verdict", hotel))
        self.tell("append", hotel)
        return (await self.hear(f"answers an append to {hotel}", "verdict", hotel, count=before + 1))[3]

    async def recover(self, hotel: int) -> int:
        """The hotel's last number, as its journal says."""
        before = len(self.all("recovered", hotel))
        self.tell("recover", hotel)
        return int((await self.hear(f"recovers {hotel}", "recovered", hotel, count=before + 1))[2])

    def verdicts(self, hotel: int) -> list[tuple[int, str]]:
        return [(int(seq), result) for _, _, seq, result in self.all("verdict", hotel)]

    def acknowledged(self) -> set[tuple[int, int]]:
        """(hotel, number) of all that it may be held to."""
        return {(int(hotel), int(seq)) for _, hotel, seq, result in self.all("verdict") if result == "applied"}

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)
        self.frozen = True

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)
        self.frozen = False

    async def kill(self):
        if self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGKILL)
            await self.process.wait()
            await self.reading

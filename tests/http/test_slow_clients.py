"""Goal: clients that say nothing, that drip, or that send what nobody asked for cost the node a bounded amount of memory, are
cut off by their deadlines, and change nothing for those who book meanwhile.
"""

import asyncio
import concurrent.futures
import contextlib
import multiprocessing
import pathlib
import re
import resource
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.node import Client, Stage, booking, finish, open_hotel  # noqa: E402

SILENT = 10_000
DRIPPING = 200
HUGE = 20
HUGE_BYTES = 10_000_000
BOOKINGS = 300
HEAD_SECONDS = 15
BODY_SECONDS = 8

# A silent connection has a session with its coroutine and no buffer; one that drips has a buffer of a few KB beside it. What
# the kernel keeps for their sockets is not in the node's memory. Allocators round up: twice what was measured has room here.
BYTES_PER_SILENT = 8 * 1024
BYTES_PER_DRIPPING = 64 * 1024
# A body with its length is refused before it is read; one in chunks is kept until it passes the route's 8 MiB, in a text that
# may have doubled just then and is copied when it does.
BYTES_PER_HUGE = 3 * 8 * 1024 * 1024
# What bookings themselves leave behind in that time: reservations, events, buffers of the log, the allocator's arenas.
BYTES_OF_BOOKINGS = 48 * 1024 * 1024
# The clients that attack take their share of two processors; latency must not grow as their number does.
SLOWER_AT_MOST = 10
MILLISECONDS_AT_MOST = 25


def memory(pid: int, what: str = "VmRSS") -> int:
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+) kB", text)[1]) * 1024


def reset_peak(pid: int):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def mebibytes(n: int) -> str:
    return f"{n / 2**20:.1f} MiB"


async def metric(client: Client, name: str) -> float:
    _, body, _ = await client.ask("GET", "/metrics")
    return sum(float(line.split()[-1]) for line in body.decode().splitlines() if re.match(rf"{name}(\{{|\s)", line))


async def book(client: Client, hotel: str, times: int = BOOKINGS) -> float:
    """One after another, each of which must succeed; the median in milliseconds."""
    took = []
    for _ in range(times):
        body = booking(hotel, "2027-06-04", "2027-06-06")
        begun = time.perf_counter()
        status, answer, _ = await client.ask("POST", "/v1/reservations", body)
        took.append((time.perf_counter() - begun) * 1000)
        assert status == 201, (status, answer)
    return statistics.median(took)


class Raw:
    """A connection below HTTP."""

    def __init__(self, port: int):
        self.port = port
        self.answer = b""

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.begun = time.monotonic()
        return self

    async def read_to_end(self, seconds: float) -> float:
        """Until the node closes; how long the connection has lived."""
        with contextlib.suppress(ConnectionError):
            while piece := await asyncio.wait_for(self.reader.read(65_536), seconds):
                self.answer += piece
        self.writer.close()
        return time.monotonic() - self.begun

    async def drip(self, first: bytes, piece: bytes, seconds: float):
        """A piece every half second, whoever listens."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(first)
            while time.monotonic() < self.begun + seconds and not self.reader.at_eof():
                self.writer.write(piece)
                await self.writer.drain()
                await asyncio.sleep(0.5)


async def open_many(port: int, count: int) -> list:
    connections = []
    for begin in range(0, count, 200):
        connections += await asyncio.gather(*[Raw(port).open() for _ in range(min(200, count - begin))])
    return connections


def slower(name: str, quiet: float, now: float):
    print(f"median of a booking {name}: {now:.2f} ms, {now / quiet:.2f} times that of a quiet node")
    assert now <= max(quiet * SLOWER_AT_MOST, MILLISECONDS_AT_MOST), f"{name}: {now:.2f} ms after {quiet:.2f} ms"


async def silent_clients(stage: Stage, hotel: str, quiet: float, count: int) -> int:
    pid, client = stage.node.process.pid, Client(stage.node.port)
    before = memory(pid)
    connections = await open_many(stage.node.port, count)
    grown = memory(pid) - before
    slower(f"beside {count} silent connections", quiet, await book(client, hotel))
    still = await metric(client, "keyrack_gateway_connections")
    assert still >= count, f"only {still:.0f} of {count} connections were open while it was measured"
    print(f"{count} silent connections: {mebibytes(grown)}, {grown / count:.0f} bytes each")
    assert grown <= count * BYTES_PER_SILENT, mebibytes(grown)
    lived = await asyncio.gather(*[c.read_to_end(HEAD_SECONDS + 30) for c in connections])
    print(f"cut off after {min(lived):.1f} to {max(lived):.1f} s; their deadline is {HEAD_SECONDS} s")
    assert min(lived) >= HEAD_SECONDS - 1, "a silent client was cut off before its time"
    assert not any(c.answer for c in connections), "who says nothing is told nothing"
    assert await metric(client, "keyrack_gateway_connections") < 50
    client.close()
    return 5


async def dripping_clients(stage: Stage, hotel: str, quiet: float) -> int:
    pid, client = stage.node.process.pid, Client(stage.node.port)
    before = memory(pid)
    heads, bodies = await open_many(stage.node.port, DRIPPING // 2), await open_many(stage.node.port, DRIPPING // 2)
    head = b"GET /v1/hotels HTTP/1.1\r\nHost: t\r\n"
    body = (b"POST /v1/reservations HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{")
    dripping = [asyncio.create_task(c.drip(head, b"X-Slow: y\r\n", 60)) for c in heads]
    dripping += [asyncio.create_task(c.drip(body, b" ", 60)) for c in bodies]
    ended = [asyncio.create_task(c.read_to_end(60)) for c in heads + bodies]
    slower(f"beside {DRIPPING} dripping clients", quiet, await book(client, hotel))
    grown = memory(pid) - before
    print(f"{DRIPPING} dripping clients: {mebibytes(grown)}")
    assert grown <= DRIPPING * BYTES_PER_DRIPPING + BYTES_OF_BOOKINGS, mebibytes(grown)
    lived = await asyncio.gather(*ended)
    await asyncio.gather(*dripping)
    print(f"heads cut off after {max(lived[:len(heads)]):.1f} s of {HEAD_SECONDS}, bodies after {max(lived[len(heads):]):.1f} s of {BODY_SECONDS}")
    for c in heads + bodies:
        assert c.answer.startswith(b"HTTP/1.1 408 "), c.answer[:100]
        assert b'"outcome":"not_applied"' in c.answer, c.answer
    assert min(lived) >= BODY_SECONDS - 1, "a slow client was cut off before its time"
    client.close()
    return 4


async def send_huge(port: int, hotel: str) -> list:
    """All at once, each on a connection of its own; what was answered."""
    senders = await open_many(port, HUGE)

    async def send(number: int, c: Raw):
        framing = f"Content-Length: {HUGE_BYTES}\r\n\r\n" if number % 2 else "Transfer-Encoding: chunked\r\n\r\n"
        c.writer.write(f"PUT /v1/hotels/{hotel}/rooms HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n{framing}".encode())
        piece = b" " * 100_000 if number % 2 else b"186a0\r\n" + b" " * 100_000 + b"\r\n"
        with contextlib.suppress(ConnectionError):
            for _ in range(HUGE_BYTES // 100_000):
                if c.writer.is_closing():
                    break
                c.writer.write(piece)
                await c.writer.drain()

    await asyncio.gather(*[send(n, c) for n, c in enumerate(senders)], *[c.read_to_end(60) for c in senders])
    return [c.answer for c in senders]


def huge_in_another_process(port: int, hotel: str) -> list:
    return asyncio.run(send_huge(port, hotel))


async def huge_bodies(stage: Stage, hotel: str, quiet: float) -> int:
    pid, client = stage.node.process.pid, Client(stage.node.port)
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as elsewhere:
        # Who sends so much must not be who measures.
        await asyncio.wrap_future(elsewhere.submit(int))
        before = memory(pid)
        reset_peak(pid)
        sending = asyncio.wrap_future(elsewhere.submit(huge_in_another_process, stage.node.port, hotel))
        medians = []
        while not sending.done():
            medians.append(await book(client, hotel, 20))
        answers = await sending
    slower(f"beside {HUGE} bodies of {HUGE_BYTES} bytes", quiet, statistics.median(medians))
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 413 "), answer[:200]
    peak, left = memory(pid, "VmHWM") - before, memory(pid) - before
    print(f"{HUGE} bodies of {HUGE_BYTES} bytes: {mebibytes(peak)} at most, {mebibytes(left)} afterwards")
    assert peak <= HUGE * BYTES_PER_HUGE, mebibytes(peak)
    assert left <= BYTES_OF_BOOKINGS, f"kept {mebibytes(left)}"
    client.close()
    return 4


async def attack(stage: Stage, silent: int) -> int:
    client = Client(stage.node.port)
    hotel = await open_hotel(client, 100_000)
    await book(client, hotel, 200)
    quiet = await book(client, hotel)
    print(f"median of a booking on a quiet node: {quiet:.2f} ms")
    client.close()
    # Those whose memory is measured most closely come first: the others leave freed memory behind that would hide it.
    checks = await silent_clients(stage, hotel, quiet, silent)
    checks += await dripping_clients(stage, hotel, quiet)
    checks += await huge_bodies(stage, hotel, quiet)
    return checks


def connections_allowed() -> int:
    """As many as this process, and the node after it, may have open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return SILENT if hard == resource.RLIM_INFINITY else max(0, min(SILENT, hard - 1_000))


def main() -> int:
    silent = connections_allowed()
    if silent < SILENT:
        print(f"the hard limit on open files allows {silent} silent connections and not {SILENT}: with so many, then")
    with Stage(f"gateway.head_timeout_ms={HEAD_SECONDS * 1000}", f"gateway.body_timeout_ms={BODY_SECONDS * 1000}") as stage:
        checks = asyncio.run(attack(stage, silent))
        stage.node.verify()
        return checks + 1


if __name__ == "__main__":
    finish(main())

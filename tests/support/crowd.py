"""Clients that book at several nodes, each at one hotel, one booking after the other, and keep what they saw.

A client retries as any HTTP client may: with the same key, at the next node, until it is told how it ended. Refuses to know
what goes wrong meanwhile."""

import asyncio
import dataclasses
import datetime
import gc
import json
import random
import time
import uuid

from tests.support.node import Client, Node, Stage, booking, open_hotel
from tests.support.shards import spread_evenly

ANSWER_SECONDS = 1  # then it asks elsewhere, with the same key
LEFT_ALONE_SECONDS = 2
FIRST = datetime.date.today() + datetime.timedelta(days=30)


@dataclasses.dataclass
class Attempt:
    """One request and what came of it; times are of one steady clock."""

    hotel: str
    key: str
    node: str
    called: float
    returned: float
    status: int  # 0: no answer
    code: str  # of a problem

    @property
    def seconds(self) -> float:
        return self.returned - self.called


class Crowd:
    def __init__(self, nodes: list[Node], hotels: list[str], draw: random.Random, clients_per_hotel: int = 1, pause: float = 0):
        """`nodes` may be replaced at any time. `pause`: seconds between two bookings of a client. The hotels are so large that no
        night of theirs fills up: a refusal is a fault, whatever it says."""
        gc.disable()  # a full collection among what it remembers stops all clients at once, for as long as a node's pause
        self.nodes = nodes
        self.hotels = hotels
        self.pause = pause
        self.silent_until: dict[Node, float] = {}
        self.attempts: list[Attempt] = []
        self.acknowledged: dict[str, bytes] = {}
        self.sent: dict[str, dict] = {}
        self.stopping = asyncio.Event()
        self.heard = asyncio.Event()  # somebody has been told how his request ended
        self.tasks = [asyncio.create_task(self._book(hotel, random.Random(draw.random())))
                      for hotel in hotels for _ in range(clients_per_hotel)]

    async def stop(self):
        """Each client first learns how its last booking ended."""
        self.stopping.set()
        await asyncio.gather(*self.tasks)

    def check(self):
        """Raises what a client died of."""
        for task in self.tasks:
            if task.done() and not self.stopping.is_set():
                task.result()

    async def hear(self, seconds: float):
        """Until somebody is told how his request has ended; raises what a client died of."""
        self.check()
        self.heard.clear()
        await asyncio.wait_for(self.heard.wait(), seconds)

    def failed(self, since: float = 0) -> list[Attempt]:
        return [a for a in self.attempts if a.status != 201 and a.called >= since]

    def longest(self, hotel: str, begin: float, end: float) -> float:
        """The longest answer among the hotel's requests that overlapped [begin, end], in seconds."""
        return max((a.seconds for a in self.attempts if a.hotel == hotel and a.returned >= begin and a.called <= end), default=0)

    def first_booked_after(self, hotel: str, begin: float) -> float | None:
        """When the first booking that was called after `begin` was acknowledged."""
        times = [a.returned for a in self.attempts if a.hotel == hotel and a.status == 201 and a.called >= begin]
        return min(times) if times else None

    async def _book(self, hotel: str, draw: random.Random):
        clients = {}
        while not self.stopping.is_set():
            key = str(uuid.UUID(int=draw.getrandbits(128), version=4))
            start = FIRST + datetime.timedelta(days=draw.randint(0, 600))
            self.sent[key] = booking(hotel, start.isoformat(), (start + datetime.timedelta(days=draw.randint(1, 4))).isoformat(), key)
            await self._settle(hotel, key, draw, clients)
            if self.pause:
                await asyncio.sleep(self.pause * (0.5 + draw.random()))
        for client in clients.values():
            client.close()

    async def _settle(self, hotel: str, key: str, draw: random.Random, clients: dict):
        for _ in range(1_000):
            # As a balancer does: who did not answer is left alone for a while.
            healthy = [n for n in self.nodes if self.silent_until.get(n, 0) < time.monotonic()]
            node = draw.choice(healthy or self.nodes)
            if node not in clients:
                clients[node] = Client(node.port, node.host)
            attempt = await self._attempt(hotel, key, node, clients[node])
            if attempt.status == 201:
                return
            if attempt.status == 0:
                self.silent_until[node] = time.monotonic() + LEFT_ALONE_SECONDS
            await asyncio.sleep(0.02)
        raise AssertionError(f"request {key} could not be settled: {attempt}")

    async def _attempt(self, hotel: str, key: str, node: Node, client: Client) -> Attempt:
        called = time.monotonic()
        status, code = 0, ""
        try:
            status, body, _ = await client.ask("POST", "/v1/reservations", self.sent[key], seconds=ANSWER_SECONDS)
            if status == 201:
                known = self.acknowledged.setdefault(key, body)
                assert known == body, f"request {key} was given two answers:\n{known}\n{body}"
            else:
                problem = json.loads(body)
                code = problem["code"]
                assert status in (503, 504), f"request {key} was refused, with rooms free every night: {body}"
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as gone:
            code = type(gone).__name__
        attempt = Attempt(hotel, key, node.name, called, time.monotonic(), status, code)
        self.attempts.append(attempt)
        self.heard.set()
        return attempt


async def open_crowds_hotels(stage: Stage, count: int, patience: float) -> list[str]:
    """Hotels for a crowd: so large that none fills up. Afterwards the shards are spread."""
    client = Client(stage.node.port)
    hotels = [await open_hotel(client, 400) for _ in range(count)]
    client.close()
    await await_true(lambda: spread_evenly(stage), patience, "the shards are spread")
    return hotels


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


async def await_true(what, seconds: float, why: str):
    """Looks at what nothing tells us of, elsewhere, so that no client waits for the looking; and not so often that processes
    which ask the database take the processors from what is tested."""
    give_up = time.monotonic() + seconds
    while not await asyncio.to_thread(what):
        assert time.monotonic() < give_up, f"after {seconds} s still not: {why}"
        await asyncio.sleep(0.05)

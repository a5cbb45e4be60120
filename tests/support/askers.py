"""Clients that go on asking one node, which is cut off, for bookings that were acknowledged a moment ago, by whomever: it knows of them,
or says that it cannot say. Refuses to know what is cut."""

import asyncio
import collections
import contextlib
import json
import time

from tests.support.crowd import Crowd
from tests.support.network import NetworkNode
from tests.support.node import Client

ASKERS = 4
LATE_ASKERS = 40  # whose question waits at the victim as the cut heals


class Askers:
    def __init__(self, crowd: Crowd, victim: NetworkNode, lost: list, patience: float):
        self.crowd, self.victim, self.lost, self.patience = crowd, victim, set(lost), patience
        self.answers = collections.Counter()
        self.late = collections.Counter()
        self.asked_last = [0.0] * ASKERS  # when the question that was answered last was asked
        self.stopping = asyncio.Event()
        self.answered = asyncio.Condition()
        self.tasks = [asyncio.create_task(self._ask(n)) for n in range(ASKERS)]

    async def _ask(self, number: int):
        client = Client(self.victim.port, self.victim.host)
        while not self.stopping.is_set():
            recent = [body for key, body in list(self.crowd.acknowledged.items())[-50:] if self.crowd.sent[key]["hotel_id"] in self.lost]
            if recent:
                asked = time.monotonic()
                await self._ask_once(client, json.loads(recent[-1])["id"])
                async with self.answered:
                    self.asked_last[number] = asked
                    self.answered.notify_all()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), 0.01)  # between two questions, a guest thinks
        client.close()

    async def _ask_once(self, client: Client, booked: str):
        try:
            status, body, _ = await client.ask("GET", f"/v1/reservations/{booked}", seconds=1)
            assert status == 200 or status >= 500, f"{self.victim.name} was asked for {booked}, and says {status}: {body}"
            self.answers[status] += 1
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as gone:
            self.answers[type(gone).__name__] += 1

    async def each_asked_after(self, moment: float):
        """Waits until each of them has got, or given up, an answer to a question that it asked after that moment."""
        async with self.answered:
            asked = self.answered.wait_for(lambda: min(self.asked_last) >= moment or self._died())
            await asyncio.wait_for(asked, self.patience)

    def _died(self) -> bool:
        for task in self.tasks:
            if task.done():
                task.result()
        return False

    async def _ask_patiently(self, client: Client, booked: str):
        status, body, _ = await client.ask("GET", f"/v1/reservations/{booked}", seconds=self.patience)
        assert status == 200 or status >= 500, f"{self.victim.name} was asked for {booked}, booked elsewhere, and says {status}: {body}"
        self.late[status] += 1
        client.close()

    async def ask_late(self, since: float, quiet: list):
        """For bookings that others took since then, and these. The victim has the questions; the answers may come after the cut has
        healed."""
        by_others = [a.key for a in self.crowd.attempts
                     if a.status == 201 and a.called >= since and a.node != self.victim.name and a.hotel in self.lost]
        clients = []
        for key in by_others[-LATE_ASKERS:] + quiet:
            clients.append(Client(self.victim.port, self.victim.host))
            self.tasks.append(asyncio.create_task(self._ask_patiently(clients[-1], json.loads(self.crowd.acknowledged[key])["id"])))
        await asyncio.wait_for(asyncio.gather(*(client.sent.wait() for client in clients)), self.patience)
        # They are in its sockets; and when it has answered one that came after them, it has read them.
        after = Client(self.victim.port, self.victim.host)
        await after.ask("GET", "/healthz", seconds=self.patience)
        after.close()

    async def stop(self):
        self.stopping.set()
        await asyncio.gather(*self.tasks)

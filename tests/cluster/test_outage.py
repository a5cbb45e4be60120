"""Goal: PostgreSQL is away for 30 s under load. Every answer meanwhile says what became of the request, memory stays bounded, service
is back within 2 s of the database, and nothing that was acknowledged is lost or there twice."""

import asyncio
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.ledger import Ledger, all_there_once, book_until, settle  # noqa: E402
from tests.support.node import Client, Stage, finish, open_hotel, seed_from_environment  # noqa: E402

AWAY_SECONDS = float(os.environ.get("KEYRACK_OUTAGE_SECONDS", 30))
BACK_SECONDS_MAX = 2.0
CLIENTS = 64
HOTELS = 5
# What 64 requests in flight and refusals may cost; a queue that grows would need it within a second.
GROWTH_BYTES_MAX = 64 << 20


def resident_bytes(pid: int) -> int:
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) * 1024


class Watch:
    """Notes when bookings are accepted; the ledger's own rules check every other answer."""

    def __init__(self, ledger: Ledger):
        self.accepted_at = []
        self.refused = 0
        self.ledger, self.inner = ledger, ledger.answered
        ledger.answered = self.answered

    def answered(self, key: str, status: int, body: bytes):
        self.inner(key, status, body)
        if status == 201:
            self.accepted_at.append(time.monotonic())
        else:
            self.refused += 1


async def until(condition, clients: list, seconds: float):
    """Waits for a condition while the clients go on; what one of them asserts ends the test."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not happen in time"
        for client in clients:
            if client.done():
                client.result()
        await asyncio.sleep(0.01)


async def main() -> int:
    draw = random.Random(seed_from_environment())
    ledger = Ledger()
    watch = Watch(ledger)
    with Stage() as stage:
        first = Client(stage.node.port)
        hotels = [await open_hotel(first, 10_000) for _ in range(HOTELS)]
        first.close()
        stop = asyncio.Event()
        clients = [asyncio.create_task(book_until(stop, stage.node.port, hotels, ledger, draw)) for _ in range(CLIENTS)]
        await until(lambda: len(watch.accepted_at) > 2_000, clients, 60)
        resident = resident_bytes(stage.node.process.pid)

        stage.postgres.kill()
        began, highest = time.monotonic(), 0
        while time.monotonic() < began + AWAY_SECONDS:
            await until(lambda: True, clients, 1)
            highest = max(highest, resident_bytes(stage.node.process.pid))
            await asyncio.sleep(0.1)
        before = len(watch.accepted_at)
        refused = watch.refused
        await asyncio.to_thread(stage.postgres.start)
        there = time.monotonic()
        await until(lambda: len(watch.accepted_at) > before, clients, 30)
        back = watch.accepted_at[before] - there
        # Enough of them to be sure that it goes on, not only that one came through.
        await until(lambda: len(watch.accepted_at) > before + 2_000, clients, 60)
        stop.set()
        await asyncio.gather(*clients)
        settled = await settle(stage.node.port, ledger)
        print(f"away for {AWAY_SECONDS:g} s: {refused} answers that said their outcome, memory grew by "
              f"{(highest - resident) / 2**20:.1f} MiB, bookings were accepted {back:.2f} s after the database; "
              f"{len(ledger.acknowledged)} acknowledged in all, {settled} settled by key")
        assert refused > 100, "nobody was told about the outage"
        assert highest - resident < GROWTH_BYTES_MAX, f"memory grew from {resident} to {highest} bytes"
        assert back < BACK_SECONDS_MAX, f"the first booking was accepted {back:.2f} s after the database was back"
        await all_there_once(stage, hotels, ledger)
        stage.node.verify()
        assert stage.node.stop() == 0, "the node did not end cleanly on SIGTERM"
    return 6


if __name__ == "__main__":
    finish(asyncio.run(main()))

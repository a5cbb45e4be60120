"""Goal: what was acknowledged survives kill -9 of the node and of PostgreSQL at any moment, exactly once; what was unknown is settled
by its key; the journal stays clean."""

import asyncio
import os
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.ledger import Ledger, all_there_once, book_until, settle  # noqa: E402
from tests.support.node import Client, Stage, finish, open_hotel, seed_from_environment  # noqa: E402

NODE_KILLS = int(os.environ.get("KEYRACK_NODE_KILLS", 20))
POSTGRES_KILLS = int(os.environ.get("KEYRACK_POSTGRES_KILLS", 10))
CLIENTS = 16
HOTELS = 5


async def load_until(stage: Stage, hotels: list, ledger: Ledger, draw: random.Random, disaster):
    """Bookings from many clients, and `disaster` at a moment of its own."""
    stop = asyncio.Event()
    clients = [asyncio.create_task(book_until(stop, stage.node.port, hotels, ledger, draw)) for _ in range(CLIENTS)]
    before = len(ledger.acknowledged)
    while len(ledger.acknowledged) < before + 20 + draw.randint(0, 150):
        await asyncio.sleep(0.005)
        for task in clients:
            if task.done():
                task.result()
    await asyncio.to_thread(disaster)
    stop.set()
    await asyncio.gather(*clients)


async def main() -> int:
    draw = random.Random(seed_from_environment())
    ledger = Ledger()
    settled = 0
    with Stage("hotels.snapshot_every_events=10") as stage:
        first = Client(stage.node.port)
        hotels = [await open_hotel(first, 40) for _ in range(HOTELS)]
        first.close()

        def kill_node():
            stage.node.kill()
            stage.node.start()

        def kill_postgres():
            stage.postgres.kill()
            stage.postgres.start()
            stage.node.await_ready()

        rounds = [kill_node] * NODE_KILLS + [kill_postgres] * POSTGRES_KILLS
        draw.shuffle(rounds)
        for n, disaster in enumerate(rounds, 1):
            await load_until(stage, hotels, ledger, draw, disaster)
            settled += await settle(stage.node.port, ledger)
            print(f"round {n}, {disaster.__name__}: {len(ledger.acknowledged)} acknowledged, {settled} settled by key", flush=True)
        await all_there_once(stage, hotels, ledger)
        report = stage.node.verify()
        print(f"journal verify: clean; {report['events']} events, {report['snapshots']} snapshots compared")
        assert stage.node.stop() == 0, "the node did not end cleanly on SIGTERM"
    return len(rounds) + 3


if __name__ == "__main__":
    finish(asyncio.run(main()))

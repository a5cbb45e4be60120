"""Goal: a physical backup, taken by PostgreSQL's own tool while guests book, is a whole Keyrack: it verifies, serves, and books."""

import asyncio
import json
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.cluster.test_crash import Ledger, load_until  # noqa: E402
from tests.support.node import (POSTGRES, Client, Node, Postgres, Stage, as_postgres, booking, finish,  # noqa: E402
                                open_hotel, seed_from_environment)


async def main() -> int:
    draw = random.Random(seed_from_environment())
    ledger = Ledger()
    with Stage() as stage:
        client = Client(stage.node.port)
        hotels = [await open_hotel(client, 40) for _ in range(3)]
        restored = Postgres(stage.directory / "restored")

        def back_up():
            subprocess.run(as_postgres(["mkdir", "-p", stage.postgres.directory / "restored"]), check=True)
            restored.directory = stage.postgres.directory / "restored"
            restored.data = restored.directory / "data"
            subprocess.run(as_postgres([POSTGRES / "pg_basebackup", "-D", restored.data, "-X", "stream", "-c", "fast",
                                        "-h", stage.postgres.directory, "-U", "keyrack"]), check=True, cwd="/")

        await load_until(stage, hotels, ledger, draw, lambda: None)
        before = dict(ledger.acknowledged)
        await load_until(stage, hotels, ledger, draw, back_up)

        restored.configure(f"unix_socket_directories = '{restored.directory}'")
        restored.start()
        try:
            second = Node(stage.directory, restored.url)
            second.start()
            report = second.verify()
            print(f"restored: {report['events']} events verify clean, {len(before)} bookings were acknowledged before the backup")
            there = Client(second.port)
            for key, body in before.items():
                status, again, headers = await there.ask("POST", "/v1/reservations", ledger.sent[key])
                assert (status, again, headers.get("idempotent-replayed")) == (201, body, "true"), (key, again)
            status, body, _ = await there.ask("POST", "/v1/reservations", booking(hotels[0], "2030-01-01", "2030-01-02"))
            assert status in (201, 422), body
            reservation = json.loads(next(iter(before.values())))["id"]
            status, _, _ = await there.ask("GET", f"/v1/reservations/{reservation}")
            assert status == 200
            there.close()
            second.stop()
        finally:
            restored.stop("immediate")
    return 4


if __name__ == "__main__":
    finish(asyncio.run(main()))

"""Goal: a node that is killed or frozen, the coordinator among them, loses no acknowledged booking, and all its hotels take bookings again
within seconds; a frozen one that wakes neither appends nor answers as if it still owned."""

import asyncio
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.crowd import Crowd, await_true, percentile  # noqa: E402
from tests.support.ledger import all_there_once  # noqa: E402
from tests.support.node import Client, Stage, finish, open_hotel, seed_from_environment  # noqa: E402
from tests.support.shards import coordinator, owners, spread_evenly  # noqa: E402

KILLS = int(os.environ.get("KEYRACK_KILLS", 4))
FREEZES = int(os.environ.get("KEYRACK_FREEZES", 2))
HOTELS = 24
NODES = 3
# How long any of it may take before the test says that it never will; what it took is printed, and the bench's to judge.
PATIENCE = 30


async def strike(stage: Stage, crowd: Crowd, victim, how: str) -> tuple[list[float], bool]:
    """Seconds until each of the victim's hotels took a booking; whether the victim coordinated."""
    coordinates = await asyncio.to_thread(coordinator, stage) == victim.name
    lost = [h for h, node in (await asyncio.to_thread(owners, stage, crowd.hotels)).items() if node == victim.name]
    began = time.monotonic()
    if how == "kill":
        victim.kill()
    else:
        victim.freeze()
    crowd.nodes = [node for node in stage.nodes if node is not victim]  # as any balancer does, whose probes fail
    await await_true(lambda: all(crowd.first_booked_after(h, began) for h in lost), PATIENCE,
                     f"all hotels of {victim.name} take bookings after a {how}")
    times = [crowd.first_booked_after(h, began) - began for h in lost]
    if how == "kill":
        victim.start()
    else:
        victim.thaw()
    await asyncio.to_thread(victim.await_ready)
    crowd.nodes = list(stage.nodes)
    await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread again")
    crowd.check()
    return times, coordinates


def tell(how: str, worst: list[float]):
    if worst:
        print(f"{how}, {len(worst)} times: the last hotel took bookings after p50 {percentile(worst, .5):.2f} s, "
              f"p99 {percentile(worst, .99):.2f} s, most {max(worst):.2f} s", flush=True)


async def main() -> int:
    draw = random.Random(seed_from_environment())
    worst = {"kill": [], "freeze": []}
    coordinators = 0
    with Stage(nodes=NODES) as stage:
        first = Client(stage.node.port)
        hotels = [await open_hotel(first, 400) for _ in range(HOTELS)]
        first.close()
        crowd = Crowd(stage.nodes, hotels, draw, pause=0.02)
        await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread")
        strikes = ["kill"] * KILLS + ["freeze"] * FREEZES
        draw.shuffle(strikes)
        for n, how in enumerate(strikes, 1):
            await asyncio.sleep(0.2 * draw.random())  # the moment is drawn, not waited for
            # The coordinator in every third round, so that it is among the victims whatever is drawn.
            name = coordinator(stage) if n % 3 == 0 else draw.choice(stage.nodes).name
            victim = next(node for node in stage.nodes if node.name == name)
            times, coordinated = await strike(stage, crowd, victim, how)
            coordinators += coordinated
            if times:
                worst[how].append(max(times))
            print(f"round {n}: {how} of {victim.name}{', the coordinator' if coordinated else ''}: {len(times)} hotels, "
                  f"the last after {max(times, default=0):.2f} s; {len(crowd.acknowledged)} acknowledged", flush=True)
        await crowd.stop()
        await all_there_once(stage, hotels, crowd)
        report = stage.node.verify()
        print(f"journal verify: clean; {report['events']} events")
        assert coordinators > 0, "the coordinator was never struck"
        for node in stage.nodes:
            assert node.stop() == 0, f"{node.name} did not end cleanly on SIGTERM"
    for how, times in worst.items():
        tell(how, times)
    return len(strikes) + 3


if __name__ == "__main__":
    finish(asyncio.run(main()))

"""Goal: a node that is killed or frozen, the coordinator among them, loses no acknowledged booking, and all its hotels take bookings again
within seconds; a frozen one that wakes neither appends nor answers as if it still owned. So with all nodes killed at once, which come back
in any order, and with a database that crashes while a fence is under way."""

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
STORMS = int(os.environ.get("KEYRACK_STORMS", 1))  # of each kind
HOTELS = 24
NODES = 3
# How long any of it may take before the test says that it never will; what it took is printed, and the bench's to judge.
PATIENCE = 30


async def strike(stage: Stage, crowd: Crowd, victim, how: str) -> tuple[list[float], bool]:
    """Seconds until each of the victim's hotels took a booking; whether the victim coordinated."""
    coordinates = await asyncio.to_thread(coordinator, stage) == victim.name
    lost = [h for h, node in (await asyncio.to_thread(owners, stage, crowd.hotels)).items() if node == victim.name]
    began = time.monotonic()
    if how == "freeze":
        victim.freeze()
    else:
        victim.kill()
    crowd.nodes = [node for node in stage.nodes if node is not victim]  # as any balancer does, whose probes fail
    if how == "kill while the database crashes":
        await asyncio.to_thread(crash, stage.postgres)
    times = await booked_again(crowd, lost, began, how)
    if how == "freeze":
        victim.thaw()
    else:
        victim.start()
    await asyncio.to_thread(victim.await_ready)
    await settled(stage, crowd)
    return times, coordinates


async def strike_all(stage: Stage, crowd: Crowd, draw: random.Random) -> list[float]:
    """All at once; they come back in any order."""
    began = time.monotonic()
    for node in stage.nodes:
        node.kill()
    for node in draw.sample(stage.nodes, len(stage.nodes)):
        await asyncio.to_thread(node.start, ready=False)
    times = await booked_again(crowd, crowd.hotels, began, "kill of all")
    for node in stage.nodes:
        await asyncio.to_thread(node.await_ready)
    await settled(stage, crowd)
    return times


def crash(postgres):
    postgres.kill()
    postgres.start()


async def booked_again(crowd: Crowd, lost: list[str], began: float, how: str) -> list[float]:
    """After how many seconds each of these hotels has taken a booking."""
    await await_true(lambda: all(crowd.first_booked_after(h, began) for h in lost), PATIENCE, f"all hotels take bookings after a {how}")
    return [crowd.first_booked_after(h, began) - began for h in lost]


async def settled(stage: Stage, crowd: Crowd):
    crowd.nodes = list(stage.nodes)
    await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread again")
    crowd.check()


def tell(how: str, worst: list[float]):
    if worst:
        print(f"{how}, {len(worst)} times: the last hotel took bookings after p50 {percentile(worst, .5):.2f} s, "
              f"p99 {percentile(worst, .99):.2f} s, most {max(worst):.2f} s", flush=True)


async def main() -> int:
    draw = random.Random(seed_from_environment())
    worst = {"kill": [], "freeze": [], "kill while the database crashes": [], "kill of all": []}
    coordinators = 0
    with Stage(nodes=NODES) as stage:
        first = Client(stage.node.port)
        hotels = [await open_hotel(first, 400) for _ in range(HOTELS)]
        first.close()
        crowd = Crowd(stage.nodes, hotels, draw, pause=0.02)
        await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread")
        strikes = ["kill"] * KILLS + ["freeze"] * FREEZES + ["kill while the database crashes", "kill of all"] * STORMS
        draw.shuffle(strikes)
        for n, how in enumerate(strikes, 1):
            await asyncio.sleep(0.2 * draw.random())  # the moment is drawn, not waited for
            if how == "kill of all":
                worst[how].append(max(await strike_all(stage, crowd, draw)))
                print(f"round {n}: {how}: the last of {len(hotels)} hotels after {worst[how][-1]:.2f} s", flush=True)
                continue
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

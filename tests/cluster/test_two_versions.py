"""Goal: nodes of two versions of the protocol work together for one rolling upgrade: whatever comes in at one for a hotel of another is
booked. A node that is a version too far is refused, says so, and harms nobody.

The newer nodes are the program with another cluster/protocol.cpp (tests/cluster/other_version): they offer version 2 of the links, and
put a field into every message about a hotel that version 1 does not know. The older one is the program itself."""

import asyncio
import datetime
import json
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.crowd import Crowd, await_true  # noqa: E402
from tests.support.ledger import all_there_once  # noqa: E402
from tests.support.node import PROGRAM, Client, Node, Stage, booking, finish, open_hotel, seed_from_environment  # noqa: E402
from tests.support.shards import counts, open_hotels_everywhere, owners, spread_evenly  # noqa: E402

OTHER = PROGRAM.parent / "keyrack-other-version"
HOTELS = 18
PATIENCE = 60
FIRST = datetime.date.today() + datetime.timedelta(days=30)


def speak(node: Node, versions: str):
    node.program = OTHER
    node.more_environment = {"SPEAKS": versions}


def said_of_links(node: Node) -> list[str]:
    """What the node's log says became of its links."""
    lines = [json.loads(line) for line in node.log.read_text().splitlines() if line.startswith("{")]
    return [f"{line['state']}: {line['detail']}" for line in lines if line.get("state") in ("linked", "rejected")]


async def book_everywhere(stage: Stage, hotels: list) -> int:
    """Through every node at hotels of every node; each booking is read again through the next one."""
    home = owners(stage, hotels)
    assert set(home.values()) == {n.name for n in stage.nodes}, home
    pairs = set()
    for day, hotel in enumerate(hotels):
        for i, node in enumerate(stage.nodes):
            client, reader = Client(node.port), Client(stage.nodes[(i + 1) % len(stage.nodes)].port)
            start = FIRST + datetime.timedelta(days=day + 40 * i)
            status, body, _ = await client.ask("POST", "/v1/reservations",
                                               booking(hotel, start.isoformat(), (start + datetime.timedelta(days=2)).isoformat()))
            assert status == 201, (node.name, home[hotel], body)
            path = f"/v1/reservations/{json.loads(body)['id']}"
            status, read, _ = await reader.ask("GET", path)
            assert status == 200 and json.loads(read)["status"] == "CONFIRMED", read
            status, body, _ = await client.ask("POST", f"{path}/cancel")
            assert status == 200, body
            pairs.add((node.name, home[hotel]))
            client.close()
            reader.close()
    assert len(pairs) == len(stage.nodes) ** 2, pairs
    return len(pairs)


async def upgrade(stage: Stage, node: Node, crowd: Crowd):
    """One node of a rolling upgrade; its clients go elsewhere, as behind any balancer."""
    crowd.nodes = [n for n in stage.nodes if n is not node]
    assert await asyncio.to_thread(node.stop) == 0, node.log_tail()
    speak(node, "1-2")
    await asyncio.to_thread(node.start)
    await await_true(lambda: spread_evenly(stage), PATIENCE, f"{node.name} has its share again")
    crowd.nodes = list(stage.nodes)


async def too_far(stage: Stage, crowd: Crowd, versions: str) -> str:
    """One more node, which nobody can talk to: both sides say why, and no booking fails for it."""
    began = time.monotonic()
    stranger = Node(stage.directory, stage.postgres.url, name=f"stranger-{versions}")
    speak(stranger, versions)
    try:
        stranger.start(ready=False)
        await await_true(lambda: counts(stage).get(stranger.name) is not None, PATIENCE, "it is among the nodes")
        await await_true(lambda: any("speaks versions" in s for s in said_of_links(stranger)), PATIENCE, "it is refused for its versions")
        await await_true(lambda: any(s.startswith("rejected: node ") and f"speaks versions {versions.replace('-', ' to ')}" in s
                                     for n in stage.nodes for s in said_of_links(n)), PATIENCE, "the others say what it speaks")
        sentence = next(s for s in said_of_links(stranger) if "speaks versions" in s)
        assert f"speaks {versions.replace('-', ' to ')}: upgrade one version at a time" in sentence, sentence
        # As long as it takes to find that it reaches nobody, and the same again.
        enough = len(crowd.acknowledged) + 20 * HOTELS
        await await_true(lambda: len(crowd.acknowledged) >= enough and time.monotonic() - began > 5, PATIENCE, "guests book on")
        assert counts(stage)[stranger.name] == 0, f"it has {counts(stage)[stranger.name]} shards, and nobody can ask for them"
    finally:
        if stranger.alive():
            stranger.kill()
    failed = crowd.failed(began)
    assert not failed, f"{len(failed)} bookings failed, first {failed[:3]}"
    await await_true(lambda: spread_evenly(stage), PATIENCE, "it is gone, and all is as before")
    return sentence


async def main() -> int:
    draw = random.Random(seed_from_environment())
    stage = Stage(nodes=3)
    older = stage.nodes[2]
    for node in stage.nodes[:2]:
        speak(node, "1-2")
    with stage:
        await await_true(lambda: spread_evenly(stage), PATIENCE, "the shards are spread")
        hotels = await open_hotels_everywhere(stage, HOTELS)
        assert {"linked: protocol version 1", "linked: protocol version 2"} <= set(said_of_links(stage.node)), said_of_links(stage.node)
        # While the others start it may be rejected, too: for having no incarnation yet. That is no word about versions.
        assert {s for s in said_of_links(older) if s.startswith("linked")} == {"linked: protocol version 1"}, said_of_links(older)
        print(f"two versions: {await book_everywhere(stage, hotels)} ways from node to node, booked, read and cancelled on each", flush=True)

        first = Client(stage.node.port)
        booked = [await open_hotel(first, 400) for _ in range(HOTELS)]  # by the crowd alone, which knows all that is there
        first.close()
        crowd = Crowd(list(stage.nodes), booked, draw, pause=0.02)
        began = time.monotonic()
        await upgrade(stage, older, crowd)
        crowd.check()
        failed = crowd.failed()
        assert not failed, f"{len(failed)} bookings failed, first {failed[:3]}"
        print(f"rolling upgrade under load: {len(crowd.attempts)} bookings in {time.monotonic() - began:.1f} s, none failed", flush=True)
        await await_true(lambda: "linked: protocol version 2" in said_of_links(older), PATIENCE, "the upgraded node speaks version 2")
        for versions in ("3-4", "0-0"):
            print(f"a node of {versions}: {await too_far(stage, crowd, versions)}", flush=True)
        await crowd.stop()
        await all_there_once(stage, booked, crowd)
        report = stage.node.verify()
        print(f"journal verify: clean; {report['events']} events")
        for node in stage.nodes:
            assert node.stop() == 0, node.log_tail()
    return 6


if __name__ == "__main__":
    finish(asyncio.run(main()))

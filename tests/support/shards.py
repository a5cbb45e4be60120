"""Where hotels live, as the cluster's rows say it."""

import collections
import json

from tests.support.node import Client, Stage, open_hotel

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # of ids: Crockford's base 32


def number_of(hotel: str) -> int:
    """The hotel's number in the database."""
    number = 0
    for letter in hotel:
        number = number * 32 + ALPHABET.index(letter)
    return number


def shards(stage: Stage, hotels: list) -> dict:
    """Hotel → shard, of hotels that have a commit."""
    rows = dict(line.split("|") for line in stage.postgres.query("SELECT DISTINCT hotel_id, shard FROM commits").splitlines())
    return {h: int(rows[str(number_of(h))]) for h in hotels}


def owners(stage: Stage, hotels: list) -> dict:
    """Hotel → name of the node that owns its shard; empty when that node is not there."""
    rows = stage.postgres.query("SELECT s.shard, n.node FROM shards s JOIN nodes n ON n.incarnation = s.owner")
    by_shard = {int(shard): node for shard, node in (line.split("|") for line in rows.splitlines())}
    return {h: by_shard.get(shard, "") for h, shard in shards(stage, hotels).items()}


async def open_hotels_everywhere(stage: Stage, count: int, each: int = 2) -> list:
    """So many hotels of 400 rooms, and more until every node owns `each` of them. REQUIRES: the shards are spread."""
    client = Client(stage.node.port)
    hotels = [await open_hotel(client, 400) for _ in range(count)]
    while min(collections.Counter(owners(stage, hotels).values()).get(n.name, 0) for n in stage.nodes) < each:
        hotels.append(await open_hotel(client, 400))
    client.close()
    return hotels


async def ask_move(operator: Client, shard: int, node: str) -> dict:
    """An operator's wish, which must be taken; the move as it was written down."""
    status, body, _ = await operator.ask("POST", f"/v1/cluster/shards/{shard}/move", {"node": node})
    assert status == 200, f"a move of shard {shard} to {node} was refused: {body}"
    return json.loads(body)


def counts(stage: Stage) -> dict:
    """Name of a node that is there → how many shards it owns."""
    rows = stage.postgres.query("SELECT n.node, count(s.shard) FROM nodes n LEFT JOIN shards s ON s.owner = n.incarnation GROUP BY 1")
    return {node: int(count) for node, count in (line.split("|") for line in rows.splitlines())}


def moving(stage: Stage) -> int:
    return int(stage.postgres.query("SELECT count(target) FROM shards"))


def spread_evenly(stage: Stage, nodes: int | None = None) -> bool:
    """All nodes are there, each with its fair share and a tenth of it more or less, and nothing moves."""
    nodes = nodes or len(stage.nodes)
    held = counts(stage).values()
    return len(held) == nodes and sum(held) == 1024 and min(held) >= 0.89 * 1024 / nodes - 1 and moving(stage) == 0


def coordinator(stage: Stage) -> str:
    """Its node's name."""
    return stage.postgres.query("SELECT n.node FROM coordinator c JOIN nodes n ON n.incarnation = c.holder")

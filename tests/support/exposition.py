"""What /metrics says, as numbers."""

import re

from tests.support.node import Client, Node

SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


class Metrics:
    """One reading of a node's metrics."""

    def __init__(self, text: str):
        self.samples = [(name, dict(re.findall(r'(\w+)="([^"]*)"', labels or "")), float(value))
                        for name, labels, value in SAMPLE.findall(text)]

    def sum(self, name: str, **labels: str) -> float:
        """Over all series of that name that have these labels; 0 where there are none."""
        return sum(value for found, has, value in self.samples if found == name and labels.items() <= has.items())


async def read_metrics(node: Node) -> Metrics:
    client = Client(node.port, node.host)
    status, body, _ = await client.ask("GET", "/metrics")
    client.close()
    assert status == 200, body
    return Metrics(body.decode())

"""`run hop`: the same bookings and reads through the hotels' own node and through another one: what a hop between nodes costs.

Decides what is measured; two nodes, their database and the generator share this machine, so that a hop's processor time takes
from everybody's. README.md says more."""

import random

from lib import measure, workload
from lib.keyrack import Keyrack, write_bookings, write_reads
from lib.postgres import Postgres
from lib.processes import BenchError
from lib.report import Goal, Results, print_goals, print_table

OWNER, OTHER = "Through the owner", "Through another node"
REQUESTS = 16_384
HOTELS = workload.Shape("hop", "200 hotels", 200, 1, workload.ARRIVALS)


def run(context):
    """Measures what `context` asks for and prints it; BenchError when something yielded no successes."""
    results = Results()
    shape = workload.FEW if context.smoke else HOTELS
    print(f"\nmeasuring, over those of {shape.title} that the first of two nodes owns")
    with Postgres(context.directory) as postgres:
        with Keyrack(context.program, postgres, context.directory, "node-1") as first, \
                Keyrack(context.program, postgres, context.directory, "node-2") as second:
            first.await_even_shards(postgres, nodes=2)
            places = owned_by(postgres, "node-1", first.open_hotels(shape))
            for what, requests in (("booking", bookings(context, places, shape)), ("reservation", reads(context, places))):
                for clients in ([16] if context.smoke else [1, 16, 64, 256]):
                    # In turns, so that what drifts drifts for both.
                    for peer, node in ((OWNER, first), (OTHER, second)):
                        measure_one(context, results, peer, node, (first, second), what, clients, requests)
    print_table(results, lambda row: None)
    print_goals([hop_goal(results, what, clients) for what in ("booking", "reservation") for clients in (1, 16)])
    empty = [f"{row.peer} ({row.shape})" for row in results.rows if row.found.succeeded == 0]
    if empty:
        raise BenchError(f"no successes at all from: {', '.join(empty)}")
    return results


def owned_by(postgres, node, places):
    """The places whose shard that node owns."""
    rows = postgres.sql("keyrack", "SELECT DISTINCT c.hotel_id FROM commits c JOIN shards s USING (shard) "
                                   f"JOIN nodes n ON n.incarnation = s.owner WHERE n.node = '{node}'")
    numbers = {int(line) for line in rows.splitlines()}
    return [place for place in places if place.number() in numbers]


def bookings(context, places, shape):
    requests = context.directory / "hop-bookings.txt"
    write_bookings(requests, places, shape)
    return requests


def reads(context, places):
    requests = context.directory / "hop-reads.txt"
    write_reads(requests, [f"/v1/reservations/{random.choice(places).reservation}" for _ in range(REQUESTS)])
    return requests


def measure_one(context, results, peer, node, nodes, what, clients, requests):
    """One row: wrk over a file of requests, after a warm-up, and what it cost both nodes."""
    script, url = context.here / "wrk" / "requests.lua", f"http://127.0.0.1:{node.port}"
    measure.wrk(script, url, requests, clients, context.warmup_seconds)
    cpu = sum(n.cpu_seconds() for n in nodes)
    found = measure.wrk(script, url, requests, clients, context.seconds)
    cpu = sum(n.cpu_seconds() for n in nodes) - cpu
    results.add(peer, what, clients, found, f"{cpu * 1e6 / max(found.succeeded, 1):.0f} µs CPU each, of both nodes")


def hop_goal(results, what, clients):
    """A hop's price at the median, against the design's millisecond."""
    owner, other = (results.row(peer, what, clients) for peer in (OWNER, OTHER))
    if owner is None or other is None:
        return Goal(f"a hop at the median, {what}, {clients} clients", None, 1, unit="ms", below=True)
    return Goal(f"a hop at the median, {what}, {clients} clients", other.found.p50_ms - owner.found.p50_ms, 1,
                max(owner.found.strangers, other.found.strangers), "ms", below=True)


def default_answers(_):
    """No peer of this scenario answers with constants."""
    return {}

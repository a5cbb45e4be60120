"""`run moves`: one hotel that is booked as fast as it goes, at rest and while its shard moves from node to node: what guests feel.

Decides what is measured; three nodes, their database and the generator share this machine. README.md says more."""

import random
import threading
import time

from lib import measure, workload
from lib.keyrack import Client, Keyrack, write_bookings
from lib.postgres import Postgres
from lib.processes import BenchError
from lib.report import Goal, Results, print_goals, print_table

NODES = ("node-1", "node-2", "node-3")
CLIENTS = 64
APART_SECONDS = 0.5  # from the end of one move to the beginning of the next
MOVE_SECONDS_MAX = 20
AT_REST, MOVING = "at rest", "while it moves"


def run(context):
    """Measures what `context` asks for and prints it; BenchError when a request failed or nothing moved."""
    results = Results()
    print("\nmeasuring one hotel on three nodes, asked through the first")
    with Postgres(context.directory) as postgres:
        with Keyrack(context.program, postgres, context.directory, NODES[0]) as first, \
                Keyrack(context.program, postgres, context.directory, NODES[1]), \
                Keyrack(context.program, postgres, context.directory, NODES[2]):
            first.await_even_shards(postgres, nodes=len(NODES))
            places = first.open_hotels(workload.ONE)
            requests = context.directory / "moves-bookings.txt"
            write_bookings(requests, places, workload.ONE)
            at_rest = book(context, results, first, requests, AT_REST)
            with Mover(postgres, first.port, places[0].number()) as mover:
                moving = book(context, results, first, requests, MOVING)
    print_table(results, lambda row: None)
    for what, found in ((AT_REST, at_rest), (MOVING, moving)):
        print(f"{what}: longest answer {found.notes['max_ms']:.0f} ms, p99.9 {found.notes['p999_ms']:.0f} ms, statuses {found.notes['statuses']}")
    print(f"{len(mover.seconds)} moves; from the wish to the new owner p50 {percentile(mover.seconds, .5):.2f} s, most {max(mover.seconds):.2f} s")
    print_goals([Goal(f"longest answer over {len(mover.seconds)} moves", moving.notes["max_ms"], 100, moving.strangers, "ms", below=True)])
    if at_rest.failed or moving.failed:
        raise BenchError(f"{at_rest.failed} requests failed at rest, {moving.failed} while the hotel moved")
    return results


def book(context, results, node, requests, how):
    """One row: a closed loop of bookings, after a warm-up."""
    found = measure.load(context.load, node.port, requests, CLIENTS, context.seconds, 201, warmup=context.warmup_seconds)
    results.add(f"Keyrack {how}", "one hotel", CLIENTS, found)
    return found


class Mover:
    """Moves the shard of a hotel from node to node for as long as its `with` lasts; `seconds` is what each move took."""

    def __init__(self, postgres, port, hotel):
        self.postgres = postgres
        self.client = Client(port)
        self.shard = self.sql(f"SELECT DISTINCT shard FROM commits WHERE hotel_id = {hotel}")
        self.seconds = []
        self.failure = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._move_until_stopped)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self.stopping.set()
        self.thread.join()
        if kind is None and (self.failure or not self.seconds):
            raise BenchError(f"the shard did not move: {self.failure or 'no time for it'}")

    def sql(self, query):
        return self.postgres.sql("keyrack", query)

    def owner(self):
        return self.sql(f"SELECT n.node FROM shards s JOIN nodes n ON n.incarnation = s.owner WHERE s.shard = {self.shard}")

    def _move_until_stopped(self):
        try:
            while not self.stopping.wait(APART_SECONDS):
                self._move()
        except BenchError as failure:
            self.failure = failure

    def _move(self):
        at = self.owner()
        to = random.choice([name for name in NODES if name != at])
        begun = time.monotonic()
        self.client.ask("POST", f"/v1/cluster/shards/{self.shard}/move", {"node": to}, 200)
        while self.owner() != to:
            if time.monotonic() - begun > MOVE_SECONDS_MAX:
                raise BenchError(f"not at {to} after {MOVE_SECONDS_MAX} s")
            time.sleep(0.01)
        self.seconds.append(time.monotonic() - begun)


def percentile(values, share):
    """The value below which that share of them lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def default_answers(_):
    """No peer of this scenario answers with constants."""
    return {}

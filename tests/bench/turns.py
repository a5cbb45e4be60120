"""`run turns --against FILE`: bookings and reads through two builds of keyrack, row by row in turns.

Decides how the two are made comparable: each has a database of its own and is measured a few seconds at a time, in the order
A B B A, so that what drifts on the machine drifts for both. What is compared is the median of a build's turns."""

import contextlib
import random
import statistics

from lib import measure, workload
from lib.keyrack import Keyrack, write_bookings, write_reads
from lib.postgres import Postgres
from lib.processes import BenchError
from lib.report import Results, print_goals, print_table

THIS, THAT = "This build", "The other build"
BOOKINGS, READS = "bookings", "reads"
READ_REQUESTS = 16_384
# What is added to the program may not cost what was there before more than that.
RATE_MIN = 0.95
TURNS = 8


def run(context):
    """Measures both builds and prints them; BenchError when --against names none, or one of them yielded no successes."""
    if context.against is None:
        raise BenchError("`run turns` compares two builds: name the other one's program with --against FILE")
    if not context.against.exists():
        raise BenchError(f"{context.against} is not there: --against names the program of another build")
    results = Results()
    shapes = [workload.FEW] if context.smoke else [workload.ONE, workload.MANY]
    rows = [(what, clients) for what in (BOOKINGS, READS) for clients in context.connections]
    turns = 2 if context.smoke else TURNS
    print(f"\nmeasuring, {turns} turns of {context.seconds} s each for each row, which is their median")
    for shape in shapes:
        with contextlib.ExitStack() as stack:
            builds = {name: Build(context, stack, name, program, shape)
                      for name, program in ((THIS, context.program), (THAT, context.against))}
            for what, clients in rows:
                take_turns(results, builds, shape, what, clients, turns)
    print_table(results, lambda row: None)
    print_goals([results.goal(f"{what}, {shape.title}, {clients} connections, against the other build",
                              (f"{THIS}, {what}", shape.title, clients), [(f"{THAT}, {what}", shape.title, clients)], RATE_MIN)
                 for shape in shapes for what, clients in rows])
    empty = [f"{row.peer} ({row.shape})" for row in results.rows if row.found.succeeded == 0]
    if empty:
        raise BenchError(f"no successes at all from: {', '.join(empty)}")
    return results


class Build:
    """One of the two, running over a database of its own; lives as long as `stack`."""

    def __init__(self, context, stack, name, program, shape):
        directory = context.directory / name.replace(" ", "-").lower()
        directory.mkdir(exist_ok=True)
        self.context = context
        self.postgres = stack.enter_context(Postgres(directory))
        self.keyrack = stack.enter_context(Keyrack(program.absolute(), self.postgres, directory))
        self.requests = {what: directory / f"{what}-{shape.key}.txt" for what in (BOOKINGS, READS)}
        places = self.keyrack.open_hotels(shape)
        write_bookings(self.requests[BOOKINGS], places, shape)
        write_reads(self.requests[READS],
                    [f"/v1/reservations/{random.choice(places).reservation}" for _ in range(READ_REQUESTS)])
        self.ask(BOOKINGS, context.connections[0], context.warmup_seconds)

    def ask(self, what, clients, seconds):
        """One turn; afterwards the projector has caught up. A Measurement, with µs of processor per request in its notes."""
        servers = self.keyrack, self.postgres
        before = [server.cpu_seconds() for server in servers]
        found = measure.wrk(self.context.here / "wrk" / "requests.lua", f"http://127.0.0.1:{self.keyrack.port}",
                            self.requests[what], clients, seconds)
        found.notes["cpu_us"] = [(server.cpu_seconds() - then) * 1e6 / max(found.succeeded, 1)
                                 for server, then in zip(servers, before, strict=True)]
        self.keyrack.catch_up()
        return found


def take_turns(results, builds, shape, what, clients, turns):
    """Adds a row per build: the median of its turns' rates and latencies, failures and strangers of all of them."""
    found = {name: [] for name in builds}
    for turn in range(turns):
        for name in list(builds) if turn % 2 == 0 else reversed(builds):
            found[name].append(builds[name].ask(what, clients, builds[name].context.seconds))
    for name, all_turns in found.items():
        rates = [one.per_second for one in all_turns]
        seconds = sum(one.seconds for one in all_turns)
        cpu = [statistics.median(each) for each in zip(*(one.notes["cpu_us"] for one in all_turns), strict=True)]
        results.add(f"{name}, {what}", shape.title, clients, measure.Measurement(
            round(statistics.median(rates) * seconds), sum(one.failed for one in all_turns), seconds,
            statistics.median(one.p50_ms for one in all_turns), statistics.median(one.p99_ms for one in all_turns),
            strangers=statistics.median(one.strangers for one in all_turns)),
            f"turns from {min(rates):,.0f} to {max(rates):,.0f} per second; "
            f"each {cpu[0]:.0f} µs CPU, PostgreSQL {cpu[1]:.0f} µs")


def default_answers(_):
    """No peer of this scenario answers with constants."""
    return {}

"""`run reads`: what is asked most, from Keyrack and from nginx with constants of the same size.

Decides what is measured, in which order, and which goals of the design it answers. README.md says why it is fair."""

import datetime
import random

from lib import measure, workload
from lib.keyrack import Keyrack, write_reads
from lib.nginx import Nginx
from lib.postgres import Postgres
from lib.processes import BenchError
from lib.report import Results, print_goals, print_table

KEYRACK, NGINX = "Keyrack", "nginx constant JSON"
READS = ("hotel", "reservation", "calendar of 30 nights", "availability")
CALENDAR_NIGHTS = 30
REQUESTS = 16_384


def run(context):
    """Measures what `context` asks for and prints it; BenchError when something yielded no successes."""
    results = Results()
    shape = workload.FEW if context.smoke else workload.MANY
    print(f"\nmeasuring, over {shape.title}")
    if context.wants("keyrack"):
        with Postgres(context.directory) as postgres, Keyrack(context.program, postgres, context.directory) as keyrack:
            measure_keyrack(context, results, keyrack, keyrack.open_hotels(shape))
    if context.wants("nginx"):
        measure_nginx(context, results)
    print_table(results, lambda row: (KEYRACK, row.shape, row.clients) if row.peer == NGINX else None)
    print_goals([results.goal(f"{read}, {clients} connections, against nginx", (KEYRACK, read, clients),
                              [(NGINX, read, clients)], 0.7)
                 for read in READS[:2] for clients in context.connections if clients != 16])
    empty = [f"{row.peer} ({row.shape})" for row in results.rows if row.found.succeeded == 0]
    if empty:
        raise BenchError(f"no successes at all from: {', '.join(empty)}")
    return results


def path_of(read, place):
    """The path of one read of a place, with random dates where it has dates."""
    first = workload.first_arrival() + datetime.timedelta(days=random.randrange(600))
    after = first + datetime.timedelta(days=CALENDAR_NIGHTS)
    check_in, check_out = workload.random_stay(workload.MANY)
    return {
        "hotel": f"/v1/hotels/{place.hotel}",
        "reservation": f"/v1/reservations/{place.reservation}",
        "calendar of 30 nights": f"/v1/hotels/{place.hotel}/calendar?from={first}&to={after}",
        "availability": f"/v1/hotels/{place.hotel}/availability?check_in={check_in}&check_out={check_out}&guests=2&rooms=1",
    }[read]


def measure_keyrack(context, results, keyrack, places):
    """Each read over all hotels, closed loop with wrk."""
    for read in READS:
        requests = context.directory / f"reads-{READS.index(read)}.txt"
        write_reads(requests, [path_of(read, random.choice(places)) for _ in range(REQUESTS)])
        context.answers[read] = keyrack.get(path_of(read, places[0]))
        for connections in context.connections:
            add_measured(context, results, KEYRACK, keyrack, read, connections, requests)


def measure_nginx(context, results):
    """The same with constants."""
    locations = {f"^/{READS.index(read)}$": (200, context.answers[read]) for read in READS}
    with Nginx(context.directory, locations) as nginx:
        for read in READS:
            requests = context.directory / "reads-nginx.txt"
            write_reads(requests, [f"/{READS.index(read)}"])
            for connections in context.connections:
                add_measured(context, results, NGINX, nginx, read, connections, requests)


def add_measured(context, results, peer, server, read, connections, requests):
    """One row: wrk over a file of requests, after a warm-up, and what it cost the server."""
    script, url = context.here / "wrk" / "requests.lua", f"http://127.0.0.1:{server.port}"
    measure.wrk(script, url, requests, connections, context.warmup_seconds)
    cpu = server.cpu_seconds()
    found = measure.wrk(script, url, requests, connections, context.seconds)
    cpu = server.cpu_seconds() - cpu
    results.add(peer, read, connections, found, f"{len(context.answers[read].encode())} bytes of JSON, "
                                                f"{cpu * 1e6 / max(found.succeeded, 1):.0f} µs CPU each")


def default_answers(here):
    """What nginx answers when Keyrack is not in the run: a booking's answer for every read."""
    body = (here / "answers" / "booking.json").read_text().strip()
    return {read: body for read in READS}

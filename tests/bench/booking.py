"""`run booking`: the same two-night booking through Keyrack and through what a user would pick instead.

Decides what is measured, in which order, and which goals of the design it answers. README.md says why it is fair."""

import json

from lib import measure, workload
from lib.keyrack import Client, Keyrack, Place, write_bookings
from lib.nginx import Nginx
from lib.postgres import Postgres
from lib.processes import BenchError
from lib.redis import Redis
from lib.report import Goal, Results, print_goals, print_table

# As many as Keyrack's connections in the rows that they are compared with.
PEER_CLIENTS = 64
# The function that books, and the isolation that its connections run in.
SQL_WAYS = {
    "FOR UPDATE": ("for_update.sql", "booking.pgbench", None),
    "FOR UPDATE, statements": ("for_update.sql", "for_update_statements.pgbench", None),
    "optimistic, retried": ("optimistic.sql", "booking.pgbench", "repeatable read"),
    "conditional UPDATE, CHECK": ("conditional.sql", "booking.pgbench", None),
}
REDIS_MEMORY, REDIS_ALWAYS = "Redis Lua, nothing on disk", "Redis Lua, AOF fsync always"
NGINX_SAME, NGINX_GET = "nginx constant JSON, same request", "nginx constant JSON, GET"
KEYRACK, KEYRACK_PACED = "Keyrack", "Keyrack at half its peak"
# Rooms of the hot nights last that long at any rate this machine can make.
HOT_SECONDS_MAX = 5
# The rows whose rates the goals name; half of that is what is then asked for at a steady pace, over connections enough
# that a request which is due finds one.
GOAL_CONNECTIONS = 64
PACED_CONNECTIONS = 256


def run(context):
    """Measures what `context` asks for and prints it; BenchError when something yielded no successes."""
    results = Results()
    shapes = [workload.ONE, workload.FEW if context.smoke else workload.MANY, workload.HOT]
    print("\nmeasuring")
    if context.wants("keyrack") or context.wants("pg"):
        with Postgres(context.directory) as postgres:
            if context.wants("keyrack"):
                measure_keyrack(context, results, postgres, shapes)
            if context.wants("pg"):
                measure_sql(context, results, postgres, shapes)
    if context.wants("redis"):
        measure_redis(context, results, shapes[:2])
    if context.wants("nginx"):
        measure_nginx(context, results)
    print_table(results, lambda row: comparable(row, shapes))
    print_goals(goals(results, shapes))
    empty = [row.peer for row in results.rows if row.found.succeeded == 0]
    if empty:
        raise BenchError(f"no successes at all from: {', '.join(empty)}")
    return results


def warm_and_measure(context, once):
    """Runs a measurement briefly, throws that away, and runs it again."""
    once(context.warmup_seconds)
    return once(context.seconds)


def measure_keyrack(context, results, postgres, shapes):
    """Keyrack over HTTP, closed loop with wrk; then at half its peak, open loop."""
    with Keyrack(context.program, postgres, context.directory) as keyrack:
        for shape in shapes:
            places = keyrack.open_hotels(shape)
            requests = context.directory / f"bookings-{shape.key}.txt"
            write_bookings(requests, places, shape)
            context.answers["booking"] = sample_booking(keyrack, places[0], shape)
            for connections in context.connections if shape.key != "hot" else [GOAL_CONNECTIONS]:
                book_and_catch_up(context, results, keyrack, postgres, shape, connections, requests)
            if shape.key != "hot":
                book_at_half(context, results, keyrack, shape, requests)
        results.note(f"keyrack: {keyrack.resident() / 1e6:,.0f} MB resident at the end")


def sample_booking(keyrack, place, shape):
    """One booking's answer: its size is what nginx will answer."""
    body = place.booking(shape)
    del body["reservation_id"]
    return Client(keyrack.port).ask("POST", "/v1/reservations", body, 201)


def book_and_catch_up(context, results, keyrack, postgres, shape, connections, requests):
    """One row of Keyrack's: bookings in a closed loop, then the projector catches up; checks the journal's events."""
    script, url = context.here / "wrk" / "requests.lua", f"http://127.0.0.1:{keyrack.port}"
    seconds = min(context.seconds, HOT_SECONDS_MAX) if shape.key == "hot" else context.seconds
    measure.wrk(script, url, requests, connections, context.warmup_seconds)
    keyrack.catch_up()
    journal_before, cpu_before = journal(postgres), (keyrack.cpu_seconds(), postgres.cpu_seconds())
    found = measure.wrk(script, url, requests, connections, seconds)
    cpu_after = keyrack.cpu_seconds(), postgres.cpu_seconds()
    lag_commits, lag_seconds = keyrack.projector_lag()
    caught_up = keyrack.catch_up()
    events, commits, batches = (now - then for now, then in zip(journal(postgres), journal_before, strict=True))
    if events < found.succeeded:
        raise BenchError(f"{found.succeeded} bookings were acknowledged, and the journal has gained {events} events")
    per_booking = [(now - then) * 1e6 / max(found.succeeded, 1) for now, then in zip(cpu_after, cpu_before, strict=True)]
    results.add(KEYRACK, shape.title, connections, found,
                f"projector behind by {lag_commits:,.0f} commits, {lag_seconds:.2f} s; caught up in {caught_up:.1f} s; "
                f"per booking {per_booking[0]:.0f} µs CPU, PostgreSQL {per_booking[1]:.0f} µs; "
                f"{events / max(batches, 1):.0f} bookings and {commits / max(batches, 1):.0f} hotels per transaction")


def journal(postgres):
    """Events, commits and transactions in Keyrack's journal."""
    counted = postgres.sql("keyrack", "SELECT coalesce(sum(last_seq - first_seq + 1), 0), count(*), count(DISTINCT xid) "
                                      "FROM commits")
    return [int(number) for number in counted.split("|")]


def book_at_half(context, results, keyrack, shape, requests):
    """Bookings at half the rate that was reached in a closed loop, due at fixed times whatever the server does."""
    rate = results.rate(KEYRACK, shape.title, GOAL_CONNECTIONS) / 2
    found = measure.load(context.load, keyrack.port, requests, PACED_CONNECTIONS, context.seconds, 201, rate,
                         context.warmup_seconds)
    results.add(KEYRACK_PACED, shape.title, PACED_CONNECTIONS, found,
                f"open loop at {rate:,.0f}/s; p99.9 {found.notes['p999_ms']:.1f} ms, max {found.notes['max_ms']:.1f} ms; "
                f"statuses {found.notes['statuses']}, {found.notes['unsent']} never sent")
    keyrack.catch_up()


def measure_sql(context, results, postgres, shapes):
    """PostgreSQL by itself, three ways, in the same cluster with the same settings."""
    for shape in shapes:
        for way, files in SQL_WAYS.items():
            postgres.create_database("peer")
            measure_sql_way(context, results, postgres, shape, way, files)
            postgres.drop_database("peer")


def measure_sql_way(context, results, postgres, shape, way, files):
    """One row: tables filled, vacuumed and checkpointed; and afterwards every acknowledged booking must be there."""
    function, script, isolation = files
    sql = context.here / "sql"
    first_night = workload.first_arrival().isoformat()
    postgres.sql("peer", file=sql / "schema.sql",
                 variables={"hotels": shape.hotels, "types": shape.types, "rooms": workload.ROOMS, "nights": shape.nights,
                            "first_night": first_night})
    postgres.sql("peer", file=sql / function)
    postgres.settle("peer")
    variables = {"hotels": shape.hotels, "types": shape.types, "arrivals": shape.arrivals, "first_night": first_night}
    warm = measure.pgbench(postgres.url("peer"), sql / script, variables, PEER_CLIENTS, context.warmup_seconds,
                           context.directory, isolation)
    cpu = postgres.cpu_seconds()
    found = measure.pgbench(postgres.url("peer"), sql / script, variables, PEER_CLIENTS, context.seconds, context.directory,
                            isolation)
    cpu = postgres.cpu_seconds() - cpu
    booked = int(postgres.sql("peer", "SELECT count(*) FROM bookings"))
    taken = int(postgres.sql("peer", f"SELECT sum({workload.ROOMS} - rooms_free) FROM availability"))
    if booked != warm.succeeded + found.succeeded or taken != booked * workload.NIGHTS_OF_STAY:
        raise BenchError(f"{way}: {warm.succeeded + found.succeeded} acknowledged, {booked} booked, {taken} room-nights taken")
    remark = f"per booking {cpu * 1e6 / max(found.succeeded, 1):.0f} µs CPU"
    if isolation:
        remark += f"; {found.notes['retries'] / max(found.succeeded, 1):.2f} retries"
    results.add(f"PostgreSQL {way}", shape.title, PEER_CLIENTS, found, remark)


def measure_redis(context, results, shapes):
    """Redis, on disk and not, each booking once without and once with a record of it."""
    for durable, title in ((False, REDIS_MEMORY), (True, REDIS_ALWAYS)):
        with Redis(context.directory, durable) as redis:
            for shape in shapes:
                for record in (False, True):
                    found = measure_redis_way(context, redis, shape, record)
                    results.add(f"{title}, record" if record else title, shape.title, PEER_CLIENTS, found)
    results.note("Redis keeps counts of rooms only; a booking record is written in the rows that say so")


def measure_redis_way(context, redis, shape, record):
    """Fills, books, and checks that every booking has taken its two nights."""
    redis.fill(shape.hotels, shape.types, shape.nights, workload.ROOMS)
    digest = redis.cli("SCRIPT", "LOAD", (context.here / "redis" / "book.lua").read_text())
    arrivals = shape.types * shape.arrivals
    # One range serves both random numbers: the hotel, and the arrival, which the script takes modulo how many there are.
    key, keyspace = ("hotel:000000000000", arrivals) if shape.hotels == 1 else ("hotel:__rand_int__", shape.hotels)
    command = ["EVALSHA", digest, "1", key, "__rand_int__", str(arrivals), str(shape.arrivals), *(["record"] if record else [])]
    found = warm_and_measure(
        context, lambda seconds: measure.redis_benchmark(redis.port, PEER_CLIENTS, seconds, keyspace, command))
    taken = redis.taken(shape.hotels, workload.ROOMS)
    if taken < found.succeeded * workload.NIGHTS_OF_STAY:
        raise BenchError(f"Redis: {found.succeeded} bookings were answered, and {taken} room-nights are taken")
    return found


def measure_nginx(context, results):
    """The roof of HTTP: the same requests, answered with a constant of the size of a booking's answer; and plain GETs."""
    bookings, gets = context.directory / "bookings-nginx.txt", context.directory / "gets.txt"
    write_bookings(bookings, [Place("7k2m9qx4vd1h", [1, 2, 3, 4, 5], "g4m8p2t6x0b3", "")], workload.ONE)
    gets.write_text("GET /v1/reservations\n", encoding="utf-8")
    body = context.answers["booking"]
    script = context.here / "wrk" / "requests.lua"
    with Nginx(context.directory, {"^/v1/reservations": (201, body)}) as nginx:
        url = f"http://127.0.0.1:{nginx.port}"
        for title, requests in ((NGINX_SAME, bookings), (NGINX_GET, gets)):
            for connections in context.connections:
                found = warm_and_measure(
                    context, lambda seconds, r=requests, c=connections: measure.wrk(script, url, r, c, seconds))
                results.add(title, "", connections, found)
        results.note(f"nginx answered {len(body.encode())} bytes of JSON")


def comparable(row, shapes):
    """Which of Keyrack's rows a peer's row is compared with; None for Keyrack's own."""
    if row.peer.startswith(KEYRACK):
        return None
    return KEYRACK, row.shape or shapes[0].title, row.clients


def goals(results, shapes):
    """The rows of the design's table of figures that this run answers."""
    one, many, hot = (shape.title for shape in shapes)
    sql = [f"PostgreSQL {way}" for way in SQL_WAYS]

    def against(title, shape, clients, peers, wanted, where=None):
        return results.goal(f"{shape}, {clients} connections, against {title}", (KEYRACK, shape, clients),
                            [(peer, shape if where is None else where, clients) for peer in peers], wanted)

    def paced(shape):
        row, text = results.row(KEYRACK_PACED, shape, PACED_CONNECTIONS), f"p99 of a booking at half its peak, {shape}"
        return Goal(text, row and row.found.p99_ms, 10, row.found.strangers if row else 0, "ms", below=True)

    return [
        against("Redis with AOF always", one, 64, [REDIS_ALWAYS], 1.3),
        against("FOR UPDATE (one round trip)", one, 64, sql[:1], 15),
        against("FOR UPDATE (statements)", one, 64, sql[1:2], 15),
        against("FOR UPDATE (one round trip)", hot, 64, sql[:1], 15),
        against("FOR UPDATE (statements)", hot, 64, sql[1:2], 15),
        against("nginx (same request)", one, 64, [NGINX_SAME], 0.5, ""),
        against("nginx (GET)", one, 64, [NGINX_GET], 0.5, ""),
        against("nginx (same request)", one, 256, [NGINX_SAME], 0.65, ""),
        against("nginx (GET)", one, 256, [NGINX_GET], 0.65, ""),
        against("the best SQL way", many, 64, sql, 4),
        paced(one),
        paced(many),
    ]


def default_answers(here):
    """What nginx answers when Keyrack is not in the run."""
    return {"booking": json.dumps(json.loads((here / "answers" / "booking.json").read_text()), separators=(",", ":"))}

"""`run scale`: the design's size. 10,000 hotels of 1,000 rooms with 70 % of seven nights filled: how long loading takes, what a
node needs to start, to wake a hotel, to hold all of them, and how it answers the design's load on them.

Decides what is measured, in which order, and which goals of the design it answers. README.md says why it is fair."""

import concurrent.futures
import datetime
import json
import random
import time

from lib import measure, workload
from lib.keyrack import Client, Keyrack
from lib.postgres import SETTINGS, Postgres
from lib.processes import BenchError, run as run_program
from lib.report import Goal, Results, print_goals

HOTELS, HOTELS_SMOKE = 10_000, 200
# The design's load: this many reads and bookings a second.
READS_PER_SECOND, BOOKINGS_PER_SECOND = 1_650, 202
CONNECTIONS = 256
REQUESTS = 65_536
# Hotels that are booked while they sleep, one after another.
COLD_HOTELS = 300
WAKING_THREADS = 4
# Hotels whose reservations are read by id; the most popular first.
READ_HOTELS = 500
MEMORY_GOAL_GB, P99_GOAL_MS, START_GOAL_SECONDS = 6.0, 20.0, 5.0
ID_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
CATCH_UP_SECONDS = 1_800


def run(context):
    """Loads, measures and prints; BenchError when something did not succeed."""
    wanted = HOTELS_SMOKE if context.smoke else HOTELS
    print(f"\nmeasuring {wanted:,} hotels")
    results = Results()
    say = results.note
    with Postgres(context.directory) as postgres:
        goals = []
        load_journal(say, context, postgres, wanted)
        with Keyrack(context.program, postgres, context.directory) as keyrack:
            hotels = hotels_of(postgres)
            if len(hotels) != wanted:
                raise BenchError(f"{len(hotels)} hotels are in the journal, and {wanted} were loaded")
            measure_cold(say, keyrack, hotels)
            measure_waking(say, keyrack, hotels)
            requests = write_mix(context, keyrack, hotels)
            goals.append(measure_mix(say, context, keyrack, requests, "while the projector catches up"))
            catch_up(say, keyrack)
            goals += [measure_mix(say, context, keyrack, requests, "at rest"), measure_memory(say, keyrack, hotels)]
        begun = time.monotonic()
        with Keyrack(context.program, postgres, context.directory):
            took = time.monotonic() - begun
        say(f"start with everything there: ready in {took:.1f} s")
        goals.append(Goal("start of a node", took, START_GOAL_SECONDS, unit="s", below=True))
    print_goals(goals)
    return results


def load_journal(say, context, postgres, wanted):
    """The generator's hotels straight into the journal, and what they are on average."""
    program = context.program
    postgres_url = postgres.url("keyrack")
    run_program([str(program), "migrate", "--set", f"database.url={postgres_url}"])
    begun = time.monotonic()
    run_program([str(program.parent / "keyrack-demo"), "bulk", "--profile", "scale", "--hotels", str(wanted), "--database",
                 postgres_url])
    took = time.monotonic() - begun
    postgres.settle("keyrack")
    events, size = (int(number) for number in postgres.sql(
        "keyrack", "SELECT sum(last_seq - first_seq + 1), pg_database_size(current_database()) FROM commits").split("|"))
    say(f"loaded in {took:.1f} s: {events:,} events, {events / wanted:,.0f} a hotel; the database has {size / 1e9:.2f} GB")


def hotels_of(postgres):
    """The ids of all hotels, as the API writes them: 60 bits in Crockford's base 32."""
    numbers = [int(line) for line in postgres.sql("keyrack", "SELECT DISTINCT hotel_id FROM commits").splitlines()]
    return ["".join(ID_DIGITS[number >> shift & 31] for shift in range(55, -1, -5)) for number in numbers]


def booking_of(hotel):
    """The body of a booking for two nights by somebody new; its reservation_id is the placeholder."""
    check_in, check_out = workload.random_stay(workload.MANY)
    return {"reservation_id": workload.ID_PLACEHOLDER, "hotel_id": hotel, "check_in": check_in, "check_out": check_out,
            "items": [{"room_type_id": random.randint(1, 5), "rooms": 1, "guests": 1}], "hold": False,
            "guest": {"name": "Ada Lovelace", "email": "ada@example.org"}}


def measure_cold(say, keyrack, hotels):
    """The first booking of hotels that sleep: snapshot or journal, decision, commit, answer."""
    client, took = Client(keyrack.port), []
    for hotel in hotels[-COLD_HOTELS:]:
        body = booking_of(hotel)
        del body["reservation_id"]
        begun = time.monotonic()
        client.ask("POST", "/v1/reservations", body, 201)
        took.append((time.monotonic() - begun) * 1e3)
    took.sort()
    say(f"cold first booking of a hotel, {len(took)} of them: p50 {measure.percentile(took, 50):.1f} ms, "
        f"p99 {measure.percentile(took, 99):.1f} ms, max {took[-1]:.1f} ms")


def measure_waking(say, keyrack, hotels):
    """Reads every hotel once; all are awake afterwards."""
    def wake(some):
        client = Client(keyrack.port)
        for hotel in some:
            client.ask("GET", f"/v1/hotels/{hotel}", None, 200)

    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(WAKING_THREADS) as pool:
        for done in [pool.submit(wake, hotels[i::WAKING_THREADS]) for i in range(WAKING_THREADS)]:
            done.result()
    took = time.monotonic() - begun
    say(f"woken: {len(hotels):,} hotels in {took:.1f} s; {keyrack.resident() / 1e9:.2f} GB resident")


def write_mix(context, keyrack, hotels):
    """A file of reads and bookings in the design's proportion, over hotels whose popularity follows Zipf's law."""
    popularity = list(range(len(hotels)))
    weights = [1 / (rank + 1) for rank in popularity]
    client = Client(keyrack.port)
    known = [each["id"] for hotel in hotels[:READ_HOTELS]
             for each in json.loads(client.ask("GET", f"/v1/hotels/{hotel}/reservations?limit=20", None, 200))["data"]]
    path = context.directory / "mix.txt"
    with open(path, "w", encoding="utf-8") as file:
        for hotel in random.choices(hotels, weights, k=REQUESTS):
            if random.random() * (READS_PER_SECOND + BOOKINGS_PER_SECOND) < BOOKINGS_PER_SECOND:
                file.write(f"POST /v1/reservations {json.dumps(booking_of(hotel), separators=(',', ':'))}\n")
            else:
                file.write(f"GET {random.choice(READS)(hotel, known)}\n")
    return path


def availability(hotel, _):
    """What can be had for two nights."""
    check_in, check_out = workload.random_stay(workload.MANY)
    return f"/v1/hotels/{hotel}/availability?check_in={check_in}&check_out={check_out}&guests=1&rooms=1"


def calendar(hotel, _):
    """A month."""
    first = workload.first_arrival() + datetime.timedelta(days=random.randrange(600))
    return f"/v1/hotels/{hotel}/calendar?from={first}&to={first + datetime.timedelta(days=30)}"


READS = (availability, availability, calendar, lambda hotel, _: f"/v1/hotels/{hotel}",
         lambda _, known: f"/v1/reservations/{random.choice(known)}")


def measure_mix(say, context, keyrack, requests, when):
    """The design's load, due at fixed times whatever the server does."""
    rate = READS_PER_SECOND + BOOKINGS_PER_SECOND
    found = measure.load(context.load, keyrack.port, requests, CONNECTIONS, context.seconds, 200, rate, context.warmup_seconds)
    statuses = found.notes["statuses"]
    wrong = {status: count for status, count in statuses.items() if status not in ("200", "201")}
    lag = keyrack.projector_lag()
    say(f"design load, {when}: {rate:,}/s for {context.seconds} s: p50 {found.p50_ms:.2f} ms, p99 {found.p99_ms:.2f} ms, "
        f"p99.9 {found.notes['p999_ms']:.1f} ms, max {found.notes['max_ms']:.1f} ms; statuses {statuses}, "
        f"{found.notes['unsent']} never sent; projector behind by {lag[0]:,.0f} commits; strangers {found.strangers:.0%}")
    if wrong or found.notes["broken"] or "201" not in statuses:
        raise BenchError(f"the design load was not answered as it should be: {statuses}")
    return Goal(f"p99 under the design load, {when}", found.p99_ms, P99_GOAL_MS, found.strangers, "ms", below=True)


def catch_up(say, keyrack):
    """Waits for the projector, and says how long it took."""
    begun, behind = time.monotonic(), keyrack.projector_lag()[0]
    while keyrack.projector_lag()[0] > 0:
        if time.monotonic() - begun > CATCH_UP_SECONDS:
            raise BenchError(f"the projector has not caught up within {CATCH_UP_SECONDS} s")
        time.sleep(0.5)
    say(f"the projector caught up with {behind:,.0f} commits in {time.monotonic() - begun:.0f} s")


def measure_memory(say, keyrack, hotels):
    """The node with every hotel awake, and what PostgreSQL shares."""
    awake = keyrack.metrics()["keyrack_hotel_awake"]
    shared = int(SETTINGS["shared_buffers"].removesuffix("GB")) * 2**30
    together = (keyrack.resident() + shared) / 1e9
    say(f"memory: {awake:,.0f} hotels awake, node {keyrack.resident() / 1e9:.2f} GB, shared buffers {shared / 1e9:.2f} GB, "
        f"together {together:.2f} GB")
    if awake != len(hotels):
        raise BenchError(f"{awake:,.0f} of {len(hotels):,} hotels are awake")
    return Goal("node and shared buffers with every hotel awake", together, MEMORY_GOAL_GB, unit="GB", below=True)


def default_answers(_):
    """There are no peers here whose answers would be constants."""
    return {}

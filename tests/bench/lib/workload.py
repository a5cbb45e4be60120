"""What everybody books: two nights, one room, a random arrival. The shapes differ in how bookings meet each other."""

import datetime
import random
import uuid
from dataclasses import dataclass

NIGHTS_OF_STAY = 2
# The most that Keyrack takes for a room type; peers get the same, so that nobody runs out of rooms in the middle.
ROOMS = 100_000
# Arrivals begin the day after tomorrow: no hotel's midnight falls into a run.
FIRST_ARRIVAL_IN_DAYS = 2
# What `requests.lua` and `load` put a fresh UUID in the place of.
ID_PLACEHOLDER = str(uuid.UUID("00000000-0000-4000-8000-000000000000"))
# Keyrack sells the next 730 nights.
ARRIVALS = 699


@dataclass(frozen=True)
class Shape:
    """How many hotels, room types in each, and nights of arrival are drawn from, evenly and at random."""

    key: str
    title: str
    hotels: int
    types: int
    arrivals: int

    @property
    def nights(self):
        """Nights of a peer's calendar, counted from the first arrival: nearly two years, wherever the arrivals fall."""
        return ARRIVALS + NIGHTS_OF_STAY


ONE = Shape("one", "one hotel", 1, 5, ARRIVALS)
MANY = Shape("many", "2,000 hotels", 2000, 1, ARRIVALS)
# Everybody wants the same two nights: rows of a table become hot. (Not one room type: it could run out of rooms.)
HOT = Shape("hot", "one hotel, the same two nights", 1, 5, 1)
FEW = Shape("many", "20 hotels", 20, 1, ARRIVALS)


def first_arrival():
    """The first night of arrival."""
    return datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=FIRST_ARRIVAL_IN_DAYS)


def random_stay(shape):
    """Check-in and check-out of one booking, as ISO dates."""
    check_in = first_arrival() + datetime.timedelta(days=random.randrange(shape.arrivals))
    return check_in.isoformat(), (check_in + datetime.timedelta(days=NIGHTS_OF_STAY)).isoformat()

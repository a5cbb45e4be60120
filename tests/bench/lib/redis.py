"""Redis as a peer: one server, one script over both nights of a stay."""

from lib.processes import Server, accepts, free_port, run

# Redis counts rooms under hotel:<12 digits>; redis-benchmark writes its random numbers so.
FILL = """
for hotel = 0, ARGV[1] - 1 do
  local key = string.format('hotel:%012d', hotel)
  for room_type = 0, ARGV[2] - 1 do
    for night = 0, ARGV[3] - 1 do
      redis.call('HSET', key, room_type * 1000 + night, ARGV[4])
    end
  end
end
"""

TAKEN = """
local taken = 0
for hotel = 0, ARGV[1] - 1 do
  local rooms = redis.call('HVALS', string.format('hotel:%012d', hotel))
  for i = 1, #rooms do taken = taken + ARGV[2] - rooms[i] end
end
return taken
"""


class Redis(Server):
    """redis-server on a port of its own; `durable` means an append-only file that is synced before every answer."""

    def __init__(self, directory, durable):
        self.port = free_port()
        data = directory / f"redis-{'always' if durable else 'memory'}"
        data.mkdir()
        super().__init__("redis", ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                                   "--appendonly", "yes" if durable else "no", "--appendfsync", "always",
                                   "--dir", str(data)], directory)
        self.ready_when(lambda: accepts(self.port) and self.cli("PING") == "PONG")

    def cli(self, *words):
        """One command, through redis-cli; its answer as text."""
        return run(["redis-cli", "-p", str(self.port), *words]).strip()

    def fill(self, hotels, types, nights, rooms):
        """All hotels empty again: `rooms` free of each type on each night."""
        self.cli("FLUSHALL")
        self.cli("EVAL", FILL, "0", str(hotels), str(types), str(nights), str(rooms))

    def taken(self, hotels, rooms):
        """How many room-nights have been taken since `fill`."""
        return int(self.cli("EVAL", TAKEN, "0", str(hotels), str(rooms)))

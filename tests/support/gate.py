"""A gate between one writer and PostgreSQL: it knows where messages of the protocol begin and end, so it can stop a link at a point
of an append that was chosen, and cut it in several ways. On loopback. Refuses to know what a writer is and why it is stopped."""

import asyncio
import pathlib
import socket
import struct

APPEND = (b"append", b"append_with_people")  # the product's prepared statements


def reset_at_close(writer: asyncio.StreamWriter):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Valve:
    """One direction of one link. What waits behind a shut one is delivered when it opens, however late."""

    def __init__(self):
        self._open = asyncio.Event()
        self._open.set()

    def shut(self):
        self._open.clear()

    def open(self):
        self._open.set()

    async def passage(self):
        await self._open.wait()


class Link:
    """One connection through the gate."""

    def __init__(self, gate: "Gate", client: tuple, server: tuple):
        self.gate = gate
        self.client_reader, self.client = client
        self.server_reader, self.server = server
        self.up, self.down = Valve(), Valve()
        self.role = ""  # keyrack/17/slot-0
        self.greeted = False  # the message without a type is behind it
        self.in_append = False
        self.pumps = [asyncio.create_task(self._pump(self.client_reader, self.server, self.up, self._upwards)),
                      asyncio.create_task(self._pump(self.server_reader, self.client, self.down, self._downwards))]

    async def _pump(self, reader, writer, valve: Valve, pieces):
        data = b""
        try:
            while True:
                more = await reader.read(65536)
                if not more:
                    break
                data += more
                taken = 0
                for piece in pieces(data):
                    await valve.passage()
                    writer.write(piece)
                    taken += len(piece)
                data = data[taken:]
        except OSError:
            pass
        await valve.passage()  # also the end is delivered late
        writer.close()

    def _messages(self, data: bytes, typed: bool):
        """Whole messages; what is not whole waits for its rest."""
        place = 0
        while len(data) - place >= (5 if typed else 4):
            length = struct.unpack_from("!I", data, place + (1 if typed else 0))[0] + (1 if typed else 0)
            if len(data) - place < length:
                return
            yield data[place:place + length]
            place += length
            typed = True

    def _upwards(self, data: bytes):
        for message in self._messages(data, self.greeted):
            if not self.greeted:
                self.greeted = True
                words = message[8:].split(b"\0")
                self.role = dict(zip(words[::2], words[1::2])).get(b"application_name", b"").decode()
            elif message[:1] == b"B" and message[5:].split(b"\0")[1] in APPEND and self.gate.point:
                self.in_append = True
                if self.gate.point == "answer":
                    self.down.shut()
                if self.gate.point == "part":
                    yield message[:len(message) // 2]
                    self.up.shut()
                    self.gate.reached.set()
                    message = message[len(message) // 2:]
            elif message[:1] == b"S" and self.in_append and self.gate.point == "end":
                self.up.shut()
            yield message

    def _downwards(self, data: bytes):
        for message in self._messages(data, True):
            if message[:1] == b"Z" and self.in_append and self.gate.point == "tail":
                self.down.shut()  # the command's tag has passed, which proves nothing
                self.gate.reached.set()
            yield message

    def shut(self):
        self.up.shut()
        self.down.shut()

    def open(self):
        self.up.open()
        self.down.open()

    def drop(self, reset: bool = False):
        """Both ends, at once, and what waited is lost."""
        for pump in self.pumps:
            pump.cancel()
        if reset and not self.client.is_closing():
            reset_at_close(self.client)
        self.client.transport.abort()
        self.server.close()


class Gate:
    def __init__(self, target: pathlib.Path):
        """`target`: PostgreSQL's directory with its socket; may be replaced at any time."""
        self.target = target
        self.links: list[Link] = []
        self.point = ""
        self.reached = asyncio.Event()
        self.mode = ""  # of new connections: passed, "rejected", or held while "blackholed"
        self.healed = asyncio.Event()
        self.port = 0

    async def start(self):
        self.listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self.listener.sockets[0].getsockname()[1]
        return self

    @property
    def url(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=keyrack dbname=keyrack sslmode=disable gssencmode=disable"

    async def _accept(self, reader, writer):
        try:
            if self.mode == "blackholed":
                await self.healed.wait()
            if self.mode == "rejected":
                reset_at_close(writer)
                return writer.transport.abort()
            server = await asyncio.open_unix_connection(self.target / ".s.PGSQL.5432")
        except OSError:
            return writer.close()
        self.links.append(Link(self, (reader, writer), server))

    def arm(self, point: str):
        """Stops the next append: "part" of its message sent, its "end" not sent, its "answer" not delivered, or the answer's "tail"."""
        self.point = point

    def disarm(self):
        """Who stands there stays there; the next append passes."""
        self.point = ""

    def shut(self, role: str):
        """The links of that role stand still; new ones pass."""
        for link in self.links:
            if link.role.endswith(role):
                link.shut()

    def reject(self):
        """As a firewall that rejects: all links are reset, and so is every new one."""
        self.mode = "rejected"
        self.drop(reset=True)

    def blackhole(self):
        """Nothing comes through in any direction, and nobody is told."""
        self.mode = "blackholed"
        self.healed.clear()
        for link in self.links:
            link.shut()

    def heal(self):
        """All passes again, and what had been held is delivered."""
        self.mode = self.point = ""
        self.healed.set()
        for link in self.links:
            link.open()

    def drop(self, reset: bool = False):
        """As the kernel of a process that was killed."""
        for link in self.links:
            link.drop(reset)
        self.links = []

    def stop(self):
        self.listener.close()
        self.drop()

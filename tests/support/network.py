"""Networks of a test's own: a node lives in a room with one cable to a switch, and a cable can be cut, both ways or one, silently or
with a refusal. All of it is inside a network, mount and process namespace of the test's process, so it goes when that process
does, however it ends, and nothing else on the machine ever sees it. Refuses to know what a node is for."""

import os
import pathlib
import shutil
import subprocess
import sys

from tests.support.node import Node, Postgres, Stage

NETWORK = "10.213.77"
HOME = f"{NETWORK}.254"  # of the test, its clients and PostgreSQL
DATABASE_PORT = 5432
INSIDE = "KEYRACK_TEST_INSIDE"
LOSS = "numgen random mod 100 < 20 drop"  # one packet in five
SLOW = "delay", "60ms", "20ms", "loss", "2%"
REJECT = "tcp flags & rst == 0 reject with tcp reset"  # the refusal itself must come through
# A process that dies takes those in its namespace with it, and unshare dies with its parent's wish.
UNSHARE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def ip(*arguments: str):
    subprocess.run(["ip", *arguments], check=True, stdout=subprocess.DEVNULL)


def why_not() -> str:
    """Why no networks can be made here; empty when they can."""
    missing = [tool for tool in ("unshare", "ip", "nft") if not shutil.which(tool)]
    if missing:
        return f"{', '.join(missing)} cannot be found: deploy/bootstrap installs them"
    tried = subprocess.run([*UNSHARE, "sh", "-c", "ip link add k type veth peer name l && nft add table inet k"],
                           capture_output=True, text=True, check=False)
    return f"networks cannot be made, which needs root: {tried.stderr.strip()}" if tried.returncode else ""


def why_not_slow() -> str:
    """Why no cable can be made slow here, though it can be cut; empty when it can. It needs no root that `why_not` does not."""
    if not shutil.which("tc"):
        return "tc cannot be found: deploy/bootstrap installs it"
    link = "ip link add k type veth peer name l && tc qdisc add dev k root netem"
    tried = subprocess.run([*UNSHARE, "sh", "-c", " ".join([link, *SLOW])], capture_output=True, text=True, check=False)
    return f"this kernel delays no packets (netem): {tried.stderr.strip()}" if tried.returncode else ""


def enter():
    """Goes on in namespaces of its own: this process becomes one that waits for that."""
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        sys.stdout.flush()
        os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv])
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)  # where rooms have their names
    ip("link", "set", "lo", "up")
    ip("link", "add", "switch", "type", "bridge")
    ip("addr", "add", f"{HOME}/24", "dev", "switch")
    ip("link", "set", "switch", "up")


class Room:
    """A network namespace with one address."""

    def __init__(self, number: int):
        self.name = f"room-{number}"
        self.cable = f"cable-{number}"
        self.address = f"{NETWORK}.{number}"
        ip("netns", "add", self.name)
        ip("link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("link", "set", self.cable, "master", "switch", "up")
        ip("-n", self.name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            ip("-n", self.name, "link", "set", device, "up")

    @property
    def inside(self) -> tuple:
        return "ip", "netns", "exec", self.name

    def _rules(self, lines: list[str]):
        # Replaced as a whole, in one step.
        subprocess.run([*self.inside, "nft", "-f", "-"], input="\n".join(["add table inet cut", "delete table inet cut", *lines, ""]),
                       text=True, check=True)

    def cut(self, *rules: tuple):
        """Each rule: "in" or "out", what it is about, and what becomes of it: "drop" or "reject"."""
        lines = ["table inet cut {"]
        for way, hook in (("in", "input"), ("out", "output")):
            lines += [f"chain {way} {{", f"type filter hook {hook} priority 0; policy accept;"]
            lines += [f"{what} {REJECT if end == 'reject' else end}" for to, what, end in rules if to == way]
            lines.append("}")
        self._rules([*lines, "}"])

    def _shape(self, *how: str):
        """How packets leave the room; nothing: as they come."""
        subprocess.run([*self.inside, "tc", "qdisc", "del", "dev", "eth0", "root"], check=False, stderr=subprocess.DEVNULL)
        if how:
            subprocess.run([*self.inside, "tc", "qdisc", "add", "dev", "eth0", "root", *how], check=True)

    def slow(self):
        """What leaves it is late, unevenly, and some of it is lost. REQUIRES: `why_not_slow` says nothing."""
        self._shape("netem", *SLOW)

    def narrow(self):
        """What leaves it waits in a queue before a narrow cable, and is lost where the queue is full."""
        self._shape("tbf", "rate", "400kbit", "burst", "4kb", "latency", "300ms")

    def heal(self):
        self._rules([])
        if shutil.which("tc"):
            self._shape()

    def remove(self):
        # The room goes when the kernel has time for it; the cable's name may be wanted at once.
        ip("link", "del", self.cable)
        ip("netns", "del", self.name)


def from_database(end: str) -> tuple:
    return "in", f"ip saddr {HOME} tcp sport {DATABASE_PORT}", end


def to_database(end: str) -> tuple:
    return "out", f"ip daddr {HOME} tcp dport {DATABASE_PORT}", end


def from_rooms(rooms: list[Room], end: str) -> tuple:
    return "in", f"meta l4proto tcp ip saddr {{ {', '.join(r.address for r in rooms)} }}", end


def to_rooms(rooms: list[Room], end: str) -> tuple:
    return "out", f"meta l4proto tcp ip daddr {{ {', '.join(r.address for r in rooms)} }}", end


class NetworkPostgres(Postgres):
    """Reached by nodes over TCP, and by the test through its socket."""

    @property
    def url(self) -> str:
        return f"host={HOME} port={DATABASE_PORT} user=keyrack dbname=keyrack sslmode=disable gssencmode=disable"

    def create(self):
        super().create()
        self.configure(f"listen_addresses = '{HOME}'", f"port = {DATABASE_PORT}", "max_connections = 200")
        with open(self.data / "pg_hba.conf", "a", encoding="utf-8") as hba:
            hba.write(f"host all all {NETWORK}.0/24 trust\n")
        self.stop()
        self.start()
        return self


class NetworkNode(Node):
    def __init__(self, directory: pathlib.Path, room: Room, database_url: str, *settings: str, name: str):
        super().__init__(directory, database_url, f"gateway.host={room.address}", f"transport.host={room.address}", *settings, name=name)
        self.room = room
        self.host = room.address
        self.inside = room.inside


class NetworkStage(Stage):
    """A Stage whose nodes have a room each. REQUIRES: `enter` was called."""

    def __init__(self, *settings: str, nodes: int):
        super().__init__(*settings, nodes=0)
        self.postgres = NetworkPostgres(self.directory / "pg")
        for _ in range(nodes):
            self.add_node()

    def add_node(self) -> Node:
        number = len(self.nodes) + 1
        self.nodes.append(NetworkNode(self.directory, Room(number), self.postgres.url, *self.settings, name=f"node-{number}"))
        return self.nodes[-1]

    def __exit__(self, kind, error, trace):
        super().__exit__(kind, error, trace)
        for node in self.nodes:
            node.room.remove()

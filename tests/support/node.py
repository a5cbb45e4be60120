"""A real node over a real PostgreSQL, for process-level tests: started, killed and asked as its users would.

Owns the processes that it starts and ends only those. Everything is on loopback and Unix sockets, below a temporary directory.
"""

import asyncio
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("KEYRACK_BUILD", ROOT / "build" / "release")) / "keyrack"
POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def as_postgres(command: list) -> list:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return [str(c) for c in command]
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", *[str(c) for c in command]]


class Postgres:
    """A private cluster; `kill` is kill -9 of its postmaster."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.data = directory / "data"

    @property
    def url(self) -> str:
        return f"host={self.directory} user=keyrack dbname=keyrack"

    def create(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres")
        subprocess.run(as_postgres([POSTGRES / "initdb", "-D", self.data, "-A", "trust", "-U", "keyrack", "-E", "UTF8", "--locale=C"]),
                       check=True, stdout=subprocess.DEVNULL, cwd="/")
        self.configure("listen_addresses = ''", f"unix_socket_directories = '{self.directory}'", "shared_buffers = 128MB",
                       "max_wal_size = 2GB", "restart_after_crash = on")
        self.start()
        subprocess.run([POSTGRES / "createdb", "-h", self.directory, "-U", "keyrack", "keyrack"], check=True)
        return self

    def configure(self, *lines: str):
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.writelines(line + "\n" for line in lines)

    def start(self):
        """After kill -9 the last backends may hold the shared memory for a moment: until then it refuses to start."""
        give_up = time.monotonic() + 60
        while subprocess.run(as_postgres([POSTGRES / "pg_ctl", "-D", self.data, "-l", self.directory / "log", "-w", "-t", "60", "start"]),
                             check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/").returncode != 0:
            if time.monotonic() > give_up:
                raise TimeoutError("PostgreSQL did not start:\n" + "\n".join((self.directory / "log").read_text().splitlines()[-10:]))
            time.sleep(0.05)

    def stop(self, mode: str = "fast"):
        subprocess.run(as_postgres([POSTGRES / "pg_ctl", "-D", self.data, "-m", mode, "-w", "stop"]),
                       check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    def pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def kill(self):
        """kill -9 of the postmaster; its backends find out by themselves."""
        os.kill(self.pid(), signal.SIGKILL)

    def query(self, sql: str) -> str:
        return subprocess.run([POSTGRES / "psql", "-h", self.directory, "-U", "keyrack", "-d", "keyrack", "-Atqc", sql],
                              check=True, capture_output=True, text=True).stdout.strip()


class Node:
    """One `keyrack serve`."""

    host = "127.0.0.1"  # where it listens
    inside: tuple = ()  # the command that runs it elsewhere, such as in a network of its own

    def __init__(self, directory: pathlib.Path, database_url: str, *settings: str, name: str = "node-1"):
        self.directory = directory
        self.url = database_url
        self.port = free_port()
        self.settings = (f"node.name={name}", *settings)
        self.name = name
        self.program = PROGRAM
        self.more_environment = {}
        self.log = directory / f"{name}.log"
        self.process = None

    def start(self, ready: bool = True):
        log = open(self.log, "ab")
        self.process = subprocess.Popen(
            [*self.inside, self.program, "serve", "--set", f"gateway.port={self.port}", *[x for s in self.settings for x in ("--set", s)]],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment())
        log.close()
        if ready:
            self.await_ready()
        return self

    def environment(self) -> dict:
        """What tests are told by KEYRACK_… is no setting of the node's."""
        return {name: value for name, value in os.environ.items() if not name.startswith("KEYRACK_")} | {
            "KEYRACK_DATABASE_URL": self.url} | self.more_environment

    def await_ready(self, seconds: float = 30):
        give_up = time.monotonic() + seconds
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"the node ended with {self.process.returncode}:\n" + self.log_tail())
            try:
                with socket.create_connection((self.host, self.port), timeout=1) as s:
                    s.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    if b" 200 " in s.recv(200):
                        return
            except OSError:
                pass
            if time.monotonic() > give_up:
                raise TimeoutError("the node did not become ready:\n" + self.log_tail())
            time.sleep(0.01)

    def log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:]) if self.log.exists() else "none"

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=60)

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env=self.environment(), check=False)

    def verify(self) -> dict:
        """`keyrack journal verify --all`, which must be clean."""
        answer = self.run("journal", "verify", "--all", "--json")
        assert answer.returncode == 0, f"status {answer.returncode}: {answer.stdout}{answer.stderr}"
        return json.loads(answer.stdout)


class Stage:
    """Directory, database and nodes of one test; cleans up whatever happens."""

    def __init__(self, *settings: str, nodes: int = 1):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="keyrack-test-"))
        self.directory.chmod(0o755)
        self.settings = settings
        self.postgres = Postgres(self.directory / "pg")
        self.nodes = []
        for _ in range(nodes):
            self.add_node()

    @property
    def node(self) -> Node:
        return self.nodes[0]

    def add_node(self) -> Node:
        """One more, not started."""
        self.nodes.append(Node(self.directory, self.postgres.url, *self.settings, name=f"node-{len(self.nodes) + 1}"))
        return self.nodes[-1]

    def __enter__(self):
        try:
            self.postgres.create()
            for node in self.nodes:
                node.start(ready=False)
            for node in self.nodes:
                node.await_ready()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, error, trace):
        for node in self.nodes:
            if kind is not None:
                print(f"{node.name}'s last words:\n{node.log_tail()}")
            if node.alive():
                node.kill()
        self.postgres.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)


class Client:
    """One keep-alive connection, made again when it breaks. Answers are (status, body, headers)."""

    def __init__(self, port: int, host: str = "127.0.0.1"):
        self.port = port
        self.host = host
        self.reader = self.writer = None
        self.sent = asyncio.Event()  # a question has left, whatever becomes of it

    async def ask(self, method: str, path: str, body=None, headers: dict | None = None, seconds: float = 20):
        return await asyncio.wait_for(self._ask(method, path, body, headers or {}), seconds)

    async def _ask(self, method, path, body, headers):
        if self.reader is not None and self.reader.at_eof():
            self.close()  # the server has closed it meanwhile, as it may
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        payload = b"" if body is None else json.dumps(body).encode()
        head = [f"{method} {path} HTTP/1.1", "Host: keyrack"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            head += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
        try:
            self.writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + payload)
            await self.writer.drain()
            self.sent.set()
            return await self._answer()
        except BaseException:
            self.close()
            raise

    async def _answer(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        status = int(head[0].split()[1])
        headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in head[1:] if line)}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return status, body, headers

    def close(self):
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


async def open_hotel(client: Client, rooms: int, time_zone: str = "Europe/Zurich", **more) -> str:
    """A hotel with one room type of so many rooms; its id."""
    status, body, _ = await client.ask("POST", "/v1/hotels", {
        "name": "Hotel Astoria", "city": "Zürich", "country": "CH", "address": "Bahnhofstrasse 1",
        "location": {"lat": 47.3717, "lon": 8.5389}, "time_zone": time_zone, "currency": "CHF", **more})
    assert status == 201, body
    hotel = json.loads(body)["id"]
    status, body, _ = await client.ask("POST", f"/v1/hotels/{hotel}/room-types", {
        "name": "Double", "rooms": rooms, "max_guests": 2, "price": {"amount": "210.00", "currency": "CHF"}})
    assert status == 201, body
    return hotel


def booking(hotel: str, check_in: str, check_out: str, key: str | None = None, hold: bool = False) -> dict:
    return {"reservation_id": key or str(uuid.uuid4()), "hotel_id": hotel, "check_in": check_in, "check_out": check_out,
            "items": [{"room_type_id": 1, "rooms": 1, "guests": 2}], "guest": {"name": "Ada Lovelace"}, "hold": hold}


def seed_from_environment() -> int:
    seed = int(os.environ.get("KEYRACK_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"seed {seed} (KEYRACK_TEST_SEED={seed} replays the choices)")
    return seed


def finish(checks: int, skipped: int = 0):
    """What tests/run counts. `skipped`: of which it was said why."""
    print(f"{checks} passed, 0 failed" + (f", {skipped} skipped" if skipped else ""))


def skip(checks: int, why: str):
    """Instead of `finish`: what cannot be done on this machine is counted as skipped, not as passed."""
    print(f"skipped: {why}")
    print(f"0 passed, 0 failed, {checks} skipped")

#!/usr/bin/env python3
"""Goal: an operator who types the README's session as it stands there sees what it says, and no guest notices: a fourth node is added and
fills, the first is drained, a rebalance is shown, a hotel pinned, all nodes restarted, and not one booking fails meanwhile.

The clone that deploy/run is started from is a directory of its own: the scripts copied, the programs from $KEYRACK_BUILD."""

import asyncio
import os
import pathlib
import queue
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
import typing

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.crowd import Crowd  # noqa: E402
from tests.support.ledger import all_there_once  # noqa: E402
from tests.support.node import PROGRAM, ROOT, Client, finish, open_hotel, seed_from_environment  # noqa: E402

SECTION = "## Operating a cluster"
HOTELS = 12
PATIENCE = 120  # for one block of commands, of which the longest restarts four nodes; and for all of them to stop
BALANCER_LOOKS_EVERY = 0.05  # well within gateway.leave_delay_ms


def session() -> list[tuple[str, list[str]]]:
    """The section's commands, block by block, each with the lines that are shown after it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split(SECTION + "\n", 1)[1].split("\n## ", 1)[0]
    blocks = []
    for language, body in re.findall(r"^```(\w*)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
        if language == "sh":
            blocks.append((body, []))
        else:
            assert not blocks[-1][1], f"two outputs of one block: {body}"
            blocks[-1] = (blocks[-1][0], body.splitlines())
    return blocks


def pattern_of(line: str) -> re.Pattern:
    """What the README shows stands for every line that differs from it in numbers, times, ids and the width of columns only. An ellipsis
    in a line stands for anything."""
    return re.compile(r"\s+".join(_pattern_of_word(word) for word in line.split()))


def _pattern_of_word(word: str) -> str:
    if re.fullmatch("[0-9a-z]{12}", word):
        return word if word.isalpha() else "[0-9a-z]{12}"
    if unit := re.fullmatch(r"(?:ms|s|min)(\W?)", word):
        return f"(?:ms|s|min){re.escape(unit[1])}"
    if noun := re.fullmatch(r"(shard|hotel)s(\W?)", word):
        return f"{noun[1]}s?{re.escape(noun[2])}"
    parts = re.split(r"(node-\d|…|\d[\d,.:TZ-]*)", word)
    return "".join(".*" if p == "…" else r"[\d,.:TZ-]+" if p[:1].isdigit() else re.escape(p) for p in parts)


def missing(shown: list[str], said: list[str]) -> str:
    """The first line of what is shown that was not said where it should have been; empty: all of them were. A line of its own "…" stands for
    any lines."""
    place, gap = 0, False
    for line in shown:
        if line == "…":
            gap = True
            continue
        found = [i for i in range(place, len(said) if gap else min(place + 1, len(said))) if pattern_of(line).fullmatch(said[i].strip())]
        if not found:
            return line
        place, gap = found[0] + 1, False
    return "" if gap or place == len(said) else f"nothing more after: {shown[-1]}"


def check_comparison():
    """A comparison that finds everything equal would find nothing."""
    shown = ["all is well: 3 nodes", "  node-1  serving…   341  http://127.0.0.1:8080", "…", "moved 21 ms"]
    said = ["all is well: 4 nodes", "  node-1    serving, coordinates   12 http://127.0.0.1:31", "what else", "moved 2.5 s"]
    assert missing(shown, said) == ""
    for wrong in (["NOT WELL: 4 nodes", *said[1:]], [said[0], "  node-2  serving  12 http://127.0.0.1:31", *said[2:]], said[:-1],
                  [*said, "more"], [said[0], "between", *said[1:]]):
        assert missing(shown, wrong), wrong


def environment(clone: pathlib.Path) -> dict:
    """The programs are there: nothing has to be built."""
    return {n: v for n, v in os.environ.items() if not n.startswith("KEYRACK_")} | {"KEYRACK_BUILD": str(clone / "build/release")}


class Shell:
    """The operator's terminal: one bash, told a block at a time."""

    def __init__(self, directory: pathlib.Path):
        self.process = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=directory, env=environment(directory), text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def type(self, commands: str) -> tuple[list[str], int]:
        """What they said, and the last one's status."""
        end = "--- that was it:"
        self.process.stdin.write(f"{commands}\nprintf '%s %d\\n' '{end}' $?\n")
        self.process.stdin.flush()
        said = []
        give_up = time.monotonic() + PATIENCE
        while True:
            line = self.lines.get(timeout=max(0.1, give_up - time.monotonic()))
            assert line is not None, f"the shell ended: {said}"
            if line.startswith(end):
                return said, int(line.split()[-1])
            said.append(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


def free_ports(count: int) -> int:
    """The first of so many in a row that nobody listens at."""
    for base in random.SystemRandom().sample(range(20_000, 30_000, 10), 200):
        taken = 0
        for port in range(base, base + count):
            with socket.socket() as s:
                taken += s.connect_ex(("127.0.0.1", port)) == 0
        if not taken:
            return base
    raise RuntimeError("no free ports")


class Address(typing.NamedTuple):
    """What clients know of a node."""

    name: str
    port: int
    host: str = "127.0.0.1"


class Run:
    """A clone, and its deploy/run in a terminal of its own."""

    def __init__(self):
        self.clone = pathlib.Path(tempfile.mkdtemp(prefix="keyrack-clone-"))
        self.clone.chmod(0o755)
        shutil.copytree(ROOT / "deploy", self.clone / "deploy")
        self.build = self.clone / "build/release"
        self.build.mkdir(parents=True)
        for program in ("keyrack", "keyrack-demo"):
            (self.build / program).symlink_to(PROGRAM.parent / program)
        self.port = free_ports(5)
        self.log = self.clone / "run.log"
        self.process = None

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([self.clone / "deploy/run", "--port", str(self.port)], env=environment(self.clone), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        give_up = time.monotonic() + PATIENCE
        while "Ctrl-C stops all of it" not in self.log.read_text():
            assert self.process.poll() is None and time.monotonic() < give_up, self.log.read_text()
            time.sleep(0.1)
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            print(f"deploy/run said:\n{self.log.read_text()}")
        status = self.stop()
        subprocess.run([self.clone / "deploy/lib/postgres.sh", "remove", self.clone / ".keyrack/postgres"], check=False)
        shutil.rmtree(self.clone, ignore_errors=True)
        assert kind is not None or status == 0, f"deploy/run ended with {status}"

    def stop(self) -> int:
        """As Ctrl-C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired as late:
            raise TimeoutError(f"deploy/run was told to stop and has not ended after {PATIENCE} s: it waits until its nodes have given their shards "
                               f"away and ended, and then PostgreSQL; its last words:\n{self.log.read_text()[-2000:]}") from late

    def ask(self, *arguments: str, status: int) -> str:
        """What a second deploy/run of this clone says."""
        done = subprocess.run([self.clone / "deploy/run", *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE,
                              env=environment(self.clone))
        assert done.returncode == status, (arguments, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def pid(self, node: int) -> int:
        return int((self.clone / f".keyrack/node-{node}.pid").read_text().split()[0])

    def nodes(self) -> list:
        return [Address(f"node-{n + 1}", self.port + n) for n in range(4)]

    def program(self, *arguments: str) -> subprocess.CompletedProcess:
        url = subprocess.run([self.clone / "deploy/lib/postgres.sh", "url", self.clone / ".keyrack/postgres"], check=True,
                             capture_output=True, text=True).stdout.strip()
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False,
                              env={n: v for n, v in os.environ.items() if not n.startswith("KEYRACK_")} | {"KEYRACK_DATABASE_URL": url})


async def balance(crowd: Crowd, nodes: list):
    """What a balancer does: asks each node whether it is ready, and sends clients to those that are."""
    probes = {n.name: Client(n.port) for n in nodes}
    while not crowd.stopping.is_set():
        ready = []
        for node in nodes:
            try:
                status, _, _ = await probes[node.name].ask("GET", "/readyz", seconds=1)
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
                probes[node.name].close()
                status = 0
            if status == 200:
                ready.append(node)
        if ready:
            crowd.nodes = ready
        await asyncio.sleep(BALANCER_LOOKS_EVERY)


async def type_it_all(run: Run, crowd: Crowd) -> int:
    """The README's blocks, one after the other; how many were compared."""
    shell = Shell(run.clone)
    compared = 0
    for commands, shown in session():
        began = time.monotonic()
        said, status = await asyncio.to_thread(shell.type, commands)
        print("\n".join([*(f"$ {c}" for c in commands.splitlines()), *said]), flush=True)
        assert status == 0, f"status {status}"
        assert not (lost := missing(shown, said)), f"the README shows what was not said: {lost}"
        compared += bool(shown)
        crowd.check()
        failed = crowd.failed()
        assert not failed, f"{len(failed)} bookings failed, first {failed[:3]}"
        asked = [a for a in crowd.attempts if a.called >= began]
        print(f"--- {time.monotonic() - began:.1f} s, {len(asked)} bookings, none failed, "
              f"the longest answer {max((a.seconds for a in asked), default=0) * 1e3:.0f} ms", flush=True)
    shell.close()
    return compared


async def what_goes_wrong(run: Run):
    """A port that is taken, and a build that does not start: told in a sentence, and what runs runs on."""
    assert "already runs from this clone" in run.ask("--port", str(run.port), status=1)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", run.port + 4))
        taken.listen()
        said = await asyncio.to_thread(run.ask, "--add-node", status=1)
        assert f"Port {run.port + 4}, which would be node 5's, is taken by" in said, said
    before = [run.pid(n) for n in (2, 3, 4)]
    program = run.build / "keyrack"
    program.unlink()
    program.write_text("#!/bin/sh\necho the new build fails at once >&2\nexit 1\n")
    program.chmod(0o755)
    said = await asyncio.to_thread(run.ask, "--restart", status=1)
    for part in ("node-1 (1 of 4) did not come back: run: node 1 ended", "the new build fails at once",
                 "Stopped there: the others are as they were"):
        assert part in said, said
    assert [run.pid(n) for n in (2, 3, 4)] == before, "nodes were restarted with a build that fails"
    program.unlink()
    program.symlink_to(PROGRAM)
    said = await asyncio.to_thread(run.ask, "--restart", status=0)
    assert "node-1 (1 of 4): did not run, ready in" in said and "All 4 nodes are restarted" in said, said
    print(said, flush=True)


async def main() -> int:
    check_comparison()
    draw = random.Random(seed_from_environment())
    with Run() as run:
        nodes = run.nodes()
        first = Client(run.port)
        hotels = [await open_hotel(first, 400) for _ in range(HOTELS)]
        first.close()
        pids = {n: run.pid(n) for n in (1, 2, 3)}
        crowd = Crowd(nodes[:3], hotels, draw, pause=0.02)
        balancer = asyncio.create_task(balance(crowd, nodes))
        try:
            compared = await type_it_all(run, crowd)
            for n, before in pids.items():
                assert run.pid(n) != before, f"node {n} was not restarted"
            await what_goes_wrong(run)
            failed = crowd.failed()
            assert not failed, f"{len(failed)} bookings failed, first {failed[:3]}"
            await crowd.stop()
        finally:
            crowd.stopping.set()
        await balancer
        stage = types.SimpleNamespace(node=types.SimpleNamespace(run=run.program))
        await all_there_once(stage, hotels, crowd)
        verified = run.program("journal", "verify", "--all")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert len({a.node for a in crowd.attempts}) == 4, "somebody was never asked"
        print(f"{len(crowd.acknowledged)} bookings, each there once; journal verify: clean")
        left = [run.pid(n) for n in (1, 2, 3, 4)]
        assert run.stop() == 0, run.log.read_text()
        assert not [pid for pid in left if pathlib.Path(f"/proc/{pid}").exists()], "nodes outlived deploy/run"
        assert "start it with deploy/run" in run.ask("--restart", status=1)
    return 1 + compared + 8


if __name__ == "__main__":
    finish(asyncio.run(main()))

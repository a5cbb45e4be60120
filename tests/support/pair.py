"""A PostgreSQL and its synchronous standby, which can be silenced, woken and promoted; and sessions that stay open."""

import asyncio
import os
import pathlib
import signal
import subprocess

from tests.support.node import POSTGRES, Postgres, as_postgres


class Standby(Postgres):
    """Follows another, from a copy of it."""

    def follow(self, primary: Postgres):
        self.directory.mkdir()
        os.chown(self.directory, primary.data.stat().st_uid, primary.data.stat().st_gid)
        subprocess.run(as_postgres([POSTGRES / "pg_basebackup", "-D", self.data, "-X", "stream", "-c", "fast", "-R", "-N",
                                    "-d", f"host={primary.directory} user=keyrack application_name=standby"]), check=True, cwd="/")
        self.configure(f"unix_socket_directories = '{self.directory}'")
        self.start()
        return self

    def _signal_receiver(self, what: int):
        """The process that confirms what it has on its disk."""
        os.kill(int(self.query("SELECT pid FROM pg_stat_wal_receiver")), what)

    def silence(self):
        """Answers nothing, and its connection stands."""
        self._signal_receiver(signal.SIGSTOP)

    def speak(self):
        self._signal_receiver(signal.SIGCONT)

    def promote(self):
        subprocess.run(as_postgres([POSTGRES / "pg_ctl", "-D", self.data, "-w", "-t", "60", "promote"]), check=True,
                       stdout=subprocess.DEVNULL, cwd="/")


class Pair:
    def __init__(self, directory: pathlib.Path):
        self.primary = Postgres(directory / "primary")
        self.standby = Standby(directory / "standby")

    def create(self):
        self.primary.create()
        self.primary.configure("max_connections = 300")
        self.primary.stop()
        self.primary.start()
        self.standby.follow(self.primary)
        return self

    async def expect(self, names: str):
        """Commits wait for these standbys from now on."""
        watch = await Session.open(self.primary)
        await watch.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        await watch.ask("SELECT pg_reload_conf()")
        want = "standby sync" if names else "standby async"
        while await watch.ask("SELECT application_name || ' ' || sync_state FROM pg_stat_replication") != want:
            await asyncio.sleep(0.01)
        watch.close()

    def stop(self):
        for server in (self.primary, self.standby):
            if server.data.exists():
                server.stop("immediate")


class Session:
    """A psql that stays, so that a transaction may, and a look costs no process. One question at a time."""

    END = "-- end of the answer --"

    def __init__(self, process):
        self.process = process
        self.turn = asyncio.Lock()

    @classmethod
    async def open(cls, server: Postgres, name: str = "test"):
        return cls(await asyncio.create_subprocess_exec(
            POSTGRES / "psql", "-XAtq", "-d", f"host={server.directory} user=keyrack dbname=keyrack application_name={name}",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT))

    async def ask(self, sql: str) -> str:
        async with self.turn:
            self.process.stdin.write(f"{sql};\n\\echo {self.END}\n".encode())
            lines = []
            while True:
                line = await self.process.stdout.readline()
                assert line, f"the session has ended: {lines}"
                if line.decode().rstrip("\n") == self.END:
                    break
                lines.append(line.decode().rstrip("\n"))
            assert not any(word in line for line in lines for word in ("ERROR:", "FATAL:")), lines
            return "\n".join(lines)

    def close(self):
        if self.process.returncode is None:
            self.process.kill()

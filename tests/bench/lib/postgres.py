"""The run's own PostgreSQL cluster: one set of settings for Keyrack and for the SQL peers, a Unix socket, no TCP.

A database per use, so that no peer sees another's tables; one of them is under load at a time. Starting and stopping is
deploy/lib/postgres.sh, so that what is measured is what deploy/run gives."""

import os
import subprocess
from pathlib import Path

from lib.processes import adopted, family_cpu_seconds, run

BINARIES = Path("/usr/lib/postgresql/15/bin")
SCRIPT = Path(__file__).resolve().parents[3] / "deploy" / "lib" / "postgres.sh"

# On top of what deploy/run sets (durable as it is shipped: fsync, synchronous_commit, full_page_writes): room enough that
# no checkpoint falls into a measurement, neither Keyrack's nor a peer's.
SETTINGS = {
    "shared_buffers": "1GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
}


class Postgres:
    """A running cluster; a context manager that removes it."""

    def __init__(self, directory):
        self.home = directory / "postgres"
        settings = [f"{name}={value}" for name, value in SETTINGS.items()]
        # Its output goes to a file: the server inherits it, and a pipe would be waited for until the server ends.
        with open(directory / "postgres-start.log", "w+", encoding="utf-8") as log:
            subprocess.run([str(SCRIPT), "start", str(self.home), *settings], check=True, stdin=subprocess.DEVNULL,
                           stdout=log, stderr=subprocess.STDOUT)
            log.seek(0)
            self.base_url = log.read().splitlines()[-1].strip()
        self.pid = int(run([str(SCRIPT), "pid", str(self.home)]))
        adopted.add(self.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        adopted.discard(self.pid)
        run([str(SCRIPT), "remove", str(self.home)])

    def cpu_seconds(self):
        """Processor time of the server with all its backends, in seconds."""
        return family_cpu_seconds(self.pid)

    def url(self, database):
        """What a client of libpq connects with."""
        return self.base_url.replace("/keyrack?", f"/{database}?")

    def create_database(self, name):
        """A new, empty database."""
        self.sql("postgres", f"CREATE DATABASE {name}")

    def drop_database(self, name):
        """Removes a database and gives its memory and disk back."""
        self.sql("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def sql(self, database, statement=None, file=None, variables=None):
        """Runs a statement or a file through psql and returns its output without padding."""
        command = [str(BINARIES / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        for name, value in (variables or {}).items():
            command += ["-v", f"{name}={value}"]
        command += ["-f", str(file)] if file else ["-c", statement]
        return run(command, env=without_pg(os.environ)).strip()

    def settle(self, database):
        """Vacuums and checkpoints, so that a measurement begins at rest."""
        self.sql(database, "VACUUM ANALYZE")
        self.sql("postgres", "CHECKPOINT")


def without_pg(environment):
    """An environment without the variables that would lead libpq astray."""
    return {name: value for name, value in environment.items() if not name.startswith("PG")}

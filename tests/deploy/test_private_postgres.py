#!/usr/bin/env python3
"""The private PostgreSQL of deploy/lib/postgres.sh, as its callers meet it: through its command line, with real servers.
Each case has a directory of its own and ends with `remove`, after which nothing of it may be left."""

import getpass
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "deploy/lib/postgres.sh"


def tool(*arguments: str, expect: int = 0) -> subprocess.CompletedProcess:
    """Runs the tool; a status other than `expect` fails the case with what it said."""
    done = subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == expect, f"{arguments}: status {done.returncode}, {done.stderr}"
    return done


def ask(directory: str, sql: str) -> str:
    url = tool("url", directory).stdout.strip()
    return subprocess.run(
        ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", url, "-c", sql], capture_output=True, text=True, check=True, timeout=30
    ).stdout.strip()


def one_sentence(case: unittest.TestCase, said: str, *words: str) -> None:
    """What a person is told: short, with what to do, and without the shell's own noise."""
    for word in words:
        case.assertIn(word, said)
    case.assertLessEqual(len(said.strip().splitlines()), 2, said)
    case.assertNotIn(": line ", said)


class PrivatePostgres(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="keyrack-test-")
        self.addCleanup(temporary.cleanup)
        self.parent = Path(temporary.name)
        self.parent.chmod(0o755)
        self.use(self.parent / "pg")

    def use(self, directory: Path):
        self.directory = str(directory)
        self.addCleanup(tool, "remove", self.directory)

    def pid(self) -> int:
        return int(tool("pid", self.directory).stdout)

    def start_with_a_row(self):
        tool("start", self.directory)
        ask(self.directory, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)")

    def assert_kept(self):
        tool("start", self.directory)
        self.assertEqual(ask(self.directory, "SELECT n FROM kept"), "42")

    def test_a_second_start_adopts_the_running_server(self):
        self.start_with_a_row()
        before = self.pid()
        self.assert_kept()
        self.assertEqual(self.pid(), before)

    def test_data_is_kept_between_runs(self):
        self.start_with_a_row()
        tool("stop", self.directory)
        tool("pid", self.directory, expect=1)
        self.assert_kept()

    def test_it_is_durable_as_promised(self):
        tool("start", self.directory, "shared_buffers=128MB")
        for setting, value in {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
                               "data_checksums": "on", "listen_addresses": "", "shared_buffers": "128MB"}.items():
            self.assertEqual(ask(self.directory, f"SHOW {setting}"), value, setting)

    def test_data_survives_kill_9_of_all_processes(self):
        self.start_with_a_row()
        tool("crash", self.directory)
        self.assert_kept()

    def test_data_survives_kill_9_of_the_postmaster_alone(self):
        self.start_with_a_row()
        os.kill(self.pid(), signal.SIGKILL)
        self.assert_kept()

    def test_a_frozen_server_is_replaced(self):
        self.start_with_a_row()
        os.kill(self.pid(), signal.SIGSTOP)
        self.assert_kept()

    def test_a_stranger_with_the_dead_servers_pid_is_left_alone(self):
        self.start_with_a_row()
        tool("crash", self.directory)
        stranger = subprocess.Popen(["sleep", "600"])
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        pid_file = Path(tool("where", self.directory).stdout.strip()) / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        self.assert_kept()
        self.assertIsNone(stranger.poll())

    def test_a_broken_data_directory_gets_one_sentence(self):
        self.start_with_a_row()
        tool("stop", self.directory)
        data = Path(tool("where", self.directory).stdout.strip())
        for broken in ("PG_VERSION", "global/pg_control"):
            (data / broken).rename(data / "away")
            said = tool("start", self.directory, expect=1).stderr
            one_sentence(self, said, str(data), "cannot be used", "--reset")
            (data / "away").rename(data / broken)
        self.assert_kept()

    def test_a_path_with_quotes_and_spaces_works(self):
        self.use(self.parent / "it's a \"path\", $HOME" / "pg")
        self.start_with_a_row()
        tool("stop", self.directory)
        self.assert_kept()

    def test_a_path_longer_than_a_sockets_works(self):
        self.use(self.parent / ("x" * 60) / ("y" * 60) / "pg")
        self.start_with_a_row()
        self.assert_kept()

    @unittest.skipUnless(os.geteuid() == 0, "only root has a home that PostgreSQL's user cannot enter")
    def test_a_directory_that_its_user_cannot_enter_gets_one_elsewhere(self):
        self.parent.chmod(0o700)
        self.start_with_a_row()
        data = Path(tool("where", self.directory).stdout.strip())
        self.assertTrue(str(data).startswith("/var/lib/keyrack-"), data)
        tool("stop", self.directory)
        self.assert_kept()
        tool("remove", self.directory)
        self.assertFalse(data.parent.exists())

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount a small disk")
    def test_a_full_disk_gets_one_sentence_and_loses_nothing(self):
        disk = self.parent / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=600m,mode=755", "none", disk]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            self.skipTest("mounting is not allowed here")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        self.use(disk / "pg")
        self.start_with_a_row()
        tool("stop", self.directory)
        with open(disk / "filler", "wb", buffering=0) as filler, self.assertRaises(OSError):
            while True:
                filler.write(b"x" * 1_000_000)
        one_sentence(self, tool("start", self.directory, expect=1).stderr, "full", "make room")
        (disk / "filler").unlink()
        self.assert_kept()

    def test_remove_leaves_nothing(self):
        self.start_with_a_row()
        pid = self.pid()
        tool("remove", self.directory)
        self.assertEqual(list(self.parent.iterdir()), [])
        self.assertFalse(Path(f"/proc/{pid}/cwd").exists())


if __name__ == "__main__":
    print(f"as {getpass.getuser()}", flush=True)
    result = unittest.main(verbosity=2, exit=False).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad - len(result.skipped)} passed, {bad} failed", file=sys.stdout)
    sys.exit(1 if bad else 0)

#!/usr/bin/env python3
"""The program's command line as people and scripts meet it: help with examples, exit statuses, faults that say what to do,
answers in JSON, and no secret in any of it. Needs no database: what needs one is expected to say that it is not there."""

import json
import os
import re
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("KEYRACK_BUILD", ROOT / "build/dev")) / "keyrack"
POSTGRES = ROOT / "deploy/lib/postgres.sh"
NOWHERE = "host=/nonexistent dbname=keyrack password=hunter2"


def keyrack(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Runs the program with these variables, and of the caller's none that would be a setting."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KEYRACK_")} | variables
    return subprocess.run(
        [PROGRAM, *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, env=environment
    )


def commands_below(*path: str) -> list[tuple[str, ...]]:
    """All commands under `path`, as --help lists them."""
    said = keyrack(*path, "--help").stdout
    listed = re.search(r"Subcommands:\n((?:  .*\n)+)", said)
    names = re.findall(r"^  ([a-z]\S*)", listed[1], re.M) if listed else []
    return [deeper for name in names for deeper in [(*path, name), *commands_below(*path, name)]]


class Help(unittest.TestCase):
    def test_every_command_has_help_with_an_example_of_itself(self):
        commands = commands_below()
        self.assertGreaterEqual(len(commands), 6, commands)
        for command in commands:
            done = keyrack(*command, "--help")
            self.assertEqual(done.returncode, 0, command)
            example = done.stdout.partition("Example:")[2]
            self.assertIn("keyrack " + " ".join(command), example, f"{command}: no example")
            self.assertEqual(done.stderr, "")

    def test_the_program_has_help(self):
        done = keyrack("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("Exit status", done.stdout)


class WrongCalls(unittest.TestCase):
    def test_exit_with_2_and_say_where_help_is(self):
        calls = [[], ["fly"], ["serve", "--bogus"], ["config"], ["config", "show", "extra"], ["migrate", "--config"],
                 ["config", "show", "--json", "--documented"], ["journal"], ["journal", "verify"], ["journal", "show"],
                 ["journal", "show", "7k2m9qx4vd1h", "--from", "0"], ["cluster"], ["cluster", "drain"], ["cluster", "pin", "1024", "node-1"]]
        for call in calls:
            done = keyrack(*call)
            self.assertEqual((done.returncode, done.stdout), (2, ""), call)
            self.assertIn("--help", done.stderr, call)


class Settings(unittest.TestCase):
    def test_all_faults_are_said_at_once_and_nothing_starts(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write("[gateway]\nport = 70000\nprot = 1\n")
            file.flush()
            for command in (["serve"], ["migrate"], ["config", "show"]):
                done = keyrack(*command, "--config", file.name, "--set", "log.level=loud", KEYRACK_JOURNAL_SLOTS="0")
                self.assertEqual((done.returncode, done.stdout), (2, ""), command)
                for part in (f"{file.name}:2: ", f"{file.name}:3: ", "KEYRACK_JOURNAL_SLOTS: ", "--set log.level: ", "config show"):
                    self.assertIn(part, done.stderr, command)

    def test_check_exits_with_1_and_answers_in_json(self):
        good = keyrack("config", "check", "--json")
        self.assertEqual((good.returncode, json.loads(good.stdout)), (0, {"ok": True, "faults": []}))
        bad = keyrack("config", "check", "--json", "--set", "gateway.prot=1", "--set", 'node.name="x"')
        self.assertEqual(bad.returncode, 1)
        self.assertEqual([fault["place"] for fault in json.loads(bad.stdout)["faults"]], ["--set gateway.prot", "--set node.name"])

    def test_a_file_may_be_named_by_a_variable_and_the_option_wins(self):
        with tempfile.TemporaryDirectory() as directory:
            paths = {}
            for name in ("a", "b"):
                paths[name] = os.path.join(directory, name)
                Path(paths[name]).write_text(f'[node]\nname = "{name}"\n')
            shown = json.loads(keyrack("config", "show", "--json", KEYRACK_CONFIG=paths["a"]).stdout)
            self.assertEqual(shown["node.name"], {"value": "a", "origin": paths["a"] + ":2"})
            shown = json.loads(keyrack("config", "show", "--json", "--config", paths["b"], KEYRACK_CONFIG=paths["a"]).stdout)
            self.assertEqual(shown["node.name"]["value"], "b")

    def test_the_documented_settings_are_keyrack_toml(self):
        self.assertEqual(keyrack("config", "show", "--documented").stdout, (ROOT / "config/keyrack.toml").read_text())

    def test_no_secret_is_printed_by_anything(self):
        calls = [["config", "show"], ["config", "show", "--json"], ["config", "show", "--documented"], ["config", "check"],
                 ["migrate"], ["migrate", "--check"], ["serve", "--set", "gateway.port=0"], ["serve", "--set", "log.level=loud"],
                 ["journal", "verify", "--all"], ["cluster", "status"], ["cluster", "drain", "node-1"]]
        for call in calls:
            done = keyrack(*call, KEYRACK_DATABASE_URL=NOWHERE)
            self.assertNotIn("hunter2", done.stdout + done.stderr, call)


class WithoutADatabase(unittest.TestCase):
    def test_a_mistyped_hotel_is_a_wrong_call_that_nobody_looks_up(self):
        for call in (["journal", "show", "not-a-hotel"], ["journal", "verify", "7k2m"], ["cluster", "where", "7k2m"]):
            done = keyrack(*call, KEYRACK_DATABASE_URL=NOWHERE)
            self.assertEqual(done.returncode, 2, call)
            self.assertIn("not a hotel's id", done.stderr)

    def test_commands_fail_with_1_and_say_what_to_do(self):
        for call in (["migrate"], ["migrate", "--check"], ["serve", "--set", "gateway.port=0"],
                     ["journal", "show", "7k2m9qx4vd1h"], ["journal", "verify", "--all"],
                     ["cluster", "status"], ["cluster", "drain", "node-1"], ["cluster", "rebalance", "--dry-run"]):
            done = keyrack(*call, KEYRACK_DATABASE_URL=NOWHERE)
            self.assertEqual(done.returncode, 1, (call, done.stderr))
            self.assertIn("database", done.stderr, call)


class WithADatabase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="keyrack-cli-")
        cls.addClassCleanup(subprocess.run, [POSTGRES, "remove", cls.directory], check=True, timeout=60)
        subprocess.run([POSTGRES, "start", cls.directory], check=True, timeout=120, stdin=subprocess.DEVNULL)
        told = subprocess.run([POSTGRES, "url", cls.directory], check=True, capture_output=True, text=True, timeout=60)
        cls.url = told.stdout.strip()

    def run_here(self, *arguments: str) -> subprocess.CompletedProcess:
        return keyrack(*arguments, KEYRACK_DATABASE_URL=self.url)

    def test_migrate_applies_what_is_pending_once_and_check_tells_it_before(self):
        before = self.run_here("migrate", "--check", "--json")
        pending = json.loads(before.stdout)["pending"]
        self.assertEqual(before.returncode, 1)
        self.assertGreater(len(pending), 0)

        first = self.run_here("migrate", "--json")
        self.assertEqual((first.returncode, json.loads(first.stdout)["applied"]), (0, pending))
        again = self.run_here("migrate", "--json")
        self.assertEqual((again.returncode, json.loads(again.stdout)["applied"]), (0, []))
        self.assertEqual(self.run_here("migrate", "--check").returncode, 0)

        # An empty journal is a clean one, and a hotel that is not in it is a failure.
        verified = self.run_here("journal", "verify", "--all", "--json")
        self.assertEqual((verified.returncode, json.loads(verified.stdout)["findings"]), (0, []), verified.stderr)
        self.assertEqual(self.run_here("journal", "show", "7k2m9qx4vd1h").returncode, 1)

    def test_when_its_port_is_taken_a_node_says_so_and_ends(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = self.run_here("serve", "--set", f"gateway.port={port}")
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertIn(f"port {port} of 127.0.0.1 is taken", done.stderr)


class Version(unittest.TestCase):
    def test_is_said_in_words_and_in_json(self):
        told = json.loads(keyrack("version", "--json").stdout)
        self.assertEqual(set(told), {"version", "schema", "build", "compiler"})
        self.assertIn(told["version"], keyrack("version").stdout)


if __name__ == "__main__":
    unittest.main()

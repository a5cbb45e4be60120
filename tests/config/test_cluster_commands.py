#!/usr/bin/env python3
"""`keyrack cluster` as operators type it, with every node dead: nodes are rows here, over a real PostgreSQL. What would hurt is
refused with exit status 1 and a sentence that says what to do, and changes nothing; what is done is told in words and in JSON.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.support.node import ROOT, Postgres  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("KEYRACK_BUILD", ROOT / "build/dev")) / "keyrack"


class Cluster(unittest.TestCase):
    """node-1 and node-2 with half of the shards each; node-3 was fenced."""

    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="keyrack-cli-"))
        cls.directory.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.postgres = Postgres(cls.directory / "pg").create()
        cls.addClassCleanup(cls.postgres.stop, "immediate")
        cls.run_program("migrate")

    @classmethod
    def run_program(cls, *arguments: str) -> subprocess.CompletedProcess:
        environment = {n: v for n, v in os.environ.items() if not n.startswith("KEYRACK_")} | {"KEYRACK_DATABASE_URL": cls.postgres.url}
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                              env=environment, check=False)

    def cluster(self, *arguments: str, status: int = 0) -> str:
        done = self.run_program("cluster", *arguments)
        self.assertEqual(done.returncode, status, (arguments, done.stdout, done.stderr))
        self.assertEqual(bool(done.stderr), status == 2 or (status == 1 and arguments[0] != "status"), done.stderr)
        return done.stdout or done.stderr

    def json(self, *arguments: str, status: int = 0):
        return json.loads(self.cluster(*arguments, "--json", status=status))

    def setUp(self):
        self.postgres.query(
            "TRUNCATE nodes, writers, wishes, pins, moves; UPDATE coordinator SET holder = 11, term = 3, rebalance_asked = false;"
            "INSERT INTO writers (incarnation, slot, node) VALUES (11, 0, 'node-1'), (12, 0, 'node-2');"
            "INSERT INTO writers (incarnation, slot, node, fenced_at, fenced_for) VALUES (9, 0, 'node-3', now(), 'silent');"
            "INSERT INTO nodes (incarnation, node, http_address, actor_address, beat, beat_at, started_at, version, reaches) "
            "SELECT 10 + n, 'node-' || n, 'http://127.0.0.1:' || 8079 + n, '127.0.0.1:' || 9000 + n, 7, now() + interval '1 hour', "
            "now() - interval '1 hour', '0.1.0', ARRAY[13 - n]::bigint[] FROM generate_series(1, 2) n;"
            "UPDATE shards SET owner = CASE WHEN shard < 512 THEN 11 ELSE 12 END, target = NULL, version = 1")

    def wishes(self) -> str:
        return self.postgres.query("SELECT (SELECT count(*) FROM wishes) || ' ' || (SELECT count(*) FROM pins) || ' ' || "
                                   "(SELECT count(*) FROM moves) || ' ' || (SELECT rebalance_asked FROM coordinator)")

    def test_status_says_first_whether_all_is_well(self):
        said = self.cluster("status", status=1).splitlines()
        self.assertTrue(said[0].startswith("NOT WELL: node-3 has been gone for "), said[0])
        self.assertIn("Start it again, or drain node-3", said[0])
        self.cluster("drain", "node-3")
        said = self.cluster("status")
        self.assertEqual(said.splitlines()[0], "all is well: 2 nodes, 1,024 shards, each with an owner")
        self.assertRegex(said, r"node-1 +serving, coordinates +512 ")
        self.assertIn("node-3  not running: fenced (silent)", said)
        self.assertIn("moves: none under way, none to come", said)
        seen = self.json("status")
        self.assertEqual((seen["well"], seen["nodes"][1]["shards"], seen["coordinator"]["node"]), (True, 512, "node-1"))
        self.postgres.query("DELETE FROM nodes")
        self.assertTrue(self.cluster("status", status=1).startswith("NOT WELL: No node is running"))
        self.assertEqual(self.json("status", status=1)["shards"]["without_owner"], 1024)

    def test_a_drain_says_what_where_why_and_what_it_costs(self):
        for _ in range(2):
            said = self.cluster("drain", "node-2")
            for part in ("node-2 is drained", "512 shards now", "node-2 -> node-1: 512 shards (drained)", "no request fails",
                         "for a moment", "nothing has moved here yet"):
                self.assertIn(part, said)
        self.assertEqual(self.json("drain", "node-2")["planned"], [{"from": "node-2", "to": "node-1", "reason": "drained", "shards": 512}])
        self.assertIn("to come", self.cluster("status", status=1))
        self.assertIn("nothing has to move", self.cluster("resume", "node-2"))
        self.assertIn("node-2 has weight 50", self.cluster("weight", "node-2", "50"))

    def test_weight_0_for_all_is_refused_for_the_last(self):
        self.assertIn("node-2 has weight 0", self.cluster("weight", "node-2", "0"))
        before = self.wishes()
        self.assertIn("give it a weight above 0, first", self.cluster("weight", "node-1", "0", status=1))
        self.assertIn("node-1's have to be somewhere", self.cluster("drain", "node-1", status=1))
        self.assertEqual(self.wishes(), before)

    def test_the_status_waits_until_nothing_moves_and_then_says_how_all_is(self):
        self.cluster("drain", "node-3")
        self.assertTrue(self.cluster("status", "--wait").startswith("all is well: 2 nodes"), "nothing had to be waited for")
        # As the coordinator begins a move and its owner ends it: shard and move in one transaction, which this is.
        self.postgres.query("UPDATE shards SET target = 12, version = version + 1 WHERE shard = 7;"
                            "INSERT INTO moves (shard, from_node, to_node, reason, begun_at, outcome) "
                            "VALUES (7, 'node-1', 'node-2', 'operator', now(), 'moving')")
        program = subprocess.Popen([PROGRAM, "cluster", "status", "--wait"], stdout=subprocess.PIPE, text=True,
                                   env=os.environ | {"KEYRACK_DATABASE_URL": self.postgres.url})
        self.assertIn("moves: 1 under way, 0 to come", program.stdout.readline())  # it waits
        self.assertEqual(program.stdout.readline(), "  node-1 -> node-2: 1 under way, 0 to come (operator)\n")
        self.postgres.query("UPDATE shards SET owner = 12, target = NULL, version = version + 1 WHERE shard = 7;"
                            "UPDATE moves SET ended_at = now(), outcome = 'moved' WHERE shard = 7")
        said, _ = program.communicate(timeout=60)
        self.assertTrue(said.startswith("all is well: 2 nodes"), said)
        self.assertEqual(program.returncode, 0)

    def test_a_drain_is_followed_until_it_is_done(self):
        self.postgres.query("UPDATE shards SET owner = 11")
        self.assertIn("node-2 has no shards any more", self.cluster("drain", "node-2", "--wait"))

    def test_wrong_operators_are_told_what_to_do(self):
        self.cluster("drain", "node-2")
        before = self.wishes()
        for call, says in {
            ("drain", "node-1"): "resume another",
            ("weight", "node-1", "0"): "resume another",
            ("drain", "node-9"): "There are: node-1, node-2, node-3 (not running)",
            ("resume", "node-9"): "No node is called",
            ("weight", "node-9", "10"): "No node is called",
            ("pin", "7", "node-9"): "No node is called",
            ("pin", "7", "node-2"): "resume node-2 first",
            ("move", "7", "node-9"): "No node is called",
            ("move", "7", "node-2"): "resume node-2 first",
            ("move", "7", "node-1"): "on node-1 already",
            ("move", "7", "node-3"): "start node-3 first",
        }.items():
            self.assertIn(says, self.cluster(*call, status=1), call)
        self.assertEqual(self.wishes(), before)

    def test_a_pinned_shard_is_not_moved_and_a_moving_one_not_moved_again(self):
        self.assertIn("moves there now", self.cluster("pin", "600", "node-1"))
        self.cluster("pin", "7", "node-1")
        self.assertIn("pinned to node-1: unpin it first", self.cluster("move", "7", "node-2", status=1))
        self.assertIn("is not pinned", self.cluster("unpin", "7"))
        self.assertIn("is not pinned", self.cluster("unpin", "7"))
        first = self.json("move", "7", "node-2")
        self.assertEqual(self.json("move", "7", "node-2")["id"], first["id"])
        self.assertIn("operator", self.cluster("moves"))
        self.postgres.query("UPDATE moves SET to_node = 'node-4'")
        self.assertIn("wait until it has ended", self.cluster("move", "7", "node-2", status=1))

    def test_a_rebalance_is_shown_asked_for_once_and_not_when_places_are_even(self):
        self.assertIn("even already", self.cluster("rebalance"))
        self.postgres.query("UPDATE shards SET owner = 11, version = version + 1 WHERE shard < 522")
        before = self.wishes()
        said = self.cluster("rebalance", "--dry-run")
        for part in ("dry run: nothing was moved", "node-1 -> node-2: 10 shards (rebalance)", "522", "512", "cost: 10 shards"):
            self.assertIn(part, said)
        self.assertEqual(self.wishes(), before)
        self.assertTrue(self.json("rebalance")["asked"])
        self.assertIn("not done yet", self.cluster("rebalance", status=1))
        self.assertIn("a rebalance is running", self.cluster("status", status=1))

    def test_a_hotel_is_found_by_its_shard(self):
        self.assertIn("The journal has no hotel", self.cluster("where", "7k2m9qx4vd1h", status=1))
        self.postgres.query("INSERT INTO commits (hotel_id, first_seq, last_seq, shard, writer, at, payload) "
                            "VALUES (1, 1, 17, 0, 11, now(), '')")
        found = self.json("where", "000000000001")
        self.assertEqual((found["sequence"], found["node"]), (17, "node-1" if found["shard"] < 512 else "node-2"))
        self.assertIn(f"in shard {found['shard']}, on {found['node']}", self.cluster("where", "000000000001"))

    def test_what_cannot_be_meant_is_a_wrong_call(self):
        for call in (["drain"], ["weight", "node-1"], ["weight", "node-1", "-1"], ["weight", "node-1", "10001"], ["pin", "1024", "node-1"],
                     ["pin", "-1", "node-1"], ["unpin", "seven"], ["move", "7"], ["where", "7k2m"], ["rebalance", "--now"],
                     ["moves", "--limit", "0"], []):
            done = self.run_program("cluster", *call)
            self.assertEqual((done.returncode, done.stdout), (2, ""), call)

    def test_without_a_schema_or_a_database_it_says_so(self):
        self.postgres.query("CREATE DATABASE empty")
        for url, says in ((self.postgres.url.replace("dbname=keyrack", "dbname=empty"), "keyrack migrate"),
                          ("host=/nonexistent dbname=keyrack", "keyrack config show")):
            done = self.run_program("cluster", "status", "--set", f"database.url={url}")
            self.assertEqual((done.returncode, done.stdout), (1, ""), url)
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main()

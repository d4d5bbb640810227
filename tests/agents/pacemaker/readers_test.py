#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/examples/readers.xml and `systole mysql endpoint` under Pacemaker: its tools tell the endpoint what it must
know, and its scheduler moves the reader addresses as ours does.

usage: readers_test.py BUILD_FOLDER [unittest's arguments]   exit 77: skipped, Pacemaker or Corosync is not installed"""
import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "cluster/readers")]
from pacemaker_cluster import PacemakerCluster, WithTool, missing_packages  # noqa: E402
from reader_cluster import READERS, Asker, WithReaders, kit  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "build/ci").resolve()
PREFIX = os.environ.get("SYSTOLE_RIG_PREFIX", f"rp{os.getpid() % 10000}")


class ReaderCluster(WithTool, WithReaders, PacemakerCluster):
    """With Pacemaker."""


class UnderPacemaker(unittest.TestCase):
    """One story in the order of its chapters' names."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = ReaderCluster(BUILD, PREFIX, BUILD / "readers-pacemaker-logs", deadtime=4000)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.prepare()
        cls.cluster.make_databases()
        cls.askers = {}
        for node in cls.cluster.names:
            cls.cluster.rig.poweron(node)
            cls.cluster.background(f"endpoint-{node}", node, cls.cluster.systole, "mysql", "endpoint")
            cls.askers[node] = Asker(cls.cluster, cls.cluster.rig.address(node))
            cls.addClassCleanup(cls.askers[node].end)
        kit.wait_until(lambda: cls.cluster.has_members(2), 90, "for both nodes to be members")

    def status(self, node, path):
        return self.askers[node].ask(path)["status"]

    def heals(self):
        primary = kit.wait_until(self.cluster.healthy, 150, "for a primary and a replica")
        replica = self.cluster.other(primary)
        kit.wait_until(lambda: self.status(primary, "/primary") == 200 and self.status(replica, "/replica") == 200, 60,
                       "for the endpoints to say so")
        return primary

    def test_a_answers_by_role(self):
        self.cluster.configure(60)
        primary = self.heals()
        replica = self.cluster.other(primary)
        self.assertEqual((self.status(primary, "/replica"), self.status(replica, "/primary")), (503, 503))
        for node, told in self.cluster.health_with_record(self.askers).items():
            self.assertEqual((told["node"], told["resource"], told["readable"]), (node, "db", True))
            self.assertIn(f" p={primary} ", told["record"])

    def test_b_a_switch_over_turns_the_answers_round(self):
        primary = kit.wait_until(self.cluster.redundant, 150, "for a replica in sync")
        replica = self.cluster.other(primary)
        done = self.cluster.at(primary, self.cluster.systole, "mysql", "switch", check=False)
        self.assertIn(f"{replica} is the primary", done.stdout + done.stderr)
        self.assertEqual(self.heals(), replica)

    def test_c_a_reader_address_leaves_the_node_that_may_not_be_read_and_comes_back(self):
        primary = self.heals()
        replica = self.cluster.other(primary)
        kit.wait_until(self.cluster.parted, 60, "for one reader address on each node")
        row = "INSERT INTO demo.ledger (id, writer, seq, mark) VALUES (424242, 1, 1, {})"
        self.cluster.sql(replica, "SET sql_log_bin=0; " + row.format(1))
        self.cluster.sql(primary, row.format(2))
        kit.wait_until(lambda: self.status(replica, "/replica") == 503, 30, "for the endpoint to see the error")
        kit.wait_until(lambda: self.cluster.readers()[primary] == set(READERS) and not self.cluster.readers()[replica],
                       60, "for both reader addresses to be on the primary")
        self.cluster.sql(replica, "SET sql_log_bin=0; DELETE FROM demo.ledger WHERE id=424242; START SLAVE")
        kit.wait_until(lambda: self.status(replica, "/replica") == 200, 30, "for the endpoint to see it mended")
        kit.wait_until(self.cluster.parted, 60, "for the reader address to come back")


if __name__ == "__main__":
    if missing := missing_packages():
        print(f"skipped: install {' '.join(missing)}")
        sys.exit(77)
    try:
        unittest.main(failfast=True, verbosity=2, warnings="ignore")  # open logs end with the test
    except KeyboardInterrupt:
        UnderPacemaker.doClassCleanups()
        sys.exit(130)

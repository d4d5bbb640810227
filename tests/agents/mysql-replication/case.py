# SPDX-License-Identifier: GPL-2.0-or-later
"""A test with fresh servers, and the programs' common end."""
import os
import shutil
import subprocess
import sys
import unittest

from rig import Rig, wait_until

NEVER = "-INFINITY"
DEGRADED = 190


class Case(unittest.TestCase):
    """Fresh servers for each test; both are watched."""

    agent = ""
    count, options, replica_options = 2, (), ()
    before_start = None

    def setUp(self):
        self.rig = Rig(self.agent, self.count, self.options, self.replica_options, self.before_start)
        self.addCleanup(self.close)
        self.primary, self.replica = self.rig.primary, self.rig.replica
        self.primary.sql("INSERT INTO d.t VALUES (1, 1), (2, 2)")
        self.assertTrue(self.rig.caught_up())

    def close(self):
        outcome = self._outcome
        failed = any(problem for _, problem in getattr(outcome, "errors", [])) or \
            any(test is self for test, _ in outcome.result.failures + outcome.result.errors)
        if failed:
            for node in self.rig.servers:
                print(f"--- {node}\n{self.rig.log(node)}", file=sys.stderr)
        self.rig.close()

    def watch(self, *nodes, **params):
        for node in nodes or ("n2",):
            answer = self.rig.call(node, "start", **params)
            self.assertEqual(answer.code, 0, answer.err)

    def monitor(self, node="n2", **params):
        return self.rig.call(node, "monitor", **params)

    def expect(self, condition, code, readable, score, node="n2", **params):
        answer = self.monitor(node, **params)
        memory = self.rig.memory(node)
        seen = (memory.get("condition"), answer.code, self.rig.attribute(node, "readable"),
                self.rig.attribute(node, "master-db"))
        self.assertEqual(seen, (condition, code, readable, score), f"{answer.err}\n{memory}")
        return answer

    def healthy(self, **params):
        self.watch("n2", **params)
        self.expect("replicating", 0, "1", "100", **params)

    def hold(self, count, *options, first=""):
        """So many connections that do nothing."""
        holders = [subprocess.Popen(["mariadb", "--no-defaults", *options, "-e", first + "SELECT SLEEP(60)"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(count)]
        self.addCleanup(lambda: [(holder.kill(), holder.wait()) for holder in holders])

    def fill(self, server, *options):
        """So that nobody else finds a place."""
        self.hold(14, *options)
        held = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(60)'"
        self.assertTrue(wait_until(lambda: server.sql(held) == "14"))
        server.sql("SET GLOBAL max_connections=10")

    def wait_slave(self, column, value):
        self.assertTrue(wait_until(lambda: self.replica.slave(column) == value),
                        f"{column} is {self.replica.slave(column)!r}, not {value!r}")


def main(usage):
    if len(sys.argv) < 2:
        sys.exit(usage)
    if shutil.which("mariadbd", path="/usr/sbin:/usr/bin") is None or os.geteuid() != 0:
        print("skipped: needs root and mariadbd (Debian package mariadb-server-core)")
        sys.exit(77)
    Case.agent = os.path.abspath(sys.argv.pop(1))
    try:
        unittest.main(verbosity=2)
    finally:
        Rig.forget_database()

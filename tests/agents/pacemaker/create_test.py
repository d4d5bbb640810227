#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`systole mysql create` and `join` under Pacemaker, whose own tools are the only ones on these nodes.

usage: create_test.py BUILD_FOLDER [unittest's arguments]"""
import os
import pathlib
import secrets
import shutil
import signal
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "cluster/create")]
from debian_pair import Debian, USER_SQL, kit  # noqa: E402
from pacemaker_cluster import PacemakerCluster, missing_packages  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "build/ci").resolve()
SYSTOLE = "/opt/systole/systole"
DROP_IN = "etc/mysql/mariadb.conf.d/90-systole.cnf"
CREATE = ("create", "--ip", f"{kit.VIP}/24", "--yes")


class PacemakerPair(Debian, PacemakerCluster):
    def stage_programs(self):
        super().stage_programs()
        shutil.copy2(kit.find_program(self.build, "systole"), self.stage / "systole")

    def systole(self, node, *words):
        done = self.at(node, SYSTOLE, "mysql", *words, check=False)
        return done.returncode, done.stdout + done.stderr


class UnderPacemaker(unittest.TestCase):
    """One story in the order of its chapters' names."""

    @classmethod
    def setUpClass(cls):
        cls.pair = PacemakerPair(BUILD, f"cr{os.getpid() % 10000}", BUILD / "create-pacemaker-logs")
        cls.addClassCleanup(cls.pair.stop)
        cls.pair.prepare()
        for node in cls.pair.names:
            cls.pair.rig.poweron(node)
        cls.pair.at_once(cls.pair.install)
        cls.pair.at("n1", *kit.MARIADB, data=USER_SQL)
        kit.wait_until(lambda: cls.pair.has_members(2), 60, "for both nodes to be members")

    def write_key(self, node, key):
        path = self.pair.rig.disk(node, "etc/corosync/authkey")
        path.write_bytes(key)
        path.chmod(0o400)

    def test_a_faults_are_said_all_at_once_and_nothing_is_touched(self):
        code, said = self.pair.systole("n1", *CREATE)
        self.assertEqual(code, 1, said)
        self.assertIn("stonith-enabled is true", said)
        self.assertIn("there is no key file /etc/corosync/authkey", said)
        self.assertIn("--password-file", said)
        self.assertTrue(self.pair.service_runs("n1"))
        self.assertIsNone(self.pair.file("n1", DROP_IN))
        self.pair.at("n1", "crm_attribute", "--type", "crm_config", "--name", "stonith-enabled", "--update", "false")
        key = secrets.token_bytes(256)
        for node in self.pair.names:
            self.write_key(node, key)

    def test_b_ctrl_c_undoes_everything(self):
        self.pair.background("interrupted", "n1", SYSTOLE, "mysql", *CREATE)
        child = self.pair.children.pop("interrupted")
        said = self.pair.logs / "interrupted.out"
        kit.wait_until(lambda: "the cluster has 'db-clone'" in said.read_text(), 60, "for the configuration", 0.01)
        os.kill(int(pathlib.Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()[0]), signal.SIGINT)
        self.assertEqual(child.wait(60), 130, said.read_text())
        self.assertTrue(self.pair.service_runs("n1"))
        self.assertIsNone(self.pair.file("n1", DROP_IN))
        self.assertNotIn("<primitive", self.pair.cib())

    def test_c_create_makes_a_primary_and_leaves_the_other_node_alone(self):
        code, said = self.pair.systole("n1", *CREATE)
        self.assertEqual(code, 0, said)
        kit.wait_until(lambda: self.pair.holds_address("n1"), 30, "for the address on n1")
        time.sleep(3)
        self.assertTrue(self.pair.service_runs("n2"), "Pacemaker ended a server that is none of its own")
        self.assertFalse(self.pair.service_begins_at_boot("n1"))

    def test_d_join_makes_a_replica_under_writers(self):
        self.pair.start_writers()
        kit.wait_until(self.pair.acknowledged, 20, "for the first acknowledged write")
        self.write_key("n2", secrets.token_bytes(256))
        code, said = self.pair.systole("n2", "join", "--yes")
        self.assertEqual(code, 1, said)
        self.assertIn("copy /etc/systole/mysql-db.cnf from n1", said)
        self.assertTrue(self.pair.service_runs("n2"))
        (self.pair.rig.disk("n2", "etc/systole/mysql-db.cnf")).write_text(
            self.pair.file("n1", "etc/systole/mysql-db.cnf"))
        self.pair.rig.disk("n2", "etc/systole/mysql-db.cnf").chmod(0o600)
        code, said = self.pair.systole("n2", "join", "--yes")
        self.assertEqual(code, 0, said)
        self.assertIn("Every acknowledged write is on n1 and on n2", said)
        self.assertEqual(list(self.pair.rig.disk("n2", "var/lib").glob("mysql.before-systole-*")), [])
        code, said = self.pair.systole("n1", "switch")
        self.assertEqual(code, 0, said)
        kit.wait_until(lambda: self.pair.redundant() == "n2", 60, f"for n2 with n1 in sync: {self.pair.summary()}")
        self.pair.end_children("writers")
        found = self.pair.verify()
        for node in self.pair.names:
            wrong = {kind: found[node][kind] for kind in ("lost", "duplicated", "extra", "altered")}
            self.assertEqual(wrong, {"lost": 0, "duplicated": 0, "extra": 0, "altered": 0}, node)


if __name__ == "__main__":
    if missing := missing_packages():
        print(f"skipped: install {' '.join(missing)}")
        sys.exit(77)
    unittest.main(failfast=True, verbosity=2, warnings="ignore")  # open logs end with the test

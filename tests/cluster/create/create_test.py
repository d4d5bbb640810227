#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""From two servers with MariaDB installed to a pair, by `systole mysql create` and `join`: with what a person may do
wrong on the way, with Ctrl-C and kill -9 in the middle, and under clients that write.

usage: create_test.py BUILD_FOLDER [unittest's arguments]"""
import os
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from debian_pair import DebianPair, Onlooker, USER_SQL, kit  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "build/ci").resolve()
PREFIX = f"cr{os.getpid() % 10000}"
DROP_IN = "etc/mysql/mariadb.conf.d/90-systole.cnf"
CREDENTIALS = "etc/systole/mysql-db.cnf"
DATADIR = "var/lib/mysql"
UNFINISHED = f"{DATADIR}/systole_unfinished"
CREATE = ("create", "--ip", f"{kit.VIP}/24", "--yes")


class Story(unittest.TestCase):
    """One story in the order of its chapters' names; each begins with what the one before has left."""

    @classmethod
    def setUpClass(cls):
        cls.pair = DebianPair(BUILD, PREFIX, BUILD / "create-logs")
        cls.addClassCleanup(cls.pair.stop)
        cls.pair.prepare()
        for node in cls.pair.names:
            cls.pair.rig.poweron(node)
        cls.pair.at_once(cls.pair.install)
        cls.pair.at("n1", *kit.MARIADB, data=USER_SQL)
        cls.pair.at("n2", *kit.MARIADB, "-e", "CREATE DATABASE mine; CREATE TABLE mine.t (a INT); "
                                              "INSERT INTO mine.t VALUES (42)")
        kit.wait_until(lambda: 'uname="n2"' in cls.pair.cib(), 30, "for both nodes to be in the configuration")
        cls.onlooker = Onlooker()
        cls.onlooker.start()
        cls.said = ""

    def systole(self, node, *words):
        code, said = self.pair.systole(node, *words)
        type(self).said += said
        return code, said

    def begin(self, name, node, *words):
        return self.pair.background(name, node, "systole", "mysql", *words)

    def output(self, name):
        return "".join((self.pair.logs / f"{name}.{end}").read_text() for end in ("out", "err"))

    def end(self, name, number):
        """Sends the signal to the program, not to nsenter, whose child it is; the exit code."""
        child = self.pair.children.pop(name)
        program = pathlib.Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()[0]
        os.kill(int(program), number)
        code = child.wait(120)
        type(self).said += self.output(name)
        return code

    def assert_untouched(self, node):
        self.assertTrue(self.pair.service_runs(node))
        self.assertTrue(self.pair.service_begins_at_boot(node))
        self.assertIsNone(self.pair.file(node, DROP_IN))
        self.assertIsNone(self.pair.file(node, CREDENTIALS))
        self.assertNotIn("<primitive", self.pair.cib())
        self.assertNotIn("_mysql_master_IP", self.pair.cib())

    def test_a_what_stands_in_the_way_is_said_before_anything_is_touched(self):
        code, said = self.systole("n1", *CREATE)
        self.assertEqual(code, 1, said)
        self.assertIn("stonith-enabled is true", said)
        self.assertIn("crm_attribute --type crm_config --name stonith-enabled --update false", said)
        self.assert_untouched("n1")
        self.pair.at("n1", "crm_attribute", "--type", "crm_config", "--name", "stonith-enabled", "--update", "false")
        code, said = self.systole("n1", "create", "--ip", "10.77.0.2/24", "--yes")
        self.assertEqual(code, 1, said)
        self.assertIn("a machine answers for 10.77.0.2 already", said)
        code, said = self.systole("n1", "create", "0db", "--yes")
        self.assertEqual(code, 1, said)
        code, said = self.systole("n2", "join", "--yes")
        self.assertEqual(code, 1, said)
        self.assertIn("systole mysql create", said)
        self.assertIn("holds databases: mine", said)
        self.assert_untouched("n1")
        self.assert_untouched("n2")

    def test_b_without_yes_it_says_what_it_would_do(self):
        code, said = self.systole("n1", *CREATE[:-1])
        self.assertEqual(code, 107, said)
        self.assertIn("mariadb: stopped and disabled", said)
        self.assertIn(f"the address {kit.VIP}", said)
        self.assert_untouched("n1")

    def test_c_ctrl_c_after_the_configuration_was_written_undoes_everything(self):
        self.begin("interrupted", "n1", *CREATE)
        kit.wait_until(lambda: "the cluster has 'db-clone'" in self.output("interrupted"), 30,
                       "for the configuration to be written", 0.01)
        code = self.end("interrupted", signal.SIGINT)
        self.assertEqual(code, 130, self.output("interrupted"))
        self.assertIn("Everything is as it was before", self.output("interrupted"))
        self.assert_untouched("n1")
        self.assertEqual(self.pair.sql("n1", "SELECT COUNT(*) FROM mysql.user WHERE User LIKE 'systole%'"), [["0"]])

    def test_d_killed_in_the_middle_it_goes_on_where_it_was(self):
        self.begin("killed", "n1", *CREATE)
        kit.wait_until(lambda: self.pair.file("n1", DROP_IN), 30, "for the drop-in", 0.002)
        self.end("killed", signal.SIGKILL)
        self.pair.at("n1", "/etc/init.d/mariadb", "stop")  # a stopped server is prepared where nobody else reaches it
        code, said = self.systole("n1", *CREATE)
        self.assertEqual(code, 0, said)
        self.assertIn("n1 is the primary", said)
        self.assertFalse(self.pair.service_runs("n1"))
        self.assertFalse(self.pair.service_begins_at_boot("n1"))
        self.assertEqual(self.pair.systole("n1", "status")[0], 1, "one copy")
        kit.wait_until(lambda: self.pair.holds_address("n1"), 20, "for the address on n1")

    def test_e_a_second_time_it_says_that_it_is_done(self):
        code, said = self.systole("n1", *CREATE)
        self.assertEqual(code, 0, said)
        self.assertIn("in the cluster already", said)

    def test_f_a_datadir_with_somebodys_data_is_refused(self):
        self.pair.start_writers()
        kit.wait_until(self.pair.acknowledged, 20, "for the first acknowledged write")
        code, said = self.systole("n2", "join", "--yes")
        self.assertEqual(code, 1, said)
        self.assertIn("holds databases: mine", said)
        self.assertTrue(self.pair.service_runs("n2"))
        self.assertEqual(self.pair.sql("n2", "SELECT a FROM mine.t"), [["42"]])

    def join_with(self, program, script):
        """`join` where this script stands in the program's place ("$REAL" is the program); all of it must be undone."""
        real = self.pair.at("n2", "which", program).stdout.strip()
        self.pair.at("n2", "sh", "-c", f"mkdir -p /tmp/fake; cat >/tmp/fake/{program}; chmod 755 /tmp/fake/{program}",
                     data=f"#!/bin/bash\nREAL={real}\n{script}\n")
        done = self.pair.at("n2", "sh", "-c", "PATH=/tmp/fake:$PATH systole mysql join --discard-data --yes",
                            check=False)
        self.pair.at("n2", "rm", "-r", "/tmp/fake")
        said = done.stdout + done.stderr
        type(self).said += said
        self.assertNotEqual(done.returncode, 0, said)
        self.assertIn("Everything is as it was before", said)
        self.assertTrue(self.pair.service_runs("n2"))
        self.assertTrue(self.pair.service_begins_at_boot("n2"))
        self.assertEqual(self.pair.sql("n2", "SELECT a FROM mine.t"), [["42"]])
        self.assertIsNone(self.pair.file("n2", DROP_IN))
        self.assertNotIn("db-databases-n2", self.pair.cib())
        self.assertIn('name="clone-max" value="1"', self.pair.cib())
        return said

    def test_fa_a_copy_that_breaks_off_is_no_copy(self):
        said = self.join_with("mariadb-dump", '[ $# -lt 3 ] && exec $REAL "$@"; $REAL "$@" | head -n -1; exit 0')
        self.assertIn("does not say, at its end, at which GTID", said)

    def test_fb_a_copy_that_fails_says_why(self):
        said = self.join_with("mariadb-dump", '[ $# -lt 3 ] && exec $REAL "$@"; echo "disk is on fire" >&2; exit 2')
        self.assertIn("'mariadb-dump' ended with 2: disk is on fire", said)

    def test_fc_a_cluster_that_took_what_its_tool_says_it_refused_does_not_keep_the_node(self):
        said = self.join_with("cibadmin", '$REAL "$@" || exit; [[ "$*" != *db-databases-n2*uname* ]] || exit 124')
        self.assertIn("undone: the cluster does not run it on n2", said)

    def test_g_killed_while_it_copies_no_half_database_is_ever_started(self):
        self.begin("half", "n2", "join", "--discard-data", "--yes")
        kit.wait_until(lambda: "copying about" in self.output("half") and self.pair.at(
            "n2", "pgrep", "-x", "mariadb-dump", check=False).returncode == 0, 60, "for the copy to be under way", 0.01)
        self.end("half", signal.SIGKILL)
        kit.wait_until(lambda: self.pair.at("n2", "pgrep", "-x", "mariadb-dump|mariadbd", check=False).returncode != 0,
                       5, "for the copy and its server to end with the program that began them")
        self.assertIsNotNone(self.pair.file("n2", UNFINISHED))
        self.assertIn('name="clone-max" value="1"', self.pair.cib())
        # Not even by hand: the agent knows the mark.
        done = self.pair.at("n2", "env", "OCF_ROOT=/usr/lib/ocf", "OCF_RESOURCE_INSTANCE=db",
                            f"OCF_RESKEY_credentials=/{CREDENTIALS}", "/usr/lib/ocf/resource.d/systole/mysql", "start",
                            check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("not made to its end", done.stderr)

    def test_h_once_more_and_both_have_every_write(self):
        self.begin("join", "n2", "join", "--yes")
        kit.wait_until(lambda: "copying about" in self.output("join"), 60, "for the copy to begin", 0.01)
        code = self.end("join", signal.SIGHUP)  # a terminal that goes away ends nothing
        said = self.output("join")
        self.assertEqual(code, 0, said)
        self.assertIn("Every acknowledged write is on n1 and on n2", said)
        for node in self.pair.names:
            self.assertEqual(self.pair.systole(node, "status")[0], 0)
            self.assertFalse(self.pair.service_runs(node))
            self.assertFalse(self.pair.service_begins_at_boot(node))
            servers = self.pair.at(node, "pgrep", "-c", "-x", "mariadbd", check=False).stdout.strip()
            self.assertEqual(servers, "1")
        self.assertIn('name="clone-max" value="2"', self.pair.cib())
        self.assertFalse(self.pair.rig.disk("n2", f"{DATADIR}/systole_seeded").exists())
        aside = list(self.pair.rig.disk("n2", "var/lib").glob("mysql.before-systole-*"))
        self.assertEqual([(folder / "mine").is_dir() for folder in aside], [True])
        code, said = self.systole("n2", "join", "--yes")
        self.assertEqual(code, 0, said)
        self.assertIn("in the cluster already", said)

    def test_i_the_replica_is_as_good_as_the_primary(self):
        code, said = self.systole("n1", "switch")
        self.assertEqual(code, 0, said)
        now = time.monotonic()
        kit.wait_until(lambda: self.pair.first_write_after(now), 20, "for a write after the switch-over")
        kit.wait_until(lambda: self.pair.redundant() == "n2", 30, f"for n2 with n1 in sync: {self.pair.summary()}")
        self.pair.end_children("writers")
        found = self.pair.verify()
        self.assertGreater(len(self.pair.acknowledged()), 100)
        for node in self.pair.names:
            wrong = {kind: found[node][kind] for kind in ("lost", "duplicated", "extra", "altered")}
            self.assertEqual(wrong, {"lost": 0, "duplicated": 0, "extra": 0, "altered": 0}, node)
        for query in ("SELECT User, Host, Priv FROM mysql.global_priv ORDER BY 1, 2", "CHECKSUM TABLE demo.ledger"):
            self.assertEqual(self.pair.sql("n1", query), self.pair.sql("n2", query), query)

    def test_j_the_password_is_nowhere_but_in_its_file(self):
        text = self.pair.file("n1", CREDENTIALS)
        self.assertEqual(text, self.pair.file("n2", CREDENTIALS))
        password = text.split('password="')[1].split('"')[0]
        self.assertGreater(len(password), 40)
        self.assertEqual(self.pair.rig.disk("n1", CREDENTIALS).stat().st_mode & 0o7777, 0o600)
        self.assertNotIn(password, self.pair.cib())
        self.assertNotIn(password, self.said)
        seen = type(self).onlooker.end()
        self.assertTrue(any(b"mariadb-dump" in text for text in seen), "the onlooker saw nothing of the copy")
        self.assertFalse([text for text in seen if password.encode() in text])
        for node in self.pair.names:
            for folder in ("var/log", "run"):
                done = self.pair.at(node, "grep", "-rlF", "-e", password, f"/{folder}", check=False)
                self.assertEqual(done.stdout, "", f"{node}: {folder}")


if __name__ == "__main__":
    unittest.main(failfast=True, verbosity=2, warnings="ignore")  # open logs end with the test

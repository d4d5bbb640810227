#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults of replication, one by one, on real servers: what the agent says of each (condition, exit code, readable,
promotion score), and what it mends.

usage: faults_test.py AGENT [unittest arguments]"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import DEGRADED, NEVER, Case, main  # noqa: E402
from rig import wait_until  # noqa: E402


class Watching(Case):
    def test_a_good_pair_is_readable_and_only_the_primary_writable(self):
        self.watch("n1", "n2")
        self.expect("primary", 0, "1", "1000", "n1")
        self.expect("replicating", 0, "1", "100")
        self.assertEqual(self.rig.attribute("n1", "writable"), "1")
        self.assertEqual(self.rig.attribute("n2", "writable"), "0")

    def test_a_monitor_with_nothing_new_runs_no_program(self):
        self.healthy()
        before = self.rig.tool_calls()
        for _ in range(3):
            self.assertEqual(self.monitor().code, 0)
        self.assertEqual(self.rig.tool_calls(), before)

    def test_stop_withdraws_what_was_said_and_a_stopped_one_is_7(self):
        self.healthy(heartbeat="true")
        self.assertEqual(self.rig.call("n2", "stop", heartbeat="true").code, 0)
        self.assertEqual(self.rig.attribute("n2", "readable"), "0")
        self.assertEqual(self.rig.attribute("n2", "writable"), "0")
        self.assertIsNone(self.rig.attribute("n2", "master-db"))
        self.assertEqual(self.monitor().code, 7)
        self.assertEqual(self.rig.call("n2", "stop").code, 0)
        self.assertEqual(sorted(p.name for p in pathlib.Path(self.replica.home).glob("state*")), [])

    def test_a_damaged_state_file_is_no_harm(self):
        self.healthy()
        for text in (b"", b"\0\xff=\n==", b"readable=99999999999999999999\nchanged=-5\ntries=1e9\n" * 1000,
                     b"late=1\nfresh=x"):
            pathlib.Path(self.replica.home, "state").write_bytes(text)
            self.expect("replicating", 0, "1", "100")


    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_a_monitor_with_nothing_new_starts_no_process(self):
        self.healthy()
        trace = f"{self.replica.home}/trace"
        env = {**self.rig.environment("n2", {}), "ASAN_OPTIONS": "detect_leaks=0"}
        command = ["strace", "-o", trace, "-e", "trace=process", self.agent, "monitor"]
        done = subprocess.run(command, env=env, timeout=60)
        self.assertEqual(done.returncode, 0)
        self.assertNotRegex(pathlib.Path(trace).read_text(), r"\b(?:clone|clone3|fork|vfork)\(")

    def test_bad_parameters_are_told_before_anything_happens(self):
        secret = pathlib.Path(self.replica.home, "secret.cnf")
        secret.write_text("[systole-control]\nuser=root\npassword=QQ\n")
        secret.chmod(0o644)
        broken = pathlib.Path(self.replica.home, "broken.cnf")
        broken.touch(0o600)
        broken.write_text("[systole-control\nQQ\n")
        for code, params in ((6, {"socket": "x"}), (6, {"max_slave_lag": "soon"}), (6, {"cluster_type": "ring"}),
                             (6, {"heartbeat": "true", "heartbeat_table": "a.b;c"}), (6, {"repair": "all"}),
                             (6, {"reader_failcount": "0"}), (6, {"repair": "setup", "partners": ""}),
                             (5, {"credentials": "/nonexistent"}), (4, {"credentials": secret}),
                             (2, {"credentials": broken})):
            with self.subTest(params=params):
                for action in ("validate-all", "start"):
                    answer = self.rig.call("n2", action, **params)
                    self.assertEqual(answer.code, code, answer.err)
                    self.assertIn("ocf-exit-reason:", answer.err)
                    self.assertNotIn("QQ", answer.err)
                self.assertEqual(self.rig.call("n2", "stop", **params).code, 0)
        self.assertEqual(self.monitor().code, 7)


class Receiver(Case):
    def test_a_receiver_that_was_stopped_is_started_and_readers_stay(self):
        self.healthy()
        self.replica.sql("STOP SLAVE IO_THREAD")
        self.expect("disconnected", 0, "1", "100", repair="reconnect")
        self.assertEqual(self.replica.slave("Slave_IO_Running"), "No")  # somebody may just be at work
        time.sleep(1.1)
        self.expect("disconnected", 0, "1", "100", repair="reconnect")
        self.wait_slave("Slave_IO_Running", "Yes")
        self.expect("replicating", 0, "1", "100")

    def test_a_dead_primary_is_no_fault_of_its_replica(self):
        self.healthy()
        self.primary.kill()
        self.wait_slave("Slave_IO_Running", "Connecting")
        self.expect("disconnected", 0, "1", "100", repair="reconnect")
        self.assertIn("connection", self.rig.memory("n2")["reason"])

    def test_a_primary_that_was_lost_for_longer_than_max_slave_lag_makes_late(self):
        self.rig.set_attribute("n1", "readable", "1")
        self.healthy(max_slave_lag="1s")
        self.primary.kill()
        self.wait_slave("Slave_IO_Running", "Connecting")
        time.sleep(1.5)
        self.expect("disconnected", 0, "1", "5", max_slave_lag="1s")  # marked: it wants to leave
        time.sleep(2.2)
        self.expect("disconnected", 0, "0", "5", max_slave_lag="1s")

    def test_a_wrong_password_is_replaced_where_the_primary_takes_ours(self):
        self.healthy()
        self.replica.sql("STOP SLAVE; CHANGE MASTER TO MASTER_PASSWORD='wrong'; START SLAVE")
        self.wait_slave("Last_IO_Errno", "1045")
        answer = self.expect("disconnected", 0, "1", "100", replication_passwd="wrong too", repair="reconnect")
        self.assertIn("credentials", self.rig.memory("n2")["reason"])
        self.assertNotIn("wrong", answer.err)
        time.sleep(1.1)
        self.expect("disconnected", 0, "1", "100", repair="reconnect")
        self.wait_slave("Slave_IO_Running", "Yes")

    def test_a_primary_without_a_free_connection_is_waited_for(self):
        self.healthy()
        self.replica.sql("STOP SLAVE IO_THREAD")
        self.fill(self.primary, "-h", self.primary.address, "-P", str(self.primary.port), "-urepl", "-pse'cret")
        self.replica.sql("START SLAVE IO_THREAD")
        self.wait_slave("Last_IO_Errno", "1040")
        self.expect("disconnected", 0, "1", "100")

    def test_purged_binary_logs_need_a_new_copy(self):
        self.healthy()
        self.replica.sql("STOP SLAVE IO_THREAD")
        for value in (3, 4):
            self.primary.sql(f"INSERT INTO d.t VALUES ({value}, 0); FLUSH BINARY LOGS")
        dumps = "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND='Binlog Dump'"
        for thread in self.primary.sql(dumps).split():
            self.primary.sql(f"KILL CONNECTION {thread}")  # it notices the replica's end late, and keeps its file
        self.assertTrue(wait_until(lambda: "repl" not in self.primary.sql("SHOW PROCESSLIST")))
        last = self.primary.sql("SHOW BINARY LOGS").splitlines()[-1].split()[0]

        def purged():  # a file that somebody still reads stays, without a word
            self.primary.sql(f"PURGE BINARY LOGS TO '{last}'")
            return len(self.primary.sql("SHOW BINARY LOGS").splitlines()) == 1
        self.assertTrue(wait_until(purged))
        self.replica.sql("START SLAVE IO_THREAD")
        self.wait_slave("Last_IO_Errno", "1236")
        answer = self.expect("outdated", DEGRADED, "0", NEVER, repair="reconnect")
        self.assertIn("new copy", answer.err)

    def test_a_transaction_that_the_primary_never_had_is_quarantined(self):
        self.healthy()
        self.replica.sql("STOP SLAVE; INSERT INTO d.t VALUES (77, 0); SET GLOBAL gtid_slave_pos=@@gtid_binlog_pos; "
                         "START SLAVE")
        self.wait_slave("Last_IO_Errno", "1236")
        answer = self.expect("quarantined", DEGRADED, "0", NEVER, repair="reconnect")
        self.assertIn("diverged", answer.err)

    def test_an_errant_transaction_in_an_unknown_domain_is_found_by_asking_the_primary(self):
        self.healthy()
        self.replica.sql("SET gtid_domain_id=9; INSERT INTO d.t VALUES (77, 0)")
        pathlib.Path(self.replica.home, "state").write_text("")  # it asked a moment ago, and does each minute
        self.assertEqual(self.replica.slave("Slave_IO_Running"), "Yes")
        answer = self.expect("quarantined", DEGRADED, "0", NEVER)
        self.assertIn("9-2-1", answer.err)

    def test_a_replica_with_its_primarys_server_id_is_told_so(self):
        self.healthy()
        self.replica.sql("STOP SLAVE; SET GLOBAL server_id=1; START SLAVE")
        self.wait_slave("Last_IO_Errno", "1593")
        self.expect("disconnected", 0, "1", "100")
        self.assertIn("same server_id", self.rig.memory("n2")["reason"])


class Applier(Case):
    def test_an_applier_that_was_stopped_is_started(self):
        self.healthy()
        self.replica.sql("STOP SLAVE SQL_THREAD")
        self.expect("standing", 0, "1", "5")
        time.sleep(1.1)
        self.expect("standing", 0, "1", "5", repair="reconnect")
        self.wait_slave("Slave_SQL_Running", "Yes")

    def test_both_threads_start_only_after_what_was_received_is_applied(self):
        self.healthy()
        self.replica.sql("STOP SLAVE SQL_THREAD")
        for value in range(10, 20):
            self.primary.sql(f"INSERT INTO d.t VALUES ({value}, 0)")
        position = self.primary.sql("SELECT @@gtid_binlog_pos")
        self.assertTrue(wait_until(lambda: self.replica.slave("Gtid_IO_Pos") == position))
        self.primary.kill()
        self.replica.sql("STOP SLAVE")
        self.expect("standing", 0, "1", "5")
        time.sleep(1.1)
        self.expect("standing", 0, "1", "5", repair="reconnect")
        self.assertEqual(self.replica.sql("SELECT COUNT(*) FROM d.t"), "12")  # nobody else has them now
        self.wait_slave("Slave_SQL_Running", "Yes")

    def test_a_restarted_replica_applies_its_relay_log_before_it_starts(self):
        self.healthy()
        # Servers here flush once a second; this one shall not forget what it applied.
        self.replica.sql("SET GLOBAL innodb_flush_log_at_trx_commit=1")
        self.primary.sql("INSERT INTO d.t VALUES (3, 3)")
        self.assertTrue(self.rig.caught_up())
        self.replica.sql("STOP SLAVE SQL_THREAD")
        self.primary.sql("INSERT INTO d.t VALUES (10, 0)")
        position = self.primary.sql("SELECT @@gtid_binlog_pos")
        self.assertTrue(wait_until(lambda: self.replica.slave("Gtid_IO_Pos") == position))
        self.primary.kill()
        self.replica.kill()
        self.replica.start("--read-only")
        self.expect("standing", 0, "1", "5")
        time.sleep(1.1)
        self.expect("standing", 0, "1", "5", repair="reconnect")
        self.assertEqual(self.replica.sql("SELECT COUNT(*) FROM d.t"), "4")

    def test_replication_by_file_and_position_is_only_started(self):
        self.replica.sql("STOP SLAVE; CHANGE MASTER TO MASTER_USE_GTID=no; START SLAVE")
        self.healthy()
        self.replica.sql("STOP SLAVE")
        self.expect("standing", 0, "1", "5")
        time.sleep(1.1)
        self.expect("standing", 0, "1", "5", repair="reconnect")
        self.wait_slave("Slave_IO_Running", "Yes")
        self.assertEqual((self.replica.slave("Using_Gtid"), self.replica.slave("Slave_SQL_Running")), ("No", "Yes"))

    def applier_fault(self, here, there, number, words):
        self.healthy()
        self.replica.sql(here)
        self.primary.sql(there)
        self.wait_slave("Last_SQL_Errno", number)
        answer = self.expect("quarantined", DEGRADED, "0", NEVER, repair="reconnect")
        self.assertIn(words, answer.err)
        time.sleep(0.3)
        self.assertEqual(self.replica.slave("Slave_SQL_Running"), "No")

    def test_a_duplicate_row_is_never_skipped(self):
        self.applier_fault("SET sql_log_bin=0; INSERT INTO d.t VALUES (9, 1)", "INSERT INTO d.t VALUES (9, 2)", "1062",
                           "duplicate row")

    def test_a_missing_row_is_never_skipped(self):
        self.applier_fault("SET sql_log_bin=0; DELETE FROM d.t WHERE k=1", "UPDATE d.t SET v=2 WHERE k=1", "1032",
                           "missing row")

    def mended(self, here, there, rows):
        """A difference that is none is mended; readers return when it is."""
        self.healthy()
        self.replica.sql(here)
        self.primary.sql(there)
        self.assertTrue(wait_until(lambda: self.replica.slave("Last_SQL_Errno") in ("1062", "1032")))
        self.expect("quarantined", DEGRADED, "0", NEVER, repair="reconnect")
        self.assertTrue(self.rig.caught_up(), self.rig.log("n2"))
        for server in (self.primary, self.replica):
            self.assertEqual(server.sql("SELECT k, u, t, m, c, x, HEX(b), j FROM d.s ORDER BY 1").split("\n"), rows)
        self.assertEqual(self.primary.sql("SELECT @@gtid_binlog_pos"), self.replica.sql("SELECT @@gtid_binlog_pos"))
        self.assertEqual(self.replica.sql("CHECKSUM TABLE d.s"), self.primary.sql("CHECKSUM TABLE d.s"))
        self.assertIn("transaction 0-1-", self.rig.log("n2"))
        time.sleep(1)
        self.expect("replicating", 0, "1", "100", repair="reconnect")

    def make_s(self):
        self.primary.sql("CREATE TABLE d.s(k INT PRIMARY KEY, u BIGINT UNSIGNED, t TINYINT, m MEDIUMINT, "
                         "c VARCHAR(300), x CHAR(9), b BLOB, j JSON) DEFAULT CHARSET=utf8mb4; INSERT INTO d.s VALUES "
                         "(-1, 18446744073709551615, -128, -8388608, 'ä\'\'', 'x ', X'00FF', '{}'), "
                         "(-2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
        self.assertTrue(self.rig.caught_up())

    full = "(5, 18446744073709551615, -128, -8388608, 'ä', 'x ', X'41FF', '{}')"

    def test_a_duplicate_row_that_is_the_same_in_every_column_is_no_difference(self):
        self.make_s()
        self.mended(f"SET sql_log_bin=0; INSERT INTO d.s VALUES {self.full}",
                    f"DELETE FROM d.s WHERE k<0; INSERT INTO d.s VALUES {self.full}, (6, 1, 1, 1, '', '', '', NULL)",
                    self.rows_after())

    def rows_after(self):
        return ["5\t18446744073709551615\t-128\t-8388608\tä\tx\t41FF\t{}", "6\t1\t1\t1\t\t\t\tNULL"]

    def test_a_missing_row_that_was_to_be_deleted_is_no_difference(self):
        self.make_s()
        self.mended("SET sql_log_bin=0; DELETE FROM d.s WHERE k=-1", "DELETE FROM d.s WHERE k<0", [""])

    def test_a_row_that_differs_in_one_column_stays_and_so_does_the_quarantine(self):
        self.make_s()
        for here in ("18446744073709551614, -128, -8388608, 'ä', 'x', X'41FF', '{}'",
                     "18446744073709551615, -128, -8388608, 'Ä', 'x', X'41FF', '{}'",
                     "18446744073709551615, -128, -8388608, 'ä ', 'x', X'41FF', '{}'",
                     "18446744073709551615, -128, NULL, 'ä', 'x', X'41FF', '{}'"):
            with self.subTest(here=here):
                self.replica.sql(f"SET sql_log_bin=0; INSERT INTO d.s VALUES (5, {here})")
                shown = "SELECT u, t, HEX(c), HEX(b) FROM d.s WHERE k=5"
                before = self.replica.sql(shown)
                self.primary.sql(f"INSERT INTO d.s VALUES {self.full}")
                self.wait_slave("Last_SQL_Errno", "1062")
                pathlib.Path(self.replica.home, "state").unlink(missing_ok=True)
                self.watch("n2", repair="reconnect")
                self.expect("quarantined", DEGRADED, "0", NEVER, repair="reconnect")
                self.assertIn("holds another row", self.rig.log("n2"))
                self.assertEqual(self.replica.sql(shown), before)
                self.replica.sql("SET sql_log_bin=0; DELETE FROM d.s WHERE k=5; START SLAVE SQL_THREAD")
                self.assertTrue(self.rig.caught_up())
                self.primary.sql("DELETE FROM d.s WHERE k=5")
                self.assertTrue(self.rig.caught_up())

    def test_a_table_with_triggers_or_a_transaction_that_also_updates_is_not_judged(self):
        self.make_s()
        for here, there, words in (
                ("CREATE TRIGGER d.g BEFORE DELETE ON d.s FOR EACH ROW SET @x=1; INSERT INTO d.s(k) VALUES (7)",
                 "INSERT INTO d.s(k) VALUES (7)", "has triggers"),
                ("DROP TRIGGER d.g; INSERT INTO d.s(k) VALUES (8)",
                 "BEGIN; UPDATE d.s SET t=1 WHERE k=-1; INSERT INTO d.s(k) VALUES (8); COMMIT", "event of type 24")):
            with self.subTest(words=words):
                self.replica.sql(f"SET sql_log_bin=0; {here}")
                self.primary.sql(there)
                self.wait_slave("Last_SQL_Errno", "1062")
                pathlib.Path(self.replica.home, "state").unlink(missing_ok=True)
                self.watch("n2", repair="reconnect")
                self.assertIn(words, self.rig.log("n2"))
                self.replica.sql("SET sql_log_bin=0; DELETE FROM d.s WHERE k IN (7, 8); START SLAVE SQL_THREAD")
                self.assertTrue(self.rig.caught_up())

    def test_a_missing_table_is_never_skipped(self):
        self.applier_fault("SET sql_log_bin=0; DROP TABLE d.t", "INSERT INTO d.t VALUES (9, 2)", "1146", "schema")

    def test_a_write_on_the_replica_is_met_by_an_error_of_order(self):
        self.applier_fault("INSERT INTO d.t VALUES (50, 1), (51, 1)", "INSERT INTO d.t VALUES (9, 2)", "1950",
                           "out of order")

    def test_readers_return_when_a_person_has_mended_it(self):
        self.applier_fault("SET sql_log_bin=0; DROP TABLE d.t", "INSERT INTO d.t VALUES (9, 2)", "1146", "schema")
        self.replica.sql("SET sql_log_bin=0; CREATE TABLE d.t(k INT PRIMARY KEY, v INT); START SLAVE SQL_THREAD")
        self.wait_slave("Slave_SQL_Running", "Yes")
        time.sleep(1)
        self.expect("replicating", 0, "1", "100")

    def test_a_lock_wait_is_tried_again(self):
        self.healthy()
        self.replica.sql("STOP SLAVE SQL_THREAD; SET GLOBAL slave_transaction_retries=0, "
                         "GLOBAL innodb_lock_wait_timeout=1; START SLAVE SQL_THREAD")
        self.hold(1, "-S", self.replica.socket, first="BEGIN; UPDATE d.t SET v=9 WHERE k=1; ")
        held = "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(60)'"
        self.assertTrue(wait_until(lambda: self.replica.sql(held)))
        self.primary.sql("UPDATE d.t SET v=5 WHERE k=1")
        self.wait_slave("Last_SQL_Errno", "1205")
        self.expect("standing", DEGRADED, "1", "5")
        self.replica.sql("KILL CONNECTION " + self.replica.sql(held))
        self.assertTrue(wait_until(lambda: not self.replica.sql(held)))
        self.expect("standing", DEGRADED, "1", "5", repair="reconnect")
        self.wait_slave("Slave_SQL_Running", "Yes")
        self.assertTrue(self.rig.caught_up())

    def damage_relay_log(self):
        self.replica.sql("STOP SLAVE SQL_THREAD")
        for value in range(10, 14):
            self.primary.sql(f"INSERT INTO d.t VALUES ({value}, 0)")
        position = self.primary.sql("SELECT @@gtid_binlog_pos")
        self.assertTrue(wait_until(lambda: self.replica.slave("Gtid_IO_Pos") == position))
        path = pathlib.Path(self.replica.home, "data", self.replica.slave("Relay_Log_File"))
        start = int(self.replica.slave("Relay_Log_Pos"))
        with open(path, "r+b") as file:
            file.seek(start + 30)
            file.write(b"\xff" * 60)
        self.replica.sql("START SLAVE SQL_THREAD")
        self.wait_slave("Slave_SQL_Running", "No")

    def test_a_damaged_relay_log_is_fetched_again(self):
        self.healthy()
        self.damage_relay_log()
        self.assertEqual(self.replica.slave("Last_SQL_Errno"), "1594")
        self.expect("standing", DEGRADED, "1", "5")
        self.expect("standing", DEGRADED, "1", "5", repair="reconnect")
        self.wait_slave("Slave_SQL_Running", "Yes")
        self.assertTrue(self.rig.caught_up())

    def test_a_damaged_relay_log_is_kept_when_the_primary_is_gone(self):
        self.healthy()
        self.damage_relay_log()
        self.primary.kill()
        self.expect("standing", DEGRADED, "1", "5", repair="reconnect")
        self.assertEqual(self.replica.slave("Slave_SQL_Running"), "No")
        self.assertIn("not repaired", self.rig.log("n2"))

    def test_a_delayed_replica_is_readable_only_on_demand_and_never_promoted_unasked(self):
        self.replica.sql("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=3600; START SLAVE")
        self.wait_slave("Slave_IO_Running", "Yes")
        self.watch()
        self.expect("delayed", 0, "0", NEVER)
        time.sleep(1)
        self.expect("delayed", 0, "1", NEVER, read_delayed="true")
        self.expect("delayed", 0, "1", "100", read_delayed="true", promote_delayed="true")


class OwnServer(Case):
    def test_a_writable_replica_gets_no_writers(self):
        self.healthy()
        self.replica.sql("SET GLOBAL read_only=0")
        answer = self.expect("writable replica", DEGRADED, "1", "100")
        self.assertEqual(self.rig.attribute("n2", "writable"), "0")
        self.assertIn("read_only", answer.err)

    def test_a_replica_that_stands_still_and_takes_writes_is_no_second_primary(self):
        self.replica.sql("STOP SLAVE; SET GLOBAL read_only=0")
        self.watch()
        self.expect("writable replica", DEGRADED, "0", NEVER)
        self.assertEqual(self.rig.attribute("n2", "writable"), "0")
        self.primary.sql("SET GLOBAL read_only=1")  # a switch-over by somebody who leaves the replication in place
        time.sleep(1)
        self.expect("primary", 0, "1", "1000")
        self.primary.sql("SET GLOBAL read_only=0")  # the former primary comes back as it was
        self.expect("primary", 0, "1", "1000")
        self.assertEqual(self.rig.attribute("n2", "writable"), "1")

    def test_a_server_that_is_down_loses_readers_and_its_score(self):
        self.healthy()
        # Servers here flush once a second; this one shall not forget what it applied.
        self.replica.sql("SET GLOBAL innodb_flush_log_at_trx_commit=1")
        self.primary.sql("INSERT INTO d.t VALUES (3, 3)")
        self.assertTrue(self.rig.caught_up())
        self.replica.kill()
        self.expect("down", DEGRADED, "0", None)
        self.assertEqual(self.monitor(fault_code="ok").code, 0)
        self.assertEqual(self.monitor(fault_code="failed").code, 1)
        self.replica.start("--read-only")
        self.replica.sql("START SLAVE")
        self.wait_slave("Slave_IO_Running", "Yes")
        time.sleep(1)
        self.expect("replicating", 0, "1", "100")

    def test_a_stopped_process_is_hung(self):
        self.healthy()
        self.replica.signal(signal.SIGSTOP)
        begin = time.monotonic()
        self.expect("hung", DEGRADED, "0", None)
        self.assertLess(time.monotonic() - begin, 8)
        self.replica.signal(signal.SIGCONT)
        time.sleep(1)
        self.expect("replicating", 0, "1", "100")

    def test_a_refused_account_is_no_fault_of_the_server(self):
        self.rig.set_attribute("n1", "readable", "0")
        self.healthy(user="watcher", password="watch")
        answer = self.expect("blind", DEGRADED, "1", "100", user="watcher", password="wrong", replication_user="")
        self.assertIn("account", answer.err)
        self.assertNotIn("wrong", answer.err)
        for _ in range(4):  # nobody else has readers: they stay
            time.sleep(1)
            self.expect("blind", DEGRADED, "1", "100", user="watcher", password="wrong", replication_user="")

    def test_an_account_without_the_right_to_see_replication_is_blind(self):
        self.healthy(user="watcher", password="watch")
        self.replica.sql("SET sql_log_bin=0; REVOKE SLAVE MONITOR ON *.* FROM watcher@localhost")
        answer = self.expect("blind", DEGRADED, "1", "100", user="watcher", password="watch")
        self.assertIn("1227", answer.err)

    def test_a_server_without_a_free_connection_keeps_its_readers_for_a_while(self):
        self.healthy(user="watcher", password="watch")
        self.fill(self.replica, "-S", self.replica.socket, "-uwatcher", "-pwatch")
        self.expect("blind", 0, "1", "100", user="watcher", password="watch", dwell="10s")

    def test_a_server_that_follows_nobody_is_not_readable(self):
        self.healthy()
        self.replica.sql("STOP SLAVE; RESET SLAVE ALL")
        self.expect("unconfigured", DEGRADED, "0", "10", repair="reconnect")

    def test_replication_is_set_up_from_the_partner_that_is_writable(self):
        self.healthy()
        self.replica.sql("STOP SLAVE; RESET SLAVE ALL")
        partners = f"{self.primary.address} {self.replica.address}"
        self.expect("unconfigured", DEGRADED, "0", "10", repair="setup", partners=partners)
        self.wait_slave("Slave_SQL_Running", "Yes")
        time.sleep(1)
        self.expect("replicating", 0, "1", "100", repair="setup", partners=partners)

    def test_a_partner_with_another_history_is_not_followed(self):
        self.healthy()
        self.replica.sql("STOP SLAVE; RESET SLAVE ALL; INSERT INTO d.t VALUES (70, 0)")
        answer = self.expect("unconfigured", DEGRADED, "0", "10", repair="setup", partners=self.primary.address)
        self.assertIn("never had", answer.err)
        self.assertEqual(self.replica.slave("Slave_IO_Running"), "")


class FullDisk(Case):
    """The relay logs are on a disk of 3 MiB."""

    def before_start(self, server):
        os.makedirs(f"{server.home}/small")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", f"{server.home}/small"],
                                 capture_output=True)
        if mounted.returncode != 0:
            self.skipTest(f"may not mount here: {mounted.stderr}")
        real_start = server.start
        server.start = lambda *more: real_start(*more, f"--relay-log={server.home}/small/relay")

    def test_a_status_that_hangs_because_the_disk_is_full_is_told_as_such(self):
        self.healthy()
        self.replica.sql("STOP SLAVE SQL_THREAD")  # else the relay logs that were applied make room
        self.primary.sql("CREATE TABLE d.b(k INT PRIMARY KEY AUTO_INCREMENT, b LONGBLOB)")
        for _ in range(6):
            self.primary.sql("INSERT INTO d.b(b) VALUES (REPEAT('x', 1000000))")
        self.assertTrue(wait_until(lambda: "free space" in self.replica.sql("SHOW PROCESSLIST"), 30))
        answer = self.expect("no space", DEGRADED, "1", "5")
        self.assertIn("space", answer.err)
        hung = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = 'SHOW ALL SLAVES STATUS'"
        for _ in range(3):  # sessions that hang do not pile up
            self.expect("no space", DEGRADED, "1", "5")
            self.assertEqual(self.replica.sql(hung), "1")


class SemiSync(Case):
    options = ("--rpl-semi-sync-master-enabled=ON", "--rpl-semi-sync-slave-enabled=ON",
               "--rpl-semi-sync-master-timeout=100")

    def test_a_replica_that_does_not_acknowledge_is_told_where_that_is_expected(self):
        self.healthy(semi_sync="expected")
        self.replica.sql("SET GLOBAL rpl_semi_sync_slave_enabled=OFF; STOP SLAVE IO_THREAD; START SLAVE IO_THREAD")
        self.wait_slave("Slave_IO_Running", "Yes")
        self.expect("replicating", 0, "1", "5", semi_sync="expected")
        self.expect("replicating", 0, "1", "100")


if __name__ == "__main__":
    main(__doc__)

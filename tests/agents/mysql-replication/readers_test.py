#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Lag in milliseconds from the heartbeat, what the heartbeat must never do, and readers that are never all sent away.

usage: readers_test.py AGENT [unittest arguments]"""
import os
import pathlib
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import Case, main  # noqa: E402
from rig import wait_until  # noqa: E402

BEAT = {"heartbeat": "true", "heartbeat_interval": "100ms"}


class Heartbeat(Case):
    def start_beats(self, **params):
        self.watch("n1", "n2", **{**BEAT, **params})
        self.assertTrue(wait_until(lambda: self.replica.client("SELECT ts FROM systole.heartbeat").stdout.strip()))

    def lag(self, **params):
        self.assertIn(self.monitor(**{**BEAT, **params}).code, (0, 190))
        return int(self.rig.memory("n2")["lag"])

    def test_lag_is_told_in_milliseconds_and_grows_while_the_applier_stands_still(self):
        self.start_beats()
        self.assertLess(self.lag(), 2000)
        self.replica.sql("STOP SLAVE SQL_THREAD")
        before = self.lag()
        time.sleep(1.5)
        self.assertGreater(self.lag(), before + 1000)
        self.replica.sql("START SLAVE SQL_THREAD")
        self.assertTrue(wait_until(lambda: self.lag() < 2000))

    def test_lag_is_seen_where_the_server_itself_says_none(self):
        self.start_beats()
        self.primary.kill()
        self.wait_slave("Slave_IO_Running", "Connecting")
        self.assertEqual(self.replica.slave("Seconds_Behind_Master"), "NULL")
        before = self.lag()
        time.sleep(1)
        self.assertGreaterEqual(self.lag(), before + 900)

    def test_nothing_is_written_on_a_replica_even_one_that_lost_its_read_only(self):
        self.start_beats()
        self.replica.sql("SET GLOBAL read_only=0")
        time.sleep(1.5)
        self.assertEqual(self.replica.sql("SELECT COUNT(*) FROM systole.heartbeat"), "1")
        self.replica.sql("SET GLOBAL read_only=1; STOP SLAVE; RESET SLAVE ALL")
        before = self.replica.sql("SELECT @@gtid_binlog_pos")
        time.sleep(1.5)
        self.assertEqual(self.replica.sql("SELECT @@gtid_binlog_pos"), before)

    def test_a_server_that_becomes_read_only_under_the_writer_gets_no_transaction_more(self):
        self.start_beats()
        for _ in range(20):
            self.primary.sql("SET GLOBAL read_only=1")
            before = self.primary.sql("SELECT @@gtid_binlog_pos")
            time.sleep(0.25)
            self.assertEqual(self.primary.sql("SELECT @@gtid_binlog_pos"), before)
            self.primary.sql("SET GLOBAL read_only=0")
            self.assertTrue(wait_until(lambda: self.primary.sql("SELECT @@gtid_binlog_pos") != before))

    def test_a_heartbeat_that_is_not_written_any_more_is_no_lag(self):
        self.start_beats()
        self.assertEqual(self.rig.call("n1", "stop", **BEAT).code, 0)
        self.assertTrue(self.rig.caught_up())
        time.sleep(2.5)
        self.assertEqual(self.lag(max_slave_lag="2s"), 0)
        self.primary.sql("INSERT INTO d.t VALUES (30, 0)")
        self.assertTrue(self.rig.caught_up())
        self.assertEqual(self.lag(max_slave_lag="2s"), 0)

    def test_a_missed_writer_is_launched_again(self):
        self.start_beats()
        path = pathlib.Path(self.primary.home, "state.heartbeat")
        pid = int(path.read_text().split()[0])
        os.kill(pid, 9)
        self.assertEqual(self.monitor("n1", **BEAT).code, 0)
        self.assertNotEqual(int(path.read_text().split()[0]), pid)
        self.assertEqual(self.rig.call("n1", "stop", **BEAT).code, 0)
        self.assertFalse(path.exists())

    def test_clocks_that_differ_are_measured(self):
        self.start_beats()
        self.lag()
        memory = self.rig.memory("n2")
        self.assertGreater(int(memory["round_trip_us"]), 0)
        self.assertLess(abs(int(memory["offset_us"])), 1_000_000)  # one machine


class Blocked(Case):
    """Commits that wait for ever."""

    options = ("--rpl-semi-sync-master-timeout=4294967295", "--rpl-semi-sync-master-wait-no-slave=ON",
               "--rpl-semi-sync-master-wait-point=AFTER_SYNC", "--rpl-semi-sync-slave-enabled=ON")

    def test_a_heartbeat_that_waits_for_a_replica_takes_one_connection_and_acknowledges_nothing(self):
        self.replica.sql("STOP SLAVE IO_THREAD; START SLAVE IO_THREAD")
        self.watch("n1", **BEAT)
        self.assertTrue(wait_until(lambda: self.primary.client("SELECT ts FROM systole.heartbeat").stdout.strip()))
        self.primary.sql("SET GLOBAL rpl_semi_sync_master_enabled=ON")
        self.replica.sql("STOP SLAVE IO_THREAD")
        waits = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for semi-sync ACK%'"
        self.assertTrue(wait_until(lambda: self.primary.sql(waits) == "1"))
        time.sleep(5)
        self.assertEqual(self.primary.sql(waits), "1")
        ours = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER='root'"
        self.assertLess(int(self.primary.sql(ours)), 4)
        self.assertEqual(self.primary.sql("SHOW STATUS LIKE 'Rpl_semi_sync_master_no_tx'").split()[-1], "0")
        self.assertEqual(self.monitor("n1", **BEAT).code, 0)
        self.replica.sql("START SLAVE IO_THREAD")
        row = self.replica.sql("SELECT ts FROM systole.heartbeat")
        self.assertTrue(wait_until(lambda: self.replica.sql("SELECT ts FROM systole.heartbeat") != row))


class Readers(Case):
    count = 3

    def test_a_server_id_that_another_replica_has_too_is_suspected(self):
        self.healthy()
        self.rig.servers["n3"].sql("STOP SLAVE; SET GLOBAL server_id=2; START SLAVE")
        self.assertTrue(wait_until(lambda: self.monitor().code == 0 and
                                   "server_id 2" in self.rig.memory("n2")["reason"], 40))
        self.assertEqual(self.rig.attribute("n2", "readable"), "1")

    def late(self, node, seconds):
        server = self.rig.servers[node]
        server.sql("STOP SLAVE SQL_THREAD")
        time.sleep(seconds)

    def test_of_two_late_replicas_the_one_that_is_later_goes_and_the_last_one_stays(self):
        params = {**BEAT, "max_slave_lag": "1s"}
        self.watch("n1", "n2", "n3", **params)
        for node in ("n2", "n3"):
            server = self.rig.servers[node]
            self.assertTrue(wait_until(lambda s=server: s.client("SELECT ts FROM systole.heartbeat").stdout.strip()))
        self.assertEqual(self.rig.call("n1", "stop", **params).code, 0)  # the primary has no readers here
        self.primary.kill()
        self.late("n2", 1.5)
        self.late("n3", 1.5)
        self.rig.servers["n2"].sql("START SLAVE SQL_THREAD")
        end, seen, changes, last = time.monotonic() + 25, set(), {"n2": [], "n3": []}, {}
        while time.monotonic() < end:
            for node in ("n2", "n3"):
                self.monitor(node, **params)
                now = self.rig.attribute(node, "readable")
                if last.get(node) not in (None, now):
                    changes[node].append(time.monotonic())
                last[node] = now
                seen.add((self.rig.attribute("n2", "readable"), self.rig.attribute("n3", "readable")))
            time.sleep(0.3)
        self.assertNotIn(("0", "0"), seen)
        self.assertIn(sorted((last["n2"], last["n3"])), [["0", "1"]], f"{seen} {last}")
        self.assertLessEqual(max(len(c) for c in changes.values()), 1)
        stays = "n2" if last["n2"] == "1" else "n3"
        other = "n3" if stays == "n2" else "n2"
        self.rig.servers[stays].kill()  # an error: at once; then the late one serves again
        self.monitor(stays, **params)
        self.assertEqual(self.rig.attribute(stays, "readable"), "0")
        self.assertTrue(wait_until(lambda: self.monitor(other, **params)
                                   and self.rig.attribute(other, "readable") == "1"))


if __name__ == "__main__":
    main(__doc__)

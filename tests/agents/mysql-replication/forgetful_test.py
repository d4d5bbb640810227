#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A replica that forgot in a crash what it had applied: nothing is applied over the gap.

usage: forgetful_test.py AGENT [unittest arguments]"""
import os
import pathlib
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import Case, main  # noqa: E402
from rig import wait_until  # noqa: E402


class Forgetful(Case):
    """A replica that flushes its commits late: a crash takes what it had applied last, and its position with it, while
    its logs keep all they had, and the relay log that held it is deleted."""

    LOGS = ("relay*", "bin*", "master.info", "relay-log.info")

    def crash(self):
        """The replica forgets rows 3 and 4, and has received row 100 and not applied it."""
        self.healthy()
        before = self.replica.sql("SELECT @@gtid_slave_pos")
        data, tables = f"{self.replica.home}/data", f"{self.replica.home}/tables"
        self.replica.end()
        shutil.copytree(data, tables, ignore=shutil.ignore_patterns(*self.LOGS))
        self.replica.start("--read-only")
        self.replica.sql("START SLAVE")
        self.primary.sql("INSERT INTO d.t VALUES (3, 3)")
        self.assertTrue(self.rig.caught_up())
        self.replica.sql("FLUSH RELAY LOGS")
        self.primary.sql("INSERT INTO d.t VALUES (4, 4)")
        self.assertTrue(self.rig.caught_up())
        self.replica.sql("STOP SLAVE SQL_THREAD")
        self.primary.sql("INSERT INTO d.t VALUES (100, 0)")
        position = self.primary.sql("SELECT @@gtid_binlog_pos")
        self.assertTrue(wait_until(lambda: self.replica.slave("Gtid_IO_Pos") == position))
        self.primary.kill()
        self.replica.kill()
        for pattern in self.LOGS:
            for file in pathlib.Path(data).glob(pattern):
                shutil.copy2(file, tables)
        shutil.rmtree(data)
        os.rename(tables, data)
        self.replica.start("--read-only")
        self.assertEqual(self.replica.sql("SELECT @@gtid_slave_pos"), before)

    def test_what_was_received_is_not_applied_over_a_gap(self):
        self.crash()
        self.expect("standing", 0, "1", "5")
        time.sleep(1.1)
        answer = self.expect("standing", 0, "1", "5", repair="reconnect")
        self.assertIn("innodb_flush_log_at_trx_commit", answer.err + self.rig.log("n2"))
        self.assertEqual(self.replica.sql("SELECT GROUP_CONCAT(k ORDER BY k) FROM d.t"), "1,2")
        self.assertEqual(self.replica.slave("Slave_IO_Running"), "No")

    def test_a_primary_that_has_it_all_gives_it_again(self):
        self.crash()
        self.primary.start()
        self.expect("standing", 0, "1", "5")
        time.sleep(1.1)
        self.expect("standing", 0, "1", "5", repair="reconnect")
        self.assertTrue(self.rig.caught_up())
        self.assertEqual(self.replica.sql("SELECT GROUP_CONCAT(k ORDER BY k) FROM d.t"), "1,2,3,4,100")


if __name__ == "__main__":
    main(__doc__)

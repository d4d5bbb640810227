#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ocf:systole:mysql-replication under crmd: see watcher_story.py.

usage: watchers_test.py BUILD_FOLDER [unittest's arguments]"""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import watcher_story as story  # noqa: E402
from watcher_story import kit  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "build/ci").resolve()
PREFIX = os.environ.get("SYSTOLE_RIG_PREFIX", f"wt{os.getpid() % 10000}")
TIMES = {"keepalive": 400, "deadtime": 3000}


class WatchedCluster(story.Watched, kit.Cluster):
    """Servers of nobody's."""


class BesideCluster(story.Beside, kit.Cluster):
    """Servers of ocf:systole:mysql."""


class OnItsOwn(story.OnItsOwn, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.begin(WatchedCluster(BUILD, PREFIX, BUILD / "watchers-logs", **TIMES))


class BesideTheDatabase(story.BesideTheDatabase, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.begin(BesideCluster(BUILD, PREFIX, BUILD / "watchers-beside-logs", **TIMES))


if __name__ == "__main__":
    unittest.main(failfast=True, verbosity=2, warnings="ignore")  # open logs end with the test

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ocf:systole:mysql-replication under Pacemaker: see tests/cluster/readers/watcher_story.py.

usage: watchers_test.py BUILD_FOLDER [unittest's arguments]   exit 77: skipped, no Pacemaker or Corosync"""
import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "cluster/readers")]
import watcher_story as story  # noqa: E402
from pacemaker_cluster import PacemakerCluster, WithTool, missing_packages  # noqa: E402
from watcher_story import kit  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "build/ci").resolve()
PREFIX = os.environ.get("SYSTOLE_RIG_PREFIX", f"wp{os.getpid() % 10000}")


class WatchedCluster(WithTool, story.Watched, PacemakerCluster):
    """Servers of nobody's."""


class BesideCluster(WithTool, story.Beside, PacemakerCluster):
    """Servers of ocf:systole:mysql."""


class PacemakersStory:
    @classmethod
    def start(cls, cluster):
        cls.begin(cluster)
        kit.wait_until(lambda: cluster.has_members(2), 90, "for both nodes to be members")


class OnItsOwn(PacemakersStory, story.OnItsOwn, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.start(WatchedCluster(BUILD, PREFIX, BUILD / "watchers-pacemaker-logs", deadtime=4000))


class BesideTheDatabase(PacemakersStory, story.BesideTheDatabase, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.start(BesideCluster(BUILD, PREFIX, BUILD / "watchers-beside-pacemaker-logs", deadtime=4000))


if __name__ == "__main__":
    if missing := missing_packages():
        print(f"skipped: install {' '.join(missing)}")
        sys.exit(77)
    unittest.main(failfast=True, verbosity=2, warnings="ignore")  # open logs end with the test

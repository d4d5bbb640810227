#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Three databases: two further nodes join at the same moment, each counts both, and the third replica follows though
the record names only one in sync. The service is a unit here, of a systemctl that knows as much as is asked of it.

usage: three_test.py BUILD_FOLDER [unittest's arguments]"""
import os
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from debian_pair import DebianPair, USER_SQL, kit  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "build/ci").resolve()


SYSTEMCTL = r"""#!/bin/sh
echo "$*" >>/var/log/systemctl.log
case $1 in
  show)
    for unit in "$@"; do
      case $unit in
        show|--*) continue ;;
        mariadb.service|mysql.service|mysqld.service)
          /etc/init.d/mariadb status && active=active || active=inactive
          test -e /var/lib/unit-enabled && state=enabled || state=disabled
          printf 'Id=mariadb.service\nLoadState=loaded\nActiveState=%s\nUnitFileState=%s\n\n' $active $state ;;
        *) printf 'Id=%s\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n\n' "$unit" ;;
      esac
    done ;;
  start|stop) [ "$2" = mariadb.service ] && /etc/init.d/mariadb "$1" ;;
  enable) [ "$2" = mariadb.service ] && touch /var/lib/unit-enabled ;;
  disable) [ "$2" = mariadb.service ] && rm -f /var/lib/unit-enabled ;;
  *) exit 1 ;;
esac
"""


class UnitPair(DebianPair):
    def stage_programs(self):
        super().stage_programs()
        (self.stage / "bin/systemctl").write_text(SYSTEMCTL)
        (self.stage / "bin/systemctl").chmod(0o755)

    def install(self, node):
        self.at(node, "mariadb-install-db", "--user=mysql", "--skip-test-db")
        self.at(node, "/etc/init.d/mariadb", "start")
        self.at(node, "mkdir", "-p", "/run/systemd/system")
        self.at(node, "systemctl", "enable", "mariadb.service")

    def service_begins_at_boot(self, node):
        return self.rig.disk(node, "var/lib/unit-enabled").exists()


class Three(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pair = UnitPair(BUILD, f"cr{os.getpid() % 10000}", BUILD / "create-three-logs", nodes=3)
        cls.pair.quorum = "    mode: majority\n"
        cls.addClassCleanup(cls.pair.stop)
        cls.pair.prepare()
        for node in cls.pair.names:
            cls.pair.rig.poweron(node)
        cls.pair.at_once(cls.pair.install)
        cls.pair.at("n1", *kit.MARIADB, data=USER_SQL)
        kit.wait_until(lambda: cls.pair.cib().count("<node ") == 3, 30, "for all nodes to be in the configuration")
        cls.pair.at("n1", "crm_attribute", "--type", "crm_config", "--name", "stonith-enabled", "--update", "false")

    def test_two_nodes_join_at_the_same_moment(self):
        code, said = self.pair.systole("n1", "create", "shop", "--yes")
        self.assertEqual(code, 0, said)
        self.assertIn("systole mysql join shop", said)
        answers = {}
        threads = [threading.Thread(target=lambda at=node: answers.update(
            {at: self.pair.systole(at, "join", "shop", "--yes")})) for node in ("n2", "n3")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for node, (code, said) in answers.items():
            self.assertEqual(code, 0, f"{node}: {said}")
        self.assertIn('name="clone-max" value="3"', self.pair.cib())
        for node in self.pair.names:
            self.assertFalse(self.pair.service_runs(node))
            self.assertFalse(self.pair.service_begins_at_boot(node))
        self.assertEqual(self.pair.systole("n3", "status", "shop")[0], 0)
        self.pair.at("n1", *kit.MARIADB, "-e",
                     "CREATE TABLE demo.last (a INT PRIMARY KEY); INSERT INTO demo.last VALUES (7)")
        for node in ("n2", "n3"):
            self.assertEqual(self.pair.role(node), "replica")
            kit.wait_until(lambda at=node: self.pair.sql(at, "SELECT a FROM demo.last") == [["7"]], 10,
                           f"for a new row on {node}")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")  # open logs end with the test

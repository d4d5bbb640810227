#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The action watch under crmd: faults that no monitor would see for a minute are acted on at once.

usage: watching.py BUILD_FOLDER [unittest's arguments]"""
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "links"))
import links  # noqa: E402
from founding import until  # noqa: E402

links.founding.PREFIX = links.founding.PREFIX.replace("li", "wa", 1)
VIP = "10.77.0.100"
CIB = """<primitive id="vip" class="ocf" provider="systole" type="IPaddr">
  <instance_attributes id="vip-params">
    <nvpair id="vip-ip" name="ip" value="10.77.0.100"/>
    <nvpair id="vip-mask" name="cidr_netmask" value="24"/>
    <nvpair id="vip-nic" name="nic" value="eth0"/>
  </instance_attributes>
  <operations><op id="vip-monitor" name="monitor" interval="60s" timeout="20s"/></operations>
</primitive>"""


class Watching(links.Cluster):
    def setUp(self):
        super().setUp()
        self.set_up_cluster({"n1": ["10.77.0.1", "10.77.1.1"], "n2": ["10.77.0.2", "10.77.1.2"]}, quorum="mode: none")
        self.cibadmin("crm_config", '<cluster_property_set id="options"><nvpair id="options-stonith" '
                                    'name="stonith-enabled" value="false"/></cluster_property_set>')
        self.cibadmin("resources", CIB)
        self.home = until(self.owner, "somebody to have the address")
        until(self.watch, "a watch", lambda: self.file(self.home, "var/log/crmd.log")[-2000:])
        time.sleep(1.2)  # one that ends in its first second makes the next one wait

    def cibadmin(self, scope, text):
        code, said = self.run_at("n1", "cibadmin", "--create", "--scope", scope, "--xml-pipe", data=text)
        self.assertEqual(code, 0, said)

    def owner(self):
        return next((node for node in ("n1", "n2") if VIP in self.run_at(node, "ip", "-o", "addr", "show")[1]), None)

    def watch(self):
        """The process that watches, on the node that has the address."""
        lines = self.run_at(self.home, "pgrep", "-f", "resource.d/systole/IPaddr watch")[1].split()
        return int(lines[0]) if lines else None

    def test_an_address_that_somebody_deletes_is_back_within_a_moment(self):
        begin = time.monotonic()
        self.run_at(self.home, "ip", "addr", "del", f"{VIP}/24", "dev", "eth0")
        before = self.watch()
        until(self.owner, "the address to be back", lambda: self.file(self.home, "var/log/crmd.log")[-2000:])
        self.assertLess(time.monotonic() - begin, 10)  # the monitor would come after 60
        self.home = self.owner()
        until(lambda: self.watch() not in (None, before), "a new watch")

    def test_a_node_whose_link_is_dead_gives_the_address_away(self):
        # Only the address's link: heartbeats have another.
        begin = time.monotonic()
        self.rig.unplug(self.home, 0)
        self.addCleanup(self.rig.heal, self.home, 0)
        other = "n2" if self.home == "n1" else "n1"
        until(lambda: self.owner() == other, "the other node to have it",
              lambda: self.file(self.home, "var/log/crmd.log")[-2000:])
        self.assertLess(time.monotonic() - begin, 15)

    def test_a_watch_ends_with_its_resource_and_with_its_daemon(self):
        code, said = self.run_at("n1", "cibadmin", "--delete", "--xml-text", '<primitive id="vip"/>')
        self.assertEqual(code, 0, said)
        until(lambda: self.owner() is None, "the address to go")
        self.assertIsNone(self.watch())


if __name__ == "__main__":
    unittest.main(verbosity=2)

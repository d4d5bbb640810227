#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A changed definition under crmd: a new parameter restarts what runs with the old one, which is stopped with the old
one; a new timeout only puts the monitor in again; and what was changed back to and fro ends as it is configured.

usage: definition.py BUILD_FOLDER [unittest's arguments]"""
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "links"))
import links  # noqa: E402
from founding import until  # noqa: E402

links.founding.PREFIX = links.founding.PREFIX.replace("li", "de", 1)
FIRST, SECOND = "10.77.0.100", "10.77.0.101"
CIB = f"""<primitive id="vip" class="ocf" provider="systole" type="IPaddr">
  <instance_attributes id="vip-params">
    <nvpair id="vip-ip" name="ip" value="{FIRST}"/>
    <nvpair id="vip-mask" name="cidr_netmask" value="24"/>
    <nvpair id="vip-nic" name="nic" value="eth0"/>
  </instance_attributes>
  <operations><op id="vip-monitor" name="monitor" interval="60s" timeout="20s"/></operations>
</primitive>"""


class Definition(links.Cluster):
    def setUp(self):
        super().setUp()
        self.set_up_cluster({"n1": ["10.77.0.1", "10.77.1.1"], "n2": ["10.77.0.2", "10.77.1.2"]}, quorum="mode: none")
        self.cibadmin("--create", "--scope", "crm_config",
                      '<cluster_property_set id="options"><nvpair id="options-stonith" name="stonith-enabled" '
                      'value="false"/></cluster_property_set>')
        self.cibadmin("--create", "--scope", "resources", CIB)
        until(lambda: self.addresses() == {FIRST}, "somebody to have the address", self.log)
        self.home = next(node for node in ("n1", "n2") if FIRST in self.shown(node))
        until(lambda: "monitor_60000" in self.history(), "its monitor", self.log)

    def cibadmin(self, *words):
        code, said = self.run_at("n1", "cibadmin", *words[:-1], "--xml-pipe", data=words[-1])
        self.assertEqual(code, 0, said)

    def modify(self, element):
        self.cibadmin("--modify", element)

    def shown(self, node):
        return self.run_at(node, "ip", "-o", "addr", "show")[1]

    def addresses(self):
        return {one for one in (FIRST, SECOND) for node in ("n1", "n2") if f"{one}/" in self.shown(node)}

    def history(self):
        return self.run_at("n1", "cibadmin", "--query", "--scope", "status")[1]

    def log(self):
        return "".join(self.file(node, "var/log/crmd.log")[-2000:] for node in ("n1", "n2"))

    def starts(self):
        return sum(self.file(node, "var/log/crmd.log").count("start of vip: rc 0") for node in ("n1", "n2"))

    def test_a_changed_parameter_restarts_it_and_the_old_address_goes(self):
        self.modify(f'<nvpair id="vip-ip" name="ip" value="{SECOND}"/>')
        until(lambda: self.addresses() == {SECOND}, "the new address, and only that", self.log)
        self.assertIn("its definition has changed", self.log())
        self.assertIn(f"{SECOND}/", self.shown(self.home), "it stays where it was")
        until(lambda: "monitor_60000" in self.history(), "its monitor", self.log)
        before = self.starts()
        time.sleep(2)
        self.assertEqual(self.starts(), before, "once is enough")

    def test_a_changed_timeout_puts_the_monitor_in_again_and_restarts_nothing(self):
        before, old = self.starts(), self.history()
        self.modify('<op id="vip-monitor" name="monitor" interval="60s" timeout="25s"/>')
        until(lambda: self.digest(self.history()) != self.digest(old), "another digest of the monitor", self.log)
        self.assertEqual(self.starts(), before)
        self.assertEqual(self.addresses(), {FIRST})

    def test_changed_to_and_fro_it_ends_as_it_is_configured(self):
        for address in (SECOND, FIRST, SECOND, FIRST):
            self.modify(f'<nvpair id="vip-ip" name="ip" value="{address}"/>')
        time.sleep(1)
        until(lambda: self.addresses() == {FIRST}, "the first address again, and only that", self.log)

    @staticmethod
    def digest(status):
        line = next(line for line in status.splitlines() if "vip_monitor_60000" in line)
        return line.split('op-digest="')[1].split('"')[0]


if __name__ == "__main__":
    unittest.main(verbosity=2)

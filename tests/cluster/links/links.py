#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The links of a cluster that runs: its key is changed without a packet refused; it talks by IPv6; what `systole link
status` says of a cable that comes and goes.

usage: links.py BUILD_FOLDER [unittest's arguments]"""
import json
import pathlib
import shutil
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "founding"))
import founding  # noqa: E402
from founding import CONF, KEY, until  # noqa: E402

founding.PREFIX = founding.PREFIX.replace("fo", "li", 1)
TOTEM = "totem {\n  cluster_name: shop\n%s}\n"
LOGGING = "logging {\n  to_syslog: no\n  to_stderr: yes\n}\n"


class Cluster(founding.Site):
    """Two machines whose daemons are started by set_up_cluster()."""
    machines, links = 2, 2

    def setUp(self):
        super().setUp()
        self.addCleanup(self.end_daemons)

    def set_up_cluster(self, addresses, totem="", quorum="mode: majority"):
        """addresses: of each node, those of its links."""
        conf = TOTEM % totem + "nodelist {\n"
        for number, (node, own) in enumerate(addresses.items(), 1):
            rings = "".join(f" ring{i}_addr: {address}\n" for i, address in enumerate(own))
            conf += f"  node {{\n name: {node}\n nodeid: {number}\n{rings}  }}\n"
        conf += "}\nquorum {\n" + quorum + "\n}\n" + LOGGING
        code, said = self.run_at("n1", "systole", "keygen", "/" + KEY)
        self.assertEqual(code, 0, said)
        shutil.copy2(self.rig.disk("n1", KEY), self.rig.disk("n2", KEY))
        for node in addresses:
            self.rig.disk(node, CONF).write_text(conf)
            self.rig.disk(node, "var/log/crmd.log").write_text("")
            self.start_crmd(node)
        for node in addresses:
            self.wait_to_see(node, tuple(addresses))


class Links(Cluster):
    def dropped(self, node):
        return json.loads(self.run_at(node, "systole", "status", "--json")[1])["dropped_packets"]

    def links_of(self, node):
        return json.loads(self.run_at(node, "systole", "link", "status", "--json")[1])["peers"][0]["links"]

    def reload_everywhere(self):
        self.rig.disk("n2", KEY).unlink()
        shutil.copy2(self.rig.disk("n1", KEY), self.rig.disk("n2", KEY))
        for node in ("n1", "n2"):
            code, said = self.run_at(node, "systole", "reload")
            self.assertEqual(code, 0, said)
            time.sleep(0.5)  # packets go both ways while only one has taken the step

    def assert_undisturbed(self):
        for node in ("n1", "n2"):
            dropped = self.dropped(node)
            for kind in ("foreign_key", "tampered", "unreadable", "unknown_node"):
                self.assertEqual(dropped[kind], 0, f"{node}: {dropped}")
            self.assertNotRegex(self.file(node, "var/log/crmd.log"), r"node n\d is lost")

    def test_a_change_of_keys_refuses_no_packet_and_loses_no_node(self):
        self.set_up_cluster({"n1": ["10.77.0.1"], "n2": ["10.77.0.2"]})
        first = self.rig.disk("n1", KEY).read_text()
        for step in ("--add", "--use-new", "--drop-old"):
            code, said = self.run_at("n1", "systole", "keygen", step, "/" + KEY)
            self.assertEqual(code, 0, said)
            self.reload_everywhere()
            self.assert_undisturbed()
        time.sleep(2)
        self.assert_undisturbed()
        self.assertNotEqual(self.rig.disk("n1", KEY).read_text(), first)
        self.assertIn("another one seals", self.file("n2", "var/log/crmd.log"))
        # And the old key is of no use any more: who has only that one is not heard.
        self.rig.disk("n2", KEY).unlink()
        self.rig.disk("n2", KEY).write_text(first)
        self.rig.disk("n2", KEY).chmod(0o400)
        self.assertEqual(self.run_at("n2", "systole", "reload")[0], 0)
        until(lambda: self.dropped("n1")["foreign_key"] > 0, "n1 to refuse the old key")

    def test_two_nodes_talk_by_ipv6_and_by_addresses_of_one_interface_alone(self):
        local = {}
        for number, node in enumerate(("n1", "n2"), 1):
            self.rig.at(node, "ip", "-6", "addr", "add", f"fd77::{number}/64", "dev", "eth0", "nodad", check=False)
            self.rig.at(node, "ip", "-6", "addr", "add", f"fe80::77:{number}/64", "dev", "eth0", "nodad", check=False)
            local[node] = f"fe80::77:{number}%eth0"
        self.set_up_cluster({node: [f"fd77::{number}", local[node]] for number, node in enumerate(local, 1)})
        until(lambda: [link["state"] for link in self.links_of("n1")] == ["up", "up"], "both links to be up",
              lambda: str(self.links_of("n1")) + self.file("n1", "var/log/crmd.log"))
        self.assertEqual(self.links_of("n1")[1]["address"], local["n2"])
        self.assert_undisturbed()

    def test_packets_go_to_a_multicast_group_and_to_all_of_a_network(self):
        interface = "  interface {\n linknumber: %d\n %s\n }\n"
        for number in (1, 2):
            self.rig.at(f"n{number}", "ip", "-6", "addr", "add", f"fd77::{number}/64", "dev", "eth0", "nodad",
                        check=False)
        self.set_up_cluster({f"n{n}": [f"10.77.0.{n}", f"10.77.1.{n}", f"fd77::{n}"] for n in (1, 2)},
                            totem="  transport: multicast\n" + interface % (0, "mcastaddr: 239.192.7.1") +
                            interface % (1, "broadcast: yes") + interface % (2, "mcastaddr: ff15::7"))
        until(lambda: [link["state"] for link in self.links_of("n1")] == ["up"] * 3, "all links to be up",
              lambda: str(self.links_of("n1")) + self.file("n1", "var/log/crmd.log"))
        listens = self.run_at("n1", "ss", "-uln")[1]
        self.assertIn("239.192.7.1:5407", listens)
        self.assertIn("10.77.1.255:5407", listens)
        self.assert_undisturbed()

    def test_another_ping_target_and_a_peers_other_address_are_taken_over_at_once(self):
        self.set_up_cluster({"n1": ["10.77.0.1"], "n2": ["10.77.0.2"]},
                            quorum="mode: ping\nping_target: 10.77.0.254")
        for node in ("n1", "n2"):
            conf = self.rig.disk(node, CONF)
            conf.write_text(conf.read_text().replace("ping_target: 10.77.0.254", "ping_target: 10.77.0.250"))
            code, said = self.run_at(node, "systole", "reload")
            self.assertEqual(code, 0, said)
            self.assertIn("ping_target is 10.77.0.250", said)
        conf = self.rig.disk("n1", CONF)
        conf.write_text(conf.read_text().replace("10.77.0.2\n", "10.77.0.3\n"))
        code, said = self.run_at("n1", "systole", "reload")
        self.assertEqual(code, 0, said)
        self.assertIn("node 'n2' (nodeid 2) has the address 10.77.0.3", said)
        until(lambda: not self.sees_all("n2", ("n1", "n2")), "n2 to hear nothing any more")
        self.assertEqual(self.links_of("n1")[0]["address"], "10.77.0.3")
        conf.write_text(conf.read_text().replace("10.77.0.3\n", "10.77.0.2\n"))
        self.assertEqual(self.run_at("n1", "systole", "reload")[0], 0)
        for node in ("n1", "n2"):
            self.wait_to_see(node, ("n1", "n2"))

    def test_a_link_is_measured_and_one_that_went_and_came_back_is_named_while_it_proves_itself(self):
        self.set_up_cluster({"n1": ["10.77.0.1", "10.77.1.1"], "n2": ["10.77.0.2", "10.77.1.2"]},
                            totem="  keepalive: 100\n")
        until(lambda: self.links_of("n1")[0]["expected"] >= 50, "packets to be counted")
        for link in self.links_of("n1"):
            self.assertLessEqual(link["lost"], 2)  # of hellos, when the session began
            self.assertLess(link["round_trip"]["avg_us"], 50_000)
        code, said = self.run_at("n1", "systole", "link", "status")
        self.assertEqual(code, 0, said)
        self.assertIn("All links of n1 are well", said)
        for flap in (1, 2, 3, 4):
            self.rig.cut("n2", 1)
            until(lambda: self.links_of("n1")[1]["state"] == "dead", "the cut to be seen")
            self.assertEqual(self.run_at("n1", "systole", "link", "status")[0], 1)
            self.assertGreater(self.links_of("n1")[1]["loss_percent"], 3)
            self.rig.heal("n2", 1)
            until(lambda: self.links_of("n1")[1]["state"] == "up", "the link to be back")
            self.assertEqual(self.links_of("n1")[1]["flaps"], flap)
        self.assertFalse(self.links_of("n1")[1]["carries_messages"])
        said = self.run_at("n1", "systole", "status")[1]
        self.assertIn("link 1 to n2 (10.77.1.2): unsteady, came back 4 times", said)
        until(lambda: self.links_of("n1")[1]["carries_messages"], "the link to have proved itself")
        self.assertEqual([link["flaps"] for link in self.links_of("n1")], [0, 4])
        self.assertIn("it carries messages again once it was steady", self.file("n1", "var/log/crmd.log"))
        self.assert_undisturbed()


if __name__ == "__main__":
    unittest.main(verbosity=2)

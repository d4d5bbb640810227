#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ocf:systole:IPaddr against the real kernel: three hosts on a switch, all of them network namespaces.

Each test of an effect on clients has its control beside it: the same step done without the agent, which must fail, so
that the instrument is seen to be able to.
usage: ipaddr_test.py AGENT [unittest arguments]; leaves with 77 (skipped) when it may not make namespaces.
"""
import os
import shutil
import signal
import sys
import time
import unittest

sys.dont_write_bytecode = True  # the source tree stays clean
from case import VIP, Case, main  # noqa: E402


class IPaddr(Case):
    # --- the life of an address ---

    def test_an_address_starts_runs_and_stops_each_as_often_as_asked(self):
        self.assertEqual(self.agent("a", "monitor"), 7)
        self.assertEqual(self.monitor("a"), 7)
        for _ in range(2):
            self.assertEqual(self.agent("a", "start"), 0, self.last.stderr)
            self.assertEqual(self.monitor("a"), 0)
            self.assertEqual(self.agent("a", "status"), 0)
        entry = self.net.addresses("a")[VIP]
        self.assertEqual((entry["prefixlen"], entry["broadcast"], entry["label"]), (24, "10.77.0.255", "eth0"))
        for _ in range(2):
            self.assertEqual(self.agent("a", "stop"), 0, self.last.stderr)
            self.assertEqual(self.monitor("a"), 7)
        self.assertIn("is not on this node", self.last.stderr)
        self.assertNotIn(VIP, self.net.addresses("a"))
        self.assertIn("10.77.0.1", self.net.addresses("a"))

    def test_parameters_shape_the_entry(self):
        params = {"nic": "eth0", "cidr_netmask": "255.255.255.128", "iflabel": "db", "broadcast": "-",
                  "noprefixroute": "yes"}
        self.assertEqual(self.agent("a", "start", **params), 0, self.last.stderr)
        entry = self.net.addresses("a")[VIP]
        self.assertEqual((entry["prefixlen"], entry["broadcast"], entry["label"]), (25, "10.77.0.0", "eth0:db"))
        self.assertTrue(entry["noprefixroute"])
        self.assertEqual(self.monitor("a", **params), 0)
        self.assertEqual(self.monitor("a", **{**params, "iflabel": "web"}), 1)
        self.assertEqual(self.agent("a", "start", **{**params, "iflabel": "web"}), 0)
        self.assertEqual(self.net.addresses("a")[VIP]["label"], "eth0:web")
        self.assertEqual(self.agent("a", "stop", **{**params, "iflabel": "web"}), 0)

    def test_a_missing_interface_has_the_code_of_each_situation(self):
        wrong = {"nic": "eth9"}
        self.assertEqual(self.agent("a", "validate-all", **wrong), 6)
        self.assertEqual(self.agent("a", "monitor", **wrong), 7)
        self.assertEqual(self.monitor("a", **wrong), 1)
        self.assertEqual(self.agent("a", "start", **wrong), 5)
        self.assertIn("ocf-exit-reason:there is no network interface 'eth9'", self.last.stderr)
        self.assertEqual(self.agent("a", "stop", **wrong), 0)

    def test_an_address_that_no_route_covers_is_refused_with_advice(self):
        lost = {"ip": "192.0.2.7"}
        self.assertEqual(self.agent("a", "validate-all", **lost), 1)
        self.assertEqual(self.agent("a", "start", **lost), 5)
        self.assertIn("set 'nic' and 'cidr_netmask'", self.last.stderr)
        lost.update(nic="eth0", cidr_netmask="24")
        self.assertEqual(self.agent("a", "start", **lost), 0)
        self.assertEqual(self.agent("a", "stop", **lost), 0)

    def test_faulty_values_and_unknown_actions_are_told_apart(self):
        self.assertEqual(self.agent("a", "start", ip=""), 6)
        self.assertIn("parameter 'ip' is required and missing", self.last.stderr)
        self.assertEqual(self.agent("a", "start", ip="10.77.0.300"), 6)
        self.assertEqual(self.agent("a", "start", arp_count="0"), 6)
        self.assertEqual(self.agent("a", "promote"), 3)
        self.assertEqual(self.net.run("a", [self.AGENT]).returncode, 2)
        self.assertEqual(self.agent("a", "usage"), 0)

    def test_people_without_privileges_may_ask_but_not_change(self):
        self.assertEqual(self.agent("a", "meta-data", nobody=True), 0)
        self.assertIn('<resource-agent name="IPaddr"', self.last.stdout)
        self.assertEqual(self.agent("a", "validate-all", nobody=True), 0, self.last.stderr)
        self.assertEqual(self.agent("a", "monitor", nobody=True), 7)
        self.assertEqual(self.agent("a", "start", nobody=True), 4)
        self.assertNotIn(VIP, self.net.addresses("a"))

    def test_a_dead_link_counts_as_not_running_and_refuses_a_start(self):
        self.assertEqual(self.agent("a", "start"), 0)
        self.net.cable("a", "down")
        self.assertEqual(self.monitor("a"), 7)
        self.assertIn("that link is down", self.last.stderr)
        self.assertEqual(self.monitor("a", check_link_status="false"), 0)
        self.assertEqual(self.agent("a", "stop"), 0)
        self.assertEqual(self.agent("a", "start"), 5)
        self.assertNotIn(VIP, self.net.addresses("a"))

    def test_an_interface_that_somebody_took_down_is_brought_up(self):
        self.net.ip(self.net.name("a"), "link", "set", "eth0", "down")
        self.assertEqual(self.agent("a", "start", nic="eth0", cidr_netmask="24"), 0, self.last.stderr)
        self.assertEqual(self.monitor("a"), 0)

    def test_stop_takes_only_its_own_address_though_others_depend_on_it(self):
        sysctl = "/proc/sys/net/ipv4/conf/eth0/promote_secondaries"
        self.net.run("a", ["sh", "-c", f"echo 0 >{sysctl}"])
        first, second = {"ip": "10.88.0.1"}, {"ip": "10.88.0.2"}
        for params in (first, second):
            self.assertEqual(self.agent("a", "start", nic="eth0", cidr_netmask="24", **params), 0)
        self.assertTrue(self.net.addresses("a")["10.88.0.2"].get("secondary"))
        self.assertEqual(self.agent("a", "stop", **first), 0)
        self.assertNotIn("went together", self.last.stderr)  # not even for a moment
        self.assertEqual(self.net.run("a", ["cat", sysctl]).stdout, "0\n")
        self.assertNotIn("10.88.0.1", self.net.addresses("a"))
        self.assertIn("10.88.0.2", self.net.addresses("a"))
        self.assertEqual(self.monitor("a", **second), 0)
        self.assertEqual(self.agent("a", "stop", **second), 0)

    @unittest.skipUnless(shutil.which("ocf-tester"), "ocf-tester (Debian package resource-agents) is not installed")
    def test_ocf_tester_finds_no_fault(self):
        tested = self.net.run("a", ["ocf-tester", "-n", "vip", "-o", f"ip={VIP}", self.AGENT],
                              env={"PATH": os.environ["PATH"], "HA_RSCTMP": f"{self.folder}/a"})
        self.assertEqual(tested.returncode, 0, tested.stdout)
        self.assertIn("passed all tests", tested.stdout)

    # --- what the neighbours see ---

    def test_the_neighbours_are_told_in_both_forms_on_schedule(self):
        ear = self.part("client", "sniff", 1.6, VIP)
        begin = time.monotonic()
        self.assertEqual(self.agent("a", "start", arp_count=5), 0)
        self.assertLess(time.monotonic() - begin, 0.9)  # it did not wait for the last one, due after 1 s
        heard = self.packets(ear)
        mac = self.net.mac("a").replace(":", "")
        for packet in heard:
            self.assertEqual((packet["gratuitous"], packet["sender_mac"], packet["to"]), (True, mac, "f" * 12))
        self.assertEqual([p["form"] for p in heard], ["request", "reply"] * 5)
        self.assertEqual({p["target_mac"] for p in heard if p["form"] == "reply"}, {mac})
        times = [p["at"] - heard[0]["at"] for p in heard if p["form"] == "request"]
        for due, came in zip((0, 0.05, 0.15, 0.5, 1.0), times):
            self.assertAlmostEqual(came, due, delta=0.12)

    def test_the_foreground_makes_all_announcements_before_it_returns(self):
        ear = self.part("client", "sniff", 1, VIP)
        self.assertEqual(self.agent("a", "start", arp_count=3, arp_interval=100, arp_bg="no"), 0)
        heard = [p for p in self.packets(ear) if p["form"] == "request"]
        self.assertEqual(len(heard), 3)
        self.assertAlmostEqual(heard[2]["at"] - heard[0]["at"], 0.2, delta=0.1)

    def test_a_second_start_and_a_refreshing_monitor_announce_again(self):
        self.assertEqual(self.agent("a", "start", arp_count=1), 0)
        ear = self.part("client", "sniff", 1, VIP)
        self.assertEqual(self.agent("a", "start", arp_count=1), 0)
        self.assertEqual(self.monitor("a", arp_count_refresh=2), 0)
        self.assertEqual(self.monitor("a"), 0)
        self.assertEqual([p["form"] for p in self.packets(ear)], ["request", "reply"] * 3)

    def test_start_leaves_one_helper_and_stop_ends_it(self):
        for _ in range(2):
            self.assertEqual(self.agent("a", "start"), 0)
            pid = self.helper("a")
            self.assertIsNotNone(pid)
            with open(f"/proc/{pid}/task/{pid}/children") as children:
                self.assertEqual(children.read(), "")
        self.assertEqual(self.agent("a", "stop"), 0)
        self.assertTrue(self.within(1, lambda: self.helper("a") is None))
        self.assertEqual(os.listdir(f"{self.folder}/a"), [])

    def test_a_monitor_starts_a_missing_helper_again_and_a_probe_does_not(self):
        self.assertEqual(self.agent("a", "start"), 0)
        os.kill(self.helper("a"), signal.SIGKILL)
        self.assertTrue(self.within(1, lambda: self.helper("a") is None))
        self.assertEqual(self.agent("a", "monitor"), 0)
        self.assertIsNone(self.helper("a"))
        self.assertEqual(self.monitor("a"), 0)
        self.assertIsNotNone(self.helper("a"))

    def test_the_helper_never_announces_an_address_that_somebody_took_away(self):
        self.assertEqual(self.agent("a", "start"), 0)
        self.net.ip(self.net.name("a"), "addr", "del", f"{VIP}/24", "dev", "eth0")
        ear = self.part("client", "sniff", 1.3, VIP)
        self.assertEqual(self.packets(ear), [])
        self.assertNotIn(VIP, self.net.addresses("a"))  # and it does not put it back

    def serve_everywhere(self):
        for host in ("a", "b"):
            self.part(host, "serve", host, "::")

    def take_over(self, begin_on_b):
        """VIP on a, known to the client; a's cable is pulled; b gets it. Seconds until b answers, or "never"."""
        self.serve_everywhere()
        self.assertEqual(self.agent("a", "start"), 0)
        self.assertNotEqual(self.net.begin("client", "reach", VIP, "a", 5).stdout.readline().strip(), "never")
        # The client is sure of what it knows: no timer of its own asks again during the test.
        known = ("lladdr", self.net.mac("a"), "nud", "reachable", "dev", "eth0")
        self.net.run("client", ["sh", "-c", "echo 3600000 >/proc/sys/net/ipv4/neigh/eth0/base_reachable_time_ms"])
        self.net.ip(self.net.name("client"), "neigh", "replace", VIP, *known)
        self.net.cable("a", "down")
        begin_on_b()
        return self.net.begin("client", "reach", VIP, "b", 2).stdout.readline().strip()

    def test_a_client_with_a_stale_neighbour_table_reaches_the_new_owner_at_once(self):
        took = self.take_over(lambda: self.assertEqual(self.agent("b", "start"), 0))
        self.assertNotEqual(took, "never")
        self.assertLess(float(took), 0.5)

    def test_control_without_announcement_that_client_waits(self):
        took = self.take_over(lambda: self.net.ip(self.net.name("b"), "addr", "add", f"{VIP}/24", "dev", "eth0"))
        self.assertTrue(took == "never" or float(took) > 0.5, took)

    # --- what becomes of connections ---

    def hold_while(self, server, leave):
        service = self.part("a", "serve", "a", server)
        self.assertEqual(self.agent("a", "start"), 0)
        client = self.part("client", "hold", VIP, 1.5)
        own = self.part("client", "hold", "10.77.0.1", 0.8) if server == "::" else None
        leave()
        how, seconds = client.stdout.readline().split()
        if own:
            self.assertEqual(own.stdout.readline().split()[0], "hung")  # the host's own address is not touched
        service.kill()
        service.wait()
        return how, float(seconds)

    def test_connections_to_the_address_are_reset_when_it_stops(self):
        for server in ("0.0.0.0", "::"):
            with self.subTest(server=server):
                how, seconds = self.hold_while(server, lambda: self.assertEqual(self.agent("a", "stop"), 0))
                self.assertEqual(how, "reset")
                self.assertLess(seconds, 1)

    def test_control_without_a_reset_the_client_hangs(self):
        leave = lambda: self.net.ip(self.net.name("a"), "addr", "del", f"{VIP}/24", "dev", "eth0")
        self.assertEqual(self.hold_while("0.0.0.0", leave)[0], "hung")


if __name__ == "__main__":
    main(__doc__)

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ocf:systole:IPaddr where IPaddr2 is blind or slow: IPv6 neighbours, second owners, faults between two monitors,
namespaces, addresses that stay on the loopback interface.

Effects on clients have their control beside them, which must fail.
usage: owners_test.py AGENT [unittest arguments]; leaves with 77 (skipped) when it may not make namespaces.
"""
import glob
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # the source tree stays clean
from case import VIP, Case, main  # noqa: E402

VIP6 = "2001:db8:77::100"
BOTH = (VIP, VIP6)


class Takeover(Case):
    """IPv6 as ipaddr_test.py's IPv4."""

    def test_an_ipv6_address_starts_runs_and_stops_each_as_often_as_asked(self):
        address = {"ip": "2001:DB8:77:0::100"}  # any form of it
        self.assertEqual(self.agent("a", "monitor", **address), 7)
        for _ in range(2):
            self.assertEqual(self.agent("a", "start", **address), 0, self.last.stderr)
            self.assertEqual(self.monitor("a", **address), 0, self.last.stderr)
        entry = self.net.addresses("a")[VIP6]
        self.assertEqual((entry["prefixlen"], entry.get("nodad"), entry.get("tentative")), (64, True, None))
        self.assertTrue(self.within(1, lambda: int(self.state("a", VIP6).get("announced", 0)) >= 1))
        for _ in range(2):
            self.assertEqual(self.agent("a", "stop", **address), 0, self.last.stderr)
            self.assertEqual(self.monitor("a", **address), 7)
        self.assertIn("2001:db8:77::1", self.net.addresses("a"))

    def test_ipv6_neighbours_are_told_with_override_on_schedule(self):
        ear = self.part("client", "sniff", 1.3, VIP6)
        self.assertEqual(self.agent("a", "start", ip=VIP6, arp_count=4), 0, self.last.stderr)
        heard = [p for p in self.packets(ear) if p["to"] == "333300000001"]
        mac = self.net.mac("a").replace(":", "")
        self.assertEqual({(p["override"], p["target_mac"]) for p in heard}, {(True, mac)})
        times = [p["at"] - heard[0]["at"] for p in heard]
        self.assertEqual(len(times), 4)
        for due, came in zip((0, 0.05, 0.15, 0.5), times):
            self.assertAlmostEqual(came, due, delta=0.12)

    def take_over(self, begin_on_b):
        """VIP6 on a, known to the client; a's cable is pulled; b gets it. Seconds until b answers, or "never"."""
        for host in ("a", "b"):
            self.part(host, "serve", host, "::")
        self.assertEqual(self.agent("a", "start", ip=VIP6), 0)
        self.assertNotEqual(self.net.begin("client", "reach", VIP6, "a", 5).stdout.readline().strip(), "never")
        known = ("lladdr", self.net.mac("a"), "nud", "reachable", "dev", "eth0")
        self.net.run("client", ["sh", "-c", "echo 3600000 >/proc/sys/net/ipv6/neigh/eth0/base_reachable_time_ms"])
        self.net.ip(self.net.name("client"), "neigh", "replace", VIP6, *known)
        self.net.cable("a", "down")
        begin_on_b()
        return self.net.begin("client", "reach", VIP6, "b", 2).stdout.readline().strip()

    def test_an_ipv6_client_with_a_stale_table_reaches_the_new_owner_at_once(self):
        took = self.take_over(lambda: self.assertEqual(self.agent("b", "start", ip=VIP6), 0))
        self.assertNotEqual(took, "never")
        self.assertLess(float(took), 0.5)

    def test_control_without_advertisement_that_client_waits(self):
        entry = (f"{VIP6}/64", "dev", "eth0", "nodad")
        took = self.take_over(lambda: self.net.ip(self.net.name("b"), "addr", "add", *entry))
        self.assertTrue(took == "never" or float(took) > 0.5, took)

    def test_connections_to_an_ipv6_address_are_reset_when_it_stops(self):
        self.part("a", "serve", "a", "::")
        self.assertEqual(self.agent("a", "start", ip=VIP6), 0)
        client = self.part("client", "hold", VIP6, 1.5)
        self.assertEqual(self.agent("a", "stop", ip=VIP6), 0)
        self.assertEqual(client.stdout.readline().split()[0], "reset")

    def test_known_neighbours_are_told_alone_too(self):
        for ip in BOTH:
            with self.subTest(ip=ip):
                self.net.run("a", ["ping", "-c1", "-W1", "10.77.0.3" if ip == VIP else "2001:db8:77::3"])
                ear = self.part("client", "sniff", 0.5, ip)
                self.assertEqual(self.agent("a", "start", ip=ip, arp_count=1), 0)
                client = self.net.mac("client").replace(":", "")
                self.assertIn(client, [p["to"] for p in self.packets(ear)])


class SecondOwner(Case):
    def take_by_hand(self, host, ip):
        length = ("64", "nodad") if ":" in ip else ("24",)
        self.net.ip(self.net.name(host), "addr", "add", f"{ip}/{length[0]}", "dev", "eth0", *length[1:])

    def test_one_that_is_there_already_is_found_after_the_start(self):
        for ip in BOTH:
            with self.subTest(ip=ip):
                self.take_by_hand("b", ip)
                begin = time.monotonic()
                self.assertEqual(self.agent("a", "start", ip=ip), 0, self.last.stderr)
                self.assertTrue(self.within(1, lambda: "conflict" in self.state("a", ip)))
                self.assertLess(time.monotonic() - begin, 0.9)
                self.assertEqual(self.monitor("a", ip=ip), 1)
                self.assertIn(f"{self.net.mac('b')} claims it", self.last.stderr)

    def test_one_that_comes_later_is_found_by_what_it_says(self):
        for ip in BOTH:
            with self.subTest(ip=ip):
                self.assertEqual(self.agent("a", "start", ip=ip), 0)
                time.sleep(0.3)  # its own questions are over
                self.assertEqual(self.monitor("a", ip=ip), 0)
                self.assertEqual(self.agent("b", "start", ip=ip, conflict_check="off"), 0)
                self.assertTrue(self.within(1, lambda: "conflict" in self.state("a", ip)))
                self.assertEqual(self.monitor("a", ip=ip), 1)
                self.assertEqual(self.monitor("b", ip=ip), 0)  # told not to look

    def test_before_refuses_to_take_what_somebody_has_and_leaves_nothing_behind(self):
        for ip in BOTH:
            with self.subTest(ip=ip):
                self.take_by_hand("b", ip)
                self.assertEqual(self.agent("a", "start", ip=ip, conflict_check="before"), 1)
                self.assertIn(f"ocf-exit-reason:{ip} is in use on the link of 'eth0': {self.net.mac('b')} has it",
                              self.last.stderr)
                self.assertNotIn(ip, self.net.addresses("a"))
                self.assertIsNone(self.helper("a", ip))

    def test_before_takes_a_free_one_within_its_time(self):
        for ip in BOTH:
            with self.subTest(ip=ip):
                begin = time.monotonic()
                self.assertEqual(self.agent("a", "start", ip=ip, run_arping="true"), 0, self.last.stderr)
                took = time.monotonic() - begin
                self.assertGreater(took, 0.2)  # it did ask
                self.assertLess(took, 0.7)

    def test_off_does_not_look(self):
        self.take_by_hand("b", VIP)
        self.assertEqual(self.agent("a", "start", conflict_check="off"), 0)
        time.sleep(0.4)
        self.assertEqual(self.monitor("a", conflict_check="off"), 0)

    def test_a_machine_is_no_second_owner_of_its_own(self):
        net = self.net.name("a")
        self.net.ip(net, "link", "add", "eth1", "link", "eth0", "type", "macvlan", "mode", "bridge")
        self.net.ip(net, "link", "set", "eth1", "up")
        self.assertEqual(self.agent("a", "start"), 0)
        time.sleep(0.3)
        self.assertEqual(self.monitor("a"), 0, self.last.stderr)

    def test_what_the_kernel_found_to_be_a_duplicate_is_a_failure(self):
        self.take_by_hand("b", VIP6)
        self.net.ip(self.net.name("a"), "addr", "add", f"{VIP6}/64", "dev", "eth0")
        self.assertTrue(self.within(3, lambda: self.net.addresses("a")[VIP6].get("dadfailed")))
        self.assertEqual(self.monitor("a", ip=VIP6), 1)
        self.assertIn("dadfailed", self.last.stderr)
        self.net.ip(self.net.name("b"), "addr", "del", f"{VIP6}/64", "dev", "eth0")
        self.assertEqual(self.agent("a", "start", ip=VIP6), 0)  # it is replaced
        self.assertEqual(self.monitor("a", ip=VIP6), 0, self.last.stderr)

    def test_optimistic_asks_the_kernel_to_look_where_it_can(self):
        name = "/proc/sys/net/ipv6/conf/eth0/optimistic_dad"
        self.assertEqual(self.agent("a", "start", ip=VIP6, optimistic="yes"), 0)
        self.assertIn(f"needs 1 in '{name}'", self.last.stderr)
        self.assertTrue(self.net.addresses("a")[VIP6]["nodad"])
        self.assertEqual(self.agent("a", "stop", ip=VIP6), 0)
        self.net.run("a", ["sh", "-c", f"echo 1 >{name}"])
        self.take_by_hand("b", VIP6)
        self.assertEqual(self.agent("a", "start", ip=VIP6, optimistic="yes", conflict_check="off"), 0)
        self.assertNotIn("nodad", self.net.addresses("a")[VIP6])
        self.assertTrue(self.within(3, lambda: self.monitor("a", ip=VIP6, conflict_check="off") == 1))


class Watch(Case):
    def watching(self, host, **params):
        child = subprocess.Popen(["ip", "netns", "exec", self.net.name(host), self.AGENT, "watch"], text=True,
                                 stderr=subprocess.PIPE, env=self.environment(host, {}, params))
        self.net.children.append(child)
        child.stdout = child.stderr
        time.sleep(0.2)
        self.assertIsNone(child.poll())
        return child

    def ends(self, child, code, words):
        begin = time.monotonic()
        self.assertEqual(child.wait(timeout=5), code)
        self.assertIn(words, child.stderr.read())
        return time.monotonic() - begin

    def test_a_lost_address_ends_it_at_once(self):
        for ip, length in ((VIP, 24), (VIP6, 64)):
            with self.subTest(ip=ip):
                self.assertEqual(self.agent("a", "start", ip=ip), 0)
                child = self.watching("a", ip=ip)
                self.net.ip(self.net.name("a"), "addr", "del", f"{ip}/{length}", "dev", "eth0")
                self.assertLess(self.ends(child, 7, "is not on this node"), 0.3)

    def test_a_lost_link_ends_it_at_once(self):
        self.assertEqual(self.agent("a", "start"), 0)
        child = self.watching("a")
        self.net.cable("a", "down")
        self.assertLess(self.ends(child, 7, "that link is down"), 0.3)

    def test_a_second_owner_ends_it_at_once(self):
        self.assertEqual(self.agent("a", "start"), 0)
        child = self.watching("a")
        self.assertEqual(self.agent("b", "start"), 0)
        self.assertLess(self.ends(child, 1, "has a second owner"), 0.3)

    def test_it_waits_as_long_as_all_is_well(self):
        self.assertEqual(self.agent("a", "start"), 0)
        child = self.watching("a")
        self.net.ip(self.net.name("a"), "addr", "add", "10.77.0.55/24", "dev", "eth0")
        time.sleep(0.3)
        self.assertIsNone(child.poll())


class Reporting(Case):
    """The helper's report to Pacemaker; its programs are stand-ins that write down how they were called."""

    def manager(self, managed):
        folder = f"{self.folder}/bin"
        os.makedirs(folder)
        known = (f'<resource id="vip" resource_agent="ocf:systole:IPaddr" managed="{managed}" maintenance="false">'
                 '<node name="a"/></resource>')
        for name, does in (("crm_mon", f"echo '{known}'"),
                           ("crm_resource", f"""echo "$@" >>{self.folder}/told
                                                ip -o addr show eth0 >{self.folder}/where""")):
            with open(f"{folder}/{name}", "w") as file:
                file.write(f"#!/bin/sh\n{does}\n")
            os.chmod(f"{folder}/{name}", 0o755)

    def environment(self, host, meta, params):
        env = super().environment(host, {"on_node": host, **meta}, params)
        return {**env, "PATH": f"{self.folder}/bin:{env['PATH']}", "PCMK_mcp": "true"}

    def told(self):
        try:
            with open(f"{self.folder}/told") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def lose_it(self, **params):
        self.assertEqual(self.agent("a", "start", **params), 0)
        time.sleep(1.1)  # start may be seen as running until then
        self.net.ip(self.net.name("a"), "addr", "del", f"{VIP}/24", "dev", "eth0")

    def test_a_fault_is_told_once(self):
        self.manager("true")
        self.lose_it()
        self.assertTrue(self.within(1, self.told))
        self.net.ip(self.net.name("a"), "addr", "add", "10.77.0.55/24", "dev", "eth0")  # one more change
        time.sleep(0.3)
        self.assertEqual(self.told(), ["--fail -r vip -N a"])

    def test_a_fault_inside_a_namespace_is_told_outside_of_it_where_the_manager_is(self):
        self.manager("true")
        inside = self.net.room("inside", "10.77.0.9/24")
        self.assertEqual(self.agent("a", "start", network_namespace=inside), 0, self.last.stderr)
        time.sleep(1.1)
        self.net.ip(inside, "addr", "del", f"{VIP}/24", "dev", "eth0")
        self.assertTrue(self.within(1, self.told))
        self.assertTrue(self.within(1, lambda: os.path.getsize(f"{self.folder}/where")))
        with open(f"{self.folder}/where") as file:
            self.assertIn("10.77.0.1/24", file.read())  # a's own

    def test_nothing_is_told_of_an_unmanaged_resource(self):
        self.manager("false")
        self.lose_it()
        time.sleep(0.5)
        self.assertEqual(self.told(), [])

    def test_nothing_is_told_when_that_is_not_wanted(self):
        self.manager("true")
        self.lose_it(watch_report="none")
        time.sleep(0.5)
        self.assertEqual(self.told(), [])


class SetUps(Case):
    def test_an_address_lives_inside_a_network_namespace(self):
        inside = self.net.room("inside", "10.77.0.9/24")
        params = {"network_namespace": inside}
        self.assertEqual(self.agent("a", "monitor", **params), 7)
        self.assertEqual(self.agent("a", "start", **params), 0, self.last.stderr)
        self.assertIn(VIP, self.net.addresses("inside"))
        self.assertNotIn(VIP, self.net.addresses("a"))
        self.assertEqual(self.monitor("a", **params), 0, self.last.stderr)
        self.assertEqual(len(glob.glob(f"{self.folder}/a/*@{inside}.pid")), 1)
        self.assertEqual(self.monitor("a"), 7)
        self.assertEqual(self.agent("a", "stop", **params), 0)
        self.assertNotIn(VIP, self.net.addresses("inside"))

    def test_a_missing_namespace_has_the_codes_of_a_missing_interface(self):
        params = {"network_namespace": "there-is-none"}
        codes = [self.agent("a", action, **params) for action in ("validate-all", "monitor", "start", "stop")]
        self.assertEqual(codes, [1, 7, 5, 0])
        self.assertEqual(self.monitor("a", **params), 1)
        self.assertIn("network namespace 'there-is-none'", self.last.stderr)

    def test_lvs_support_keeps_a_stopped_address_on_the_loopback_interface(self):
        params = {"lvs_support": "true"}
        self.assertEqual(self.agent("a", "start", **params), 0)
        self.assertEqual(self.agent("a", "stop", **params), 0)
        self.assertEqual(self.net.addresses("a", "lo")[VIP]["prefixlen"], 32)
        self.assertEqual(self.monitor("a", **params), 7)
        self.assertEqual(self.agent("a", "stop", **params), 0)
        self.assertEqual(self.agent("a", "start", **params), 0, self.last.stderr)
        self.assertNotIn(VIP, self.net.addresses("a", "lo"))
        self.assertIn(VIP, self.net.addresses("a"))
        self.assertEqual(self.monitor("a", **params), 0)

    def test_an_address_label_keeps_an_ipv6_address_from_being_a_source(self):
        params = {"ip": VIP6, "lvs_ipv6_addrlabel": "true"}
        self.assertEqual(self.agent("a", "start", **params), 0)
        self.assertIn(f"prefix {VIP6}/128 label 99", self.net.ip(self.net.name("a"), "addrlabel", "list"))
        self.assertEqual(self.agent("a", "stop", **params), 0)
        self.assertNotIn(VIP6, self.net.ip(self.net.name("a"), "addrlabel", "list"))

    def test_each_instance_of_a_unique_clone_has_an_address_of_its_own(self):
        meta = {"clone": 2, "clone_max": 3, "globally_unique": "true"}
        self.assertEqual(self.agent("a", "start", meta, unique_clone_address="true"), 0, self.last.stderr)
        self.assertIn("10.77.0.102", self.net.addresses("a"))
        self.assertEqual(self.agent("a", "stop", meta, unique_clone_address="true"), 0)
        self.assertNotIn("10.77.0.102", self.net.addresses("a"))
        self.assertEqual(self.agent("a", "start", {**meta, "clone": 200}, unique_clone_address="true"), 6)
        self.assertEqual(self.agent("a", "start", {**meta, "globally_unique": "false"}, unique_clone_address="true"), 6)

    def test_the_start_script_runs_before_the_address_is_there(self):
        script, seen = f"{self.folder}/script", f"{self.folder}/seen"
        with open(script, "w") as file:
            file.write(f"#!/bin/sh\nip -o addr show dev eth0 >{seen}\nexit 3\n")
        os.chmod(script, 0o755)
        self.assertEqual(self.agent("a", "start", local_start_script=script), 0)
        with open(seen) as file:
            text = file.read()
        self.assertIn("10.77.0.1", text)
        self.assertNotIn(VIP, text)
        self.assertIn("left with 3", self.last.stderr)

    def test_the_names_of_ipaddr_are_understood(self):
        ear = self.part("client", "sniff", 0.6, VIP)
        params = {"ARP_INTERVAL_MS": 100, "ARP_REPEAT": 3, "ARP_BACKGROUND": "no", "ARP_NETMASK": "ffffffffffff",
                  "netmask": "255.255.255.0"}
        self.assertEqual(self.agent("a", "start", **params), 0, self.last.stderr)
        self.assertEqual([p["form"] for p in self.packets(ear)], ["request", "reply"] * 3)

    def test_a_preferred_lifetime_of_0_makes_it_no_source(self):
        self.assertEqual(self.agent("a", "start", ip=VIP6, preferred_lft="0"), 0)
        self.assertEqual(self.net.addresses("a")[VIP6]["preferred_life_time"], 0)

    def test_a_helper_that_is_stopped_or_killed_harms_nothing(self):
        self.assertEqual(self.agent("a", "start"), 0)
        os.kill(self.helper("a"), signal.SIGSTOP)
        self.assertEqual(self.monitor("a"), 0)
        self.assertEqual(self.agent("a", "stop"), 0)
        self.assertIsNone(self.helper("a"))
        self.assertEqual(self.monitor("a"), 7)


if __name__ == "__main__":
    main(__doc__)

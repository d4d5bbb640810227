#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Cloned addresses of ocf:systole:IPaddr and the real kernel: a and b have the same address, each answers its share.

Each test of an effect on clients has its control beside it: one part is taken away by hand, and the instrument sees it.
usage: cloned_test.py AGENT [unittest arguments]; leaves with 77 (skipped) when it may not make namespaces.
"""
import json
import os
import shutil
import subprocess
import sys
import unittest

from case import VIP, Case, main

COMMON = "03:56:0a:4d:00:64"
TABLE = f"systole-vip-{VIP}"
CLIENTS = [sys.executable, "-u", os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients.py")]
COUNT = 60  # connections; that one node gets all of them by chance: one in 2^59


class Cloned(Case):
    def clone(self, host, action, number, instances=2, **params):
        meta = {"clone": number, "clone_max": instances, "globally_unique": "true"}
        if action == "monitor":
            meta["interval"] = 10000
        return self.agent(host, "monitor" if action == "probe" else action, meta, **params)

    def start(self, host, number, **more):
        self.assertEqual(self.clone(host, "start", number, **more), 0, self.last.stderr)

    def stop(self, host, number, **more):
        self.assertEqual(self.clone(host, "stop", number, **more), 0, self.last.stderr)

    def both(self, **params):
        for number, host in enumerate("ab"):
            self.start(host, number, **params)
            self.part(host, "serve", host, VIP)

    def clients(self, count=COUNT):
        return json.loads(self.net.run("client", [*CLIENTS, VIP, str(count)]).stdout)

    def nft(self, host, *words):
        done = self.net.run(host, ["nft", *words])
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def hears(self, host):
        return COMMON in self.net.ip(self.net.name(host), "maddr", "show", "dev", "eth0")

    def assert_nothing_left(self, host):
        self.assertNotIn(VIP, self.net.addresses(host))
        self.assertEqual(self.nft(host, "list", "tables"), "")
        self.assertFalse(self.hears(host))
        self.assertIsNone(self.helper(host))
        folder = f"{self.folder}/{host}"
        self.assertEqual(os.listdir(folder) if os.path.isdir(folder) else [], [])

    # --- what clients see ---

    def test_each_connection_is_answered_by_one_node_and_both_have_a_share(self):
        self.both()
        seen = self.clients()
        self.assertEqual((sum(seen["by"].values()), seen["silent"], seen["doubled"]), (COUNT, 0, 0), seen)
        self.assertEqual(set(seen["by"]), {"a", "b"})
        echo = self.net.run("client", ["ping", "-c", "3", "-i", "0.1", "-W", "1", VIP]).stdout
        self.assertIn(" 3 received", echo)
        self.assertNotIn("DUP", echo)
        # Controls: without its rule b answers everybody; without the frames being its own it answers nobody.
        self.nft("b", "flush", "chain", "netdev", TABLE, "cloned")
        self.assertGreater(self.clients()["doubled"], 0)
        self.nft("b", "delete", "table", "netdev", TABLE)
        seen = self.clients()
        self.assertEqual(set(seen["by"]), {"a"}, seen)
        self.assertGreater(seen["silent"], 0)

    def test_a_share_moves_to_the_node_where_its_instance_starts(self):
        self.both()
        self.stop("a", 0)
        seen = self.clients()
        self.assertEqual(set(seen["by"]), {"b"})
        self.assertGreater(seen["silent"], 0, "nobody has the share of a")
        self.start("b", 0)
        self.assertEqual(self.clients(), {"by": {"b": COUNT}, "silent": 0, "doubled": 0})
        self.assertEqual((self.clone("b", "monitor", 0), self.clone("b", "monitor", 1)), (0, 0), self.last.stderr)
        # And back: b gives up one of its two.
        self.stop("b", 0)
        self.assertEqual((self.clone("b", "monitor", 0), self.clone("b", "monitor", 1)), (7, 0), self.last.stderr)
        self.start("a", 0)
        seen = self.clients()
        self.assertEqual((set(seen["by"]), seen["silent"], seen["doubled"]), ({"a", "b"}, 0, 0), seen)

    def test_connections_of_a_share_that_moves_are_reset_and_the_others_stay(self):
        self.start("a", 0)
        self.start("a", 1)
        self.part("a", "serve", "a", VIP)
        kept = subprocess.Popen(["ip", "netns", "exec", self.net.name("client"), *CLIENTS, VIP, str(COUNT), "1.5"],
                                text=True, stdout=subprocess.PIPE)
        self.assertEqual(kept.stdout.readline(), "ready\n")
        self.stop("a", 0)
        self.start("b", 0)
        seen = json.loads(kept.communicate(timeout=30)[0])
        self.assertEqual(seen["kept"] + seen["reset"], COUNT)
        self.assertGreater(min(seen["kept"], seen["reset"]), 0, seen)
        # The last share goes with the address: told at once, not when the client next sends something.
        self.part("b", "serve", "b", VIP)
        waits = self.part("client", "hold", VIP, "5")
        self.stop("b", 0)
        self.stop("a", 1)
        self.assertEqual(waits.stdout.readline().split()[0], "reset")

    def test_each_hash_serves_every_client_once(self):
        for choice in ("sourceip", "sourceip-sourceport-destport"):
            with self.subTest(choice):
                self.both(clusterip_hash=choice, clusterip_hash_seed="0x1234")
                seen = self.clients()
                self.assertEqual((sum(seen["by"].values()), seen["silent"], seen["doubled"]), (COUNT, 0, 0), seen)
                self.assertEqual(len(seen["by"]), 1 if choice == "sourceip" else 2)
                for number, host in enumerate("ab"):
                    self.assertEqual(self.clone(host, "monitor", number, clusterip_hash=choice,
                                                clusterip_hash_seed="0x1234"), 0, self.last.stderr)
                    self.stop(host, number, clusterip_hash=choice, clusterip_hash_seed="0x1234")
                self.net.end_parts()

    def test_neighbours_learn_the_common_hardware_address_and_no_other(self):
        sniffer = self.part("client", "sniff", "2.5", VIP)
        self.both()
        for hosts in (["client"], ["a", "b"]):  # the client asks for it; the nodes ask with it as the sender
            for host in hosts:
                self.net.ip(self.net.name(host), "neigh", "flush", "dev", "eth0")
            self.clients(20)
        packets = self.packets(sniffer)
        self.assertEqual({packet["sender_mac"] for packet in packets}, {COMMON.replace(":", "")})
        kinds = {(packet["form"], packet["gratuitous"]) for packet in packets}
        self.assertEqual(kinds, {("request", True), ("reply", True), ("request", False), ("reply", False)})
        self.assertIn(COMMON, self.net.ip(self.net.name("client"), "neigh", "show", VIP))
        self.assertNotIn("conflict", self.state("a"))
        # Control: without the rule of the family arp the kernel says its own.
        sniffer = self.part("client", "sniff", "1", VIP)
        for host in "ab":
            self.nft(host, "delete", "table", "arp", TABLE)
        self.net.ip(self.net.name("client"), "neigh", "flush", "dev", "eth0")
        self.clients(1)
        own = {self.net.mac(host).replace(":", "") for host in "ab"}
        self.assertTrue(own & {packet["sender_mac"] for packet in self.packets(sniffer)})

    def test_the_parameter_mac_is_what_neighbours_learn(self):
        self.both(mac="01:00:5e:00:00:21")
        self.assertEqual(self.clients()["silent"], 0)
        self.assertIn("01:00:5e:00:00:21", self.net.ip(self.net.name("client"), "neigh", "show", VIP))

    # --- the life of an instance ---

    def test_start_and_stop_work_as_often_as_asked_and_leave_nothing(self):
        self.assertEqual(self.clone("a", "probe", 0), 7)
        self.stop("a", 0)
        for _ in range(2):
            self.start("a", 0)
            self.start("a", 1)
            rules = self.nft("a", "list", "ruleset")
            self.assertEqual(rules.count("jump instance-"), 2, rules)
            self.assertEqual(self.clone("a", "monitor", 0), 0, self.last.stderr)
        helper = self.helper("a")
        for _ in range(2):
            self.stop("a", 1)
            self.assertEqual((self.clone("a", "probe", 1), self.clone("a", "probe", 0)), (7, 0))
        self.assertEqual(self.helper("a"), helper)
        for _ in range(2):
            self.stop("a", 0)
            self.assertEqual((self.clone("a", "probe", 0), self.clone("a", "monitor", 1)), (7, 7))
        self.assert_nothing_left("a")

    def test_instances_that_start_and_stop_at_the_same_time_do_not_lose_each_other(self):
        def all_at_once(action):
            command = ["ip", "netns", "exec", self.net.name("a"), self.AGENT, action]
            running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=self.environment(
                "a", {"clone": number, "clone_max": 4, "globally_unique": "true"}, {})) for number in range(4)]
            for one in running:
                said = one.communicate(timeout=30)[1]
                self.assertEqual(one.returncode, 0, said)
        for _ in range(3):
            all_at_once("start")
            for number in range(4):
                self.assertEqual(self.clone("a", "monitor", number, instances=4), 0, self.last.stderr)
            all_at_once("stop")
            self.assert_nothing_left("a")

    def test_it_works_inside_a_named_network_namespace(self):
        inside = {"network_namespace": self.net.name("a")}
        for number in range(2):
            self.start("client", number, **inside)
            self.assertEqual(self.clone("client", "monitor", number, **inside), 0, self.last.stderr)
        self.assertIn("jump instance-1", self.nft("a", "list", "ruleset"))
        self.assertEqual(self.nft("client", "list", "tables"), "")
        for number in range(2):
            self.stop("client", number, **inside)
        self.assert_nothing_left("a")

    def test_a_part_that_is_missing_fails_the_monitor_and_a_start_mends_it(self):
        self.start("a", 0)
        for what, harm in {
                "all rules": lambda: self.nft("a", "flush", "ruleset"),
                "one rule": lambda: self.nft("a", "flush", "chain", "netdev", TABLE, "instance-0"),
                "the rule for ARP": lambda: self.nft("a", "delete", "table", "arp", TABLE),
                "the address": lambda: self.net.ip(self.net.name("a"), "addr", "del", f"{VIP}/24", "dev", "eth0"),
                "the ears": lambda: self.net.ip(self.net.name("a"), "maddr", "del", COMMON, "dev", "eth0"),
        }.items():
            with self.subTest(what):
                self.assertEqual(self.clone("a", "monitor", 0), 0, self.last.stderr)
                harm()
                self.assertEqual(self.clone("a", "monitor", 0), 1)
                self.assertIn("ocf-exit-reason:", self.last.stderr)
                self.assertEqual(self.clone("a", "probe", 0), 1)
                self.start("a", 0)
        self.assertEqual(self.clone("a", "monitor", 0, instances=3), 1)  # the clone has grown: its rules are old
        self.stop("a", 0)
        self.assert_nothing_left("a")

    def test_a_stop_removes_what_is_left_of_a_broken_instance(self):
        for harm in (["nft", "flush", "ruleset"], ["ip", "addr", "del", f"{VIP}/24", "dev", "eth0"],
                     ["nft", "delete", "table", "netdev", TABLE]):
            with self.subTest(harm):
                self.start("a", 0)
                self.start("a", 1)
                self.assertEqual(self.net.run("a", harm).returncode, 0)
                self.stop("a", 0)
                self.stop("a", 1)
                self.assert_nothing_left("a")

    def test_watch_tells_at_once_when_somebody_flushes_the_rules(self):
        self.start("a", 0)
        env = self.environment("a", {"clone": 0, "clone_max": 2, "globally_unique": "true"}, {})
        watch = subprocess.Popen(["ip", "netns", "exec", self.net.name("a"), self.AGENT, "watch"], env=env, text=True,
                                 stderr=subprocess.PIPE)
        self.addCleanup(watch.stderr.close)
        self.addCleanup(watch.kill)
        self.nft("a", "add", "table", "ip", "somebody_elses")
        self.start("a", 1)
        with self.assertRaises(subprocess.TimeoutExpired):
            watch.wait(1)
        self.nft("a", "flush", "ruleset")
        self.assertEqual(watch.wait(3), 1)
        # A look that began before the flush sees one table with its rules and the other one gone.
        self.assertRegex(watch.stderr.read(), "flushed|lacks . of its rules")

    # --- what is refused ---

    def test_without_nft_it_says_what_to_install(self):
        nft = os.path.realpath(shutil.which("nft"))
        env = self.environment("a", {"clone": 0, "clone_max": 2, "globally_unique": "true"}, {})
        for action, code in {"validate-all": 5, "start": 5, "monitor": 7, "stop": 0}.items():
            hidden = ["unshare", "-m", "sh", "-c", f'mount --bind /dev/null "{nft}" && exec "{self.AGENT}" {action}']
            done = self.net.run("a", hidden, env=env)
            self.assertEqual(done.returncode, code, done.stderr)
            if code == 5:
                self.assertIn("install the package nftables", done.stderr)
        self.assert_nothing_left("a")

    def test_a_start_that_fails_leaves_nothing_behind(self):
        self.assertEqual(self.clone("a", "start", 0, nic="lo", cidr_netmask="24"), 5, self.last.stderr)
        self.assert_nothing_left("a")
        thief = f"{self.folder}/thief"  # the interface goes when the rules are there and the address is not
        with open(thief, "w") as file:
            file.write(f"#!/bin/sh\nnft list table netdev {TABLE} > {thief}.saw\nip link delete eth0\n")
        os.chmod(thief, 0o755)
        self.assertEqual(self.clone("a", "start", 0, local_start_script=thief), 1, self.last.stderr)
        with open(f"{thief}.saw") as file:
            self.assertIn("jump instance-0", file.read())
        self.assertEqual(self.nft("a", "list", "tables"), "")
        self.assertIsNone(self.helper("a"))

    def test_a_start_that_runs_out_of_time_takes_its_rules_back(self):
        nft = shutil.which("nft")
        with open(f"{self.folder}/nft", "w") as file:
            file.write(f'#!/bin/sh\n{nft} "$@" || exit\ncase "$1" in *"add chain"*) sleep 30;; esac\n')
        os.chmod(f"{self.folder}/nft", 0o755)
        env = self.environment("a", {"clone": 0, "clone_max": 2, "globally_unique": "true", "timeout": 6000}, {})
        env["PATH"] = f"{self.folder}:{env['PATH']}"
        done = self.net.run("a", [self.AGENT, "start"], env=env)
        self.assertEqual(done.returncode, 1)
        self.assertIn("did not end in time", done.stderr)
        self.assert_nothing_left("a")

    def test_clones_that_cannot_work_are_refused_with_what_to_set(self):
        self.assertEqual(self.agent("a", "start", {"clone": 0, "clone_max": 2, "globally_unique": "false"}), 6)
        self.assertIn("globally-unique=true", self.last.stderr)
        self.assertEqual(self.clone("a", "start", 0, ip="2001:db8:77::100"), 6)
        self.assertIn("IPv4 only", self.last.stderr)
        self.assertEqual(self.clone("a", "start", 0, mac="02:00:00:00:00:01"), 6)
        self.assertIn("group address", self.last.stderr)


if __name__ == "__main__":
    if shutil.which("nft") is None:
        print("skipped: needs nft(8)")
        sys.exit(77)
    main(__doc__)

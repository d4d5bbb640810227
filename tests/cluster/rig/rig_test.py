#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The rig plays hardware for all cluster tests, so it is shown here that it behaves as hardware does."""
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rig as rigs
import small_var

PREFIX = f"rt{os.getpid() % 10000}"


def pings(rig, source, target):
    return rig.at(source, "ping", "-c", "1", "-W", "1", target, check=False).returncode == 0


def pings_again(rig, source, target):
    """After a silence: the kernel may hold its question for a MAC back for a second when three went unanswered."""
    return any(pings(rig, source, target) for _ in range(5))


class TwoNodes(unittest.TestCase):
    def setUp(self):
        self.rig = rigs.Rig(PREFIX)
        self.addCleanup(self.rig.down)
        self.rig.up(2, 1, (), ["/bin/sh", "-c", "date > /var/lib/systole/booted; exec sleep 600"])

    def test_nodes_know_and_reach_each_other_and_the_client_reaches_them(self):
        self.assertTrue(pings(self.rig, "n1", "n2"))
        self.assertTrue(pings(self.rig, "n2", "n1"))
        self.assertTrue(pings(self.rig, "cl", "10.77.0.2"))
        self.assertEqual(self.rig.at("n2", "hostname").stdout.strip(), "n2")

    def test_the_nodes_command_runs_under_its_own_pid_1(self):
        processes = self.rig.at("n1", "ps", "-eo", "pid,args").stdout
        self.assertIn("sleep 600", processes)
        self.assertLess(len(processes.splitlines()), 8)

    def test_power_off_ends_all_processes_and_addresses_and_keeps_only_the_disk(self):
        self.rig.at("n1", "sh", "-c", "echo x > /var/lib/kept; echo x > /run/gone; echo x > /tmp/gone")
        self.rig.at("n1", "ip", "addr", "add", "10.77.0.100/24", "dev", "eth0")
        inside = self.rig.node_pids("n1")
        self.rig.poweroff("n1")
        self.assertFalse(any(pathlib.Path(f"/proc/{p}").exists() for p in inside))
        self.assertFalse(pings(self.rig, "n2", "10.77.0.1"))
        self.assertFalse(pings(self.rig, "n2", "10.77.0.100"))
        self.rig.poweron("n1")
        self.assertTrue(pings_again(self.rig, "n2", "n1"))
        self.assertFalse(pings(self.rig, "n2", "10.77.0.100"))
        left = self.rig.at("n1", "sh", "-c", "ls /var/lib/kept /run/gone /tmp/gone 2>/dev/null", check=False).stdout
        self.assertEqual(left.split(), ["/var/lib/kept"])

    def test_a_node_that_was_switched_off_leaves_no_goodbye_on_its_connections(self):
        self.rig.at("n1", "sh", "-c", "setsid nohup python3 -c 'import socket, time\n"
                    "s = socket.create_server((\"\", 5000)); c, a = s.accept(); time.sleep(60)' >/dev/null 2>&1 &")
        client = subprocess.Popen(self.rig.enter("n2", "python3", "-c", "import socket, time\nfor turn in range(200):\n"
                                                 "  try: s = socket.create_connection(('n1', 5000)); break\n"
                                                 "  except OSError: time.sleep(0.05)\n"
                                                 "print('up', flush=True); s.settimeout(1.5)\n"
                                                 "try: print(repr(s.recv(1)))\nexcept TimeoutError: print('silence')"),
                                  stdout=subprocess.PIPE, text=True)
        self.assertEqual(client.stdout.readline().strip(), "up")
        self.rig.poweroff("n1")
        self.assertEqual(client.communicate()[0].strip(), "silence")

    def test_a_cut_is_silent_and_an_unplugged_cable_is_not(self):
        self.rig.cut("n1")
        self.assertFalse(pings(self.rig, "n2", "n1"))
        self.assertIn("LOWER_UP", self.rig.at("n1", "ip", "link", "show", "eth0").stdout)
        self.rig.heal("n1")
        self.assertTrue(pings_again(self.rig, "n2", "n1"))
        self.rig.unplug("n1")
        self.assertIn("NO-CARRIER", self.rig.at("n1", "ip", "link", "show", "eth0").stdout)
        self.rig.heal("n1")
        self.assertTrue(pings_again(self.rig, "n2", "n1"))

    def test_a_block_stops_one_direction_only_and_only_between_the_two(self):
        heard = ["timeout", "3", "tcpdump", "-c1", "-nni", "eth0", "icmp[icmptype] == icmp-echo"]
        self.rig.block("n2", "n1")
        for node, expected in (("n2", True), ("n1", False)):
            other = "n1" if node == "n2" else "n2"
            for here, there in ((node, other), (other, node)):  # nobody needs to ask for a MAC
                mac = f"02:00:0a:4d:00:{self.rig.octet(there):02x}"
                self.rig.at(here, "ip", "neigh", "replace", self.rig.address(there), "lladdr", mac, "dev", "eth0")
            ear = subprocess.Popen(self.rig.enter(node, *heard), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            while b"listening on" not in ear.stderr.readline():  # not the line before that one
                self.assertIsNone(ear.poll(), "tcpdump has ended")
            pings(self.rig, other, node)
            ear.communicate()
            self.assertEqual(ear.returncode == 0, expected, node)
        self.assertTrue(pings(self.rig, "cl", "10.77.0.1") and pings(self.rig, "cl", "10.77.0.2"))
        self.rig.unblock()
        self.assertTrue(pings_again(self.rig, "n2", "n1"))

    def test_a_paused_node_runs_nothing_and_still_answers_ping(self):
        self.rig.pause("n1")
        self.assertEqual({self.rig.process_state(p) for p in self.rig.node_pids("n1")}, {"T"})
        self.assertTrue(pings(self.rig, "n2", "n1"))
        self.rig.resume("n1")
        self.assertNotIn("T", {self.rig.process_state(p) for p in self.rig.node_pids("n1")})

    def test_clusters_of_two_prefixes_never_meet(self):
        other = rigs.Rig(PREFIX + "b")
        self.addCleanup(other.down)
        other.up(1)
        self.assertTrue(pings(other, "cl", "10.77.0.1"))
        self.assertFalse(pings(other, "cl", "10.77.0.2"))

    def test_one_prefix_has_one_owner(self):
        self.rig.lock()
        self.addCleanup(self.rig.unlock)
        other = rigs.Rig(PREFIX)
        with self.assertRaises(rigs.RigError):
            other.lock()
        self.rig.unlock()
        other.lock()
        other.unlock()


class SmallVar(unittest.TestCase):
    def test_a_var_of_its_own_can_be_full_and_survives_a_power_off(self):
        rig = rigs.Rig(PREFIX)
        self.addCleanup(rig.down)
        rig.build_wiring(1)
        rig.make_disk("n1", 1, (), [])
        small_var.give(rig, "n1", 16)
        rig.poweron("n1")
        rig.at("n1", "sh", "-c", "echo kept > /var/lib/kept")
        small_var.fill(rig, "n1")
        self.assertNotEqual(rig.at("n1", "sh", "-c", "echo more > /var/lib/more", check=False).returncode, 0)
        rig.poweroff("n1")
        rig.poweron("n1")
        self.assertEqual(rig.at("n1", "cat", "/var/lib/kept").stdout, "kept\n")
        small_var.free(rig, "n1")
        rig.at("n1", "sh", "-c", "echo more > /var/lib/more")


class Leftovers(unittest.TestCase):
    def test_down_clears_what_a_killed_run_left(self):
        rig = rigs.Rig(PREFIX)
        self.addCleanup(rig.down)
        code = (f"import sys; sys.path.insert(0, {str(rigs.HERE)!r}); import rig, time; r = rig.Rig({PREFIX!r});"
                " r.up(2); print('up', flush=True); time.sleep(60)")
        run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        self.assertEqual(run.stdout.readline().strip(), "up")
        run.send_signal(signal.SIGKILL)
        run.communicate()
        pids = [p for n in rig.nodes() for p in rig.node_pids(n)]
        self.assertGreaterEqual(len(pids), 2)
        rig.down()
        time.sleep(0.1)
        self.assertFalse(any(pathlib.Path(f"/proc/{p}").exists() for p in pids))
        self.assertNotIn(PREFIX + "-", subprocess.run(["ip", "netns"], capture_output=True, text=True).stdout)
        self.assertFalse(rig.dir.exists())


if __name__ == "__main__":
    unittest.main()

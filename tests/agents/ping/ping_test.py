#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ocf:systole:ping against real hosts: a node and, at the other end of a cable, a namespace with several addresses.

The manager's attrd_updater is a script that writes down how it was called.
usage: ping_test.py AGENT [unittest arguments]; leaves with 77 (skipped) when it may not make namespaces.
"""
import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

AGENT = ""
PREFIX = f"ping-{os.getpid()}"
NODE, FAR = f"{PREFIX}-node", f"{PREFIX}-far"
ALIVE = ["10.78.0.2", "10.78.0.3", "fd78::2"]
DEAD = ["10.78.0.7", "10.78.0.8", "fd78::9"]
FORKS = r"\b(?:clone|clone3|fork|vfork)\("


def run(*command, **more):
    return subprocess.run(command, text=True, capture_output=True, timeout=60, **more)


def must(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def make_hosts():
    for name in (NODE, FAR):
        must("ip", "netns", "add", name)
        must("ip", "-n", name, "link", "set", "lo", "up")
    must("ip", "-n", NODE, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", FAR)
    for name, addresses in ((NODE, ["10.78.0.1", "fd78::1"]), (FAR, ALIVE)):
        for address in addresses:
            rest = ["/64", "nodad"] if ":" in address else ["/24"]
            must("ip", "-n", name, "addr", "add", address + rest[0], "dev", "eth0", *rest[1:])
        must("ip", "-n", name, "link", "set", "eth0", "up")
    # IPv6 finds its neighbours only some time after a link came up; the tests do not wait for it.
    for name, other, address in ((NODE, FAR, "fd78::2"), (FAR, NODE, "fd78::1")):
        mac = json.loads(must("ip", "-j", "-n", other, "link", "show", "eth0"))[0]["address"]
        must("ip", "-n", name, "neigh", "replace", address, "lladdr", mac, "nud", "permanent", "dev", "eth0")


def remove_hosts():
    for name in (NODE, FAR):
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


class Ping(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ping-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o777)
        self.script("attrd_updater", 'printf "%s\\n" "$*" >>"$0.calls"')
        self.calls()

    def script(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w") as file:
            file.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o755)

    def calls(self):
        """How attrd_updater was called since the last look."""
        path = f"{self.folder}/attrd_updater.calls"
        lines = []
        if os.path.exists(path):
            with open(path) as file:
                lines = file.read().splitlines()
        with open(path, "w"):
            os.chmod(path, 0o666)
        return lines

    def environment(self, meta, params):
        env = {"PATH": f"{self.folder}:{os.environ['PATH']}", "HA_RSCTMP": f"{self.folder}/state",
               "OCF_RESOURCE_INSTANCE": "net:0", "HA_LOGFILE": f"{self.folder}/log",
               "OCF_RESKEY_CRM_meta_timeout": "20000", "OCF_RESKEY_attempts": "2", "OCF_RESKEY_timeout": "150ms",
               "OCF_RESKEY_host_list": " ".join(ALIVE)}
        env.update({f"OCF_RESKEY_CRM_meta_{name}": str(value) for name, value in meta.items()})
        env.update({f"OCF_RESKEY_{name}": str(value) for name, value in params.items()})
        return env

    def agent(self, action, meta=None, nobody=False, before=(), **params):
        env = self.environment(meta or {}, params)
        drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if nobody else []
        begin = time.monotonic()
        self.last = run("ip", "netns", "exec", NODE, *drop, *before, AGENT, action, env=env)
        self.took = time.monotonic() - begin
        return self.last.returncode

    def monitor(self, **params):
        return self.agent("monitor", meta={"interval": 10000}, **params)

    def log(self):
        """The log's lines since the last look, without time and tag."""
        path = f"{self.folder}/log"
        if not os.path.exists(path):
            return []
        with open(path) as file:
            lines = [line.split("]: ", 1)[1].strip() for line in file]
        os.unlink(path)
        return lines

    # --- counting ---

    def test_the_hosts_that_answer_are_counted_over_both_families(self):
        hosts = " ".join(ALIVE + DEAD)
        self.assertEqual(self.agent("start", host_list=hosts, multiplier=100, dampen="7s", name="net"), 0,
                         self.last.stderr)
        self.assertEqual(self.calls(), ["-n net -B 300 -d 7s"])
        self.assertEqual(self.monitor(host_list=hosts, multiplier=100, dampen="7s", name="net"), 0)
        self.assertEqual(self.calls(), ["-n net -v 300 -d 7s"])
        self.assertEqual(self.agent("stop", host_list=hosts, dampen="7s", name="net"), 0)
        self.assertEqual(self.calls(), ["-n net -D -d 7s"])

    def test_silent_hosts_cost_one_patience_together(self):
        self.assertEqual(self.agent("start", timeout=3), 0)
        self.assertLess(self.took, 2)  # nobody is waited for where all answer
        self.assertEqual(self.monitor(host_list=" ".join(DEAD), attempts=3, timeout="200ms"), 0)
        self.assertGreater(self.took, 0.6)
        self.assertLess(self.took, 1.7)  # one after the other would take 1.8
        self.assertEqual(self.calls()[-1], "-n pingd -v 0 -d 5s")

    @unittest.skipUnless(shutil.which("ping"), "ping(8) (Debian package iputils-ping) is not installed")
    def test_answers_to_others_do_not_count(self):
        self.assertEqual(self.agent("start"), 0)
        env = self.environment({"interval": 10000}, {"host_list": DEAD[0], "attempts": 10, "timeout": "100ms"})
        with subprocess.Popen(["ip", "netns", "exec", NODE, AGENT, "monitor"], env=env) as asking:
            time.sleep(0.5)  # five requests are out: ping(8)'s sequence numbers have been used
            other = run("ip", "netns", "exec", NODE, "ping", "-c3", "-i0.01", ALIVE[0])
            self.assertIsNone(asking.poll())
        self.assertEqual(other.returncode, 0)
        self.assertEqual(self.calls()[-1], "-n pingd -v 0 -d 5s")

    def test_a_host_is_asked_again_before_it_counts_as_silent(self):
        must("ip", "netns", "exec", FAR, "nft", "add table inet t; add chain inet t in { type filter hook input "
             "priority 0; }; add rule inet t in icmp type echo-request limit rate 1/second burst 1 packets drop")
        self.addCleanup(run, "ip", "netns", "exec", FAR, "nft", "delete table inet t")
        self.assertEqual(self.agent("start", host_list=ALIVE[0], attempts=3), 0)
        self.assertEqual(self.calls(), ["-n pingd -B 1 -d 5s"])
        self.assertGreater(self.took, 0.15)

    def test_a_host_that_goes_silent_and_comes_back_is_told_once_each(self):
        self.assertEqual(self.agent("start"), 0)
        self.assertEqual(self.log(), [])
        must("ip", "netns", "exec", FAR, "nft", "add table inet t; add chain inet t in { type filter hook input "
             "priority 0; }; add rule inet t in ip daddr 10.78.0.3 drop")
        try:
            for _ in range(2):
                self.assertEqual(self.monitor(), 0)
        finally:
            must("ip", "netns", "exec", FAR, "nft", "delete table inet t")
        self.assertEqual(self.log(), ["host '10.78.0.3' does not answer: no answer"])
        for _ in range(2):
            self.assertEqual(self.monitor(), 0)
        self.assertEqual(self.log(), ["host '10.78.0.3' answers again"])
        self.assertEqual([line.split()[3] for line in self.calls()], ["3", "2", "2", "3", "3"])

    def test_debug_tells_every_time(self):
        self.assertEqual(self.agent("start", host_list="10.78.0.2 10.78.0.7"), 0)
        self.log()
        self.assertEqual(self.monitor(host_list="10.78.0.2 10.78.0.7", debug="true"), 0)
        self.assertEqual(len(self.log()), 1)
        self.assertEqual(self.monitor(host_list="10.78.0.2 10.78.0.7", debug="verbose"), 0)
        self.assertRegex(" ".join(self.log()), r"'10.78.0.2' answered after \d+us .*'10.78.0.7' does not answer")

    def test_a_link_local_address_is_asked_on_its_link(self):
        far = json.loads(must("ip", "-j", "-6", "-n", FAR, "addr", "show", "dev", "eth0", "scope", "link"))
        address = next(info["local"] for link in far for info in link.get("addr_info", []) if "local" in info)
        # It may take seconds until the link's addresses are known to be nobody else's.
        self.assertEqual(self.agent("start", host_list=f"{address}%eth0", timeout=1, attempts=8), 0)
        self.assertEqual(self.monitor(host_list=f"{address}%eth7", timeout="10ms"), 0)
        self.assertEqual(self.calls(), ["-n pingd -B 1 -d 5s", "-n pingd -v 0 -d 5s"])
        self.assertEqual(self.log(), [f"host '{address}%eth7' does not answer: there is no network interface 'eth7'"])

    # --- names ---

    def test_names_are_resolved(self):
        self.script("getent", '[ "$1 $2" = "ahosts router" ] && echo "10.78.0.2  STREAM router"')
        self.assertEqual(self.agent("start", host_list="router nowhere"), 0, self.last.stderr)
        self.assertEqual(self.calls(), ["-n pingd -B 1 -d 5s"])
        self.assertEqual(self.log(), ["host 'nowhere' does not answer: its name has no address"])

    def test_a_resolver_that_hangs_costs_no_more_than_a_silent_host(self):
        self.script("getent", "exec sleep 30")
        self.assertEqual(self.agent("start", host_list="10.78.0.2 one two three"), 0)
        self.assertLess(self.took, 5)
        self.assertEqual(self.calls(), ["-n pingd -B 1 -d 5s"])
        self.assertIn("host 'one' does not answer: its name could not be resolved in time; give its address instead",
                      self.log())

    # --- exit codes ---

    def test_a_score_below_failure_score_is_a_failure_with_a_reason(self):
        params = {"host_list": "10.78.0.2 10.78.0.7", "failure_score": 2}
        self.assertEqual(self.agent("start", **params), 1)
        self.assertEqual(self.monitor(**params), 1)
        self.assertIn("ocf-exit-reason:1 of 2 hosts answer: pingd = 1 is less than failure_score (2)",
                      self.last.stderr)
        self.assertEqual(self.monitor(**{**params, "failure_score": 1}), 0)

    def test_it_runs_from_start_to_stop(self):
        self.assertEqual(self.agent("monitor"), 7)
        self.assertEqual(self.monitor(), 7)
        self.assertEqual(self.calls(), [])
        for _ in range(2):
            self.assertEqual(self.agent("start"), 0)
            self.assertEqual(self.monitor(), 0)
            self.assertEqual(self.agent("reload-agent", dampen="9s"), 0)
            self.assertEqual(self.calls()[-1], "-n pingd -B 3 -d 9s")
        for _ in range(2):
            self.assertEqual(self.agent("stop"), 0)
            self.assertEqual(self.monitor(), 7)
        self.assertEqual(self.agent("stop", host_list="what;is;this", debug="loud"), 0)

    def test_values_that_make_no_sense_are_refused(self):
        for params in ({"host_list": ""}, {"host_list": "a;b"}, {"attempts": "0"}, {"timeout": "soon"},
                       {"options": "-t 0"}, {"multiplier": "x"}):
            with self.subTest(**params):
                self.assertEqual(self.agent("validate-all", **params), 6)
                self.assertIn("ocf-exit-reason:", self.last.stderr)
        self.assertEqual(self.agent("validate-all", options="-q -n -Q 3 -i 0.2", debug="loud"), 0)
        self.assertEqual(len([line for line in self.log() if "-Q 3 -i 0.2" in line or "'debug' is 'loud'" in line]), 2)

    def test_a_manager_that_does_not_answer_is_a_failure_that_names_it(self):
        self.script("attrd_updater", "echo 'no connection' >&2; exit 102")
        self.assertEqual(self.agent("start"), 1)
        self.assertRegex(self.last.stderr, "ocf-exit-reason:attribute 'pingd' could not be set to 3: .*no connection")
        self.assertEqual(self.agent("stop"), 0)

    def test_it_ends_by_itself_before_the_manager_kills_it(self):
        self.assertEqual(self.agent("start"), 0)
        params = {"host_list": " ".join(DEAD), "attempts": 10, "timeout": 5}
        self.assertEqual(self.agent("monitor", meta={"timeout": 2000, "interval": 10000}, **params), 0)
        self.assertLess(self.took, 2)
        self.script("attrd_updater", "exec sleep 30")
        self.assertEqual(self.agent("monitor", meta={"timeout": 2000, "interval": 10000}), 1)
        self.assertLess(self.took, 2)
        self.assertIn("was killed", self.last.stderr)

    # --- how they are asked ---

    def test_options_of_ping_choose_the_way(self):
        self.assertEqual(self.agent("start", options="-I eth0 -s 1000 -t 3"), 0)
        self.assertEqual(self.monitor(options="-I fd78::1 -c1"), 0)
        self.assertEqual(self.monitor(options="-I eth9"), 0)
        self.assertIn("send from 'eth9'", " ".join(self.log()))
        self.assertEqual(self.monitor(options="-I lo -c1 -W 0.1"), 0)
        self.assertEqual([line.split()[3] for line in self.calls()], ["3", "3", "0", "0"])

    def test_people_without_privileges_may_validate_and_where_the_kernel_lets_them_ask(self):
        self.assertEqual(self.agent("meta-data", nobody=True), 0)
        self.assertIn('<resource-agent name="ping"', self.last.stdout)
        self.assertEqual(self.agent("validate-all", nobody=True), 0, self.last.stderr)
        self.assertEqual(self.monitor(nobody=True), 7)
        state = f"{self.folder}/ping.state"
        self.assertEqual(self.agent("start", nobody=True, pidfile=state), 4)
        self.assertIn("ping_group_range", self.last.stderr)
        must("ip", "netns", "exec", NODE, "sysctl", "-qw", "net.ipv4.ping_group_range=0 65534")
        try:
            self.assertEqual(self.agent("start", nobody=True, pidfile=state), 0, self.last.stderr)
        finally:
            must("ip", "netns", "exec", NODE, "sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
        self.assertEqual(self.calls(), ["-n pingd -B 3 -d 5s"])

    def test_a_folder_that_cannot_be_written_to_is_found_by_a_thorough_validation(self):
        self.assertEqual(self.agent("validate-all", pidfile="/proc/ping"), 0)
        level = ["env", "OCF_CHECK_LEVEL=10"]
        self.assertEqual(self.agent("validate-all", before=level, nobody=True, pidfile="/etc/ping"), 2)
        self.assertEqual(self.agent("validate-all", before=level, pidfile=f"{self.folder}/ping"), 0)

    # --- what it costs ---

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_no_process_is_started_but_the_managers_tool(self):
        self.assertEqual(self.agent("start"), 0)
        for action, forks in (("monitor", 1), ("validate-all", 0), ("meta-data", 0)):
            trace = f"{self.folder}/trace"
            # The leak checker of a sanitized build does not work under strace.
            before = ["env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-o", trace, "-e", "trace=process"]
            self.assertEqual(self.agent(action, before=before), 0)
            with open(trace) as file:
                self.assertEqual(len(re.findall(FORKS, file.read())), forks, action)

    @unittest.skipUnless(shutil.which("ocf-tester"), "ocf-tester (Debian package resource-agents) is not installed")
    def test_ocf_tester_finds_no_fault(self):
        tested = run("ip", "netns", "exec", NODE, "ocf-tester", "-n", "net", "-o", "host_list=10.78.0.2 fd78::2", AGENT,
                     env={"PATH": f"{self.folder}:{os.environ['PATH']}", "HA_RSCTMP": f"{self.folder}/state"})
        self.assertEqual(tested.returncode, 0, tested.stdout)
        self.assertIn("passed all tests", tested.stdout)


def leave_orderly(number, _frame):
    raise KeyboardInterrupt(f"signal {number}")  # the one exception that ends unittest; atexit removes the namespaces


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    AGENT = os.path.abspath(sys.argv.pop(1))
    atexit.register(remove_hosts)
    signal.signal(signal.SIGTERM, leave_orderly)
    try:
        make_hosts()
    except (OSError, subprocess.CalledProcessError) as refused:
        print(f"skipped: needs ip(8) and the right to make network namespaces ({refused})")
        sys.exit(77)
    unittest.main(verbosity=2)

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`systole agent` on real agents, ours and others'; and its test on agents that each break one rule: it must notice
each, or its "ok" means nothing.
usage: standalone_test.py SYSTOLE [unittest arguments]; leaves with 77 (skipped) when it may not make namespaces.
"""
import concurrent.futures
import os
import signal
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True  # the source tree stays clean
import room  # noqa: E402

SYSTOLE = ""
HERE = os.path.dirname(os.path.abspath(__file__))
ADDRESS = ("ip=192.0.2.10", "nic=eth0", "cidr_netmask=24")

# What is broken → part of the line that must say FAIL.
SABOTAGES = {
    "xml": "meta-data is well-formed XML",
    "meta-data-parameters": "meta-data needs no parameters",
    "nobody": "meta-data says the same to user nobody",
    "name": "the name is that of the program",
    "version": "the version of OCF is said",
    "no-stop": "the actions that every agent has",
    "lone-promote": "promote and demote come together",
    "timeout": "each action has a time-out",
    "type": "a name of its own and a type",
    "default": "default values",
    "undescribed": "a short and a long description",
    "unknown": "an unknown action",
    "validate-refuses": "validate-all accepts",
    "validate-accepts": "validate-all refuses to go without the required 'level'",
    "runs": "a resource that was never started does not run",
    "probe": "probe of a stopped resource",
    "monitor": "monitor of a stopped resource",
    "stop-stopped": "stop of a stopped resource",
    "probe-process": "no process is left before the first start",
    "start": "start (",
    "start-late": "monitor right after start",
    "start-twice": "start of a running resource",
    "slow": "every call was done within its advertised time-out",
    "strange-code": "an exit code of OCF's",
    "promote": "promote (",
    "promote-lies": "monitor of a promoted instance",
    "promote-twice": "promote of a promoted instance",
    "role": "monitor of a promoted instance",
    "demote": "demote (",
    "demote-lies": "monitor after demote",
    "demote-twice": "a second demote",
    "held": "what was started holds no file open",
    "notify": "notify (pre-start)",
    "reload": "reload-agent of a running resource",
    "stop-fails": "stop (",
    "stop-lies": "monitor right after stop",
    "stop-late": "monitor right after stop",
    "stop-twice": "a second stop",
    "process": "no process is left after stop",
    "address": "no address is left after stop",
    "file": "no file is left in the working directory after stop",
    "spoilt": "stop when 'depth' was spoilt",
}


def agent(*words):
    return room.run(SYSTOLE, "agent", *words)


def has(name):
    return os.access(f"/usr/lib/ocf/resource.d/{name.replace(':', '/')}", os.X_OK)


class Sabotage(unittest.TestCase):
    def sabotaged(self, broken):
        folder = f"/run/sabotaged-{broken or 'nothing'}"
        os.mkdir(folder)
        with open(f"{HERE}/Sabotaged", encoding="utf-8") as source:
            text = source.read().replace("\nbroken=\n", f"\nbroken={broken}\n")
        path = f"{folder}/Sabotaged"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)
        return path

    def broken_rules(self, ended):
        return [line[len("FAIL  "):] for line in ended.stdout.splitlines() if line.startswith("FAIL  ")]

    def test_a_sound_agent_passes(self):
        ended = agent("test", self.sabotaged(""), "level=3")
        self.assertEqual((ended.returncode, self.broken_rules(ended)), (0, []), ended.stdout + ended.stderr)
        self.assertIn(", 0 broken", ended.stdout)

    def test_each_broken_rule_is_noticed(self):
        def found(broken):
            return agent("test", "--quiet", self.sabotaged(broken), "level=3")
        # Several at a time, since most of the time is spent waiting; an address is seen by all, so its turn is last.
        together = [broken for broken in SABOTAGES if broken != "address"]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            ended = dict(zip(together, pool.map(found, together)))
        ended["address"] = found("address")
        for broken, rule in SABOTAGES.items():
            with self.subTest(broken=broken):
                rules = self.broken_rules(ended[broken])
                self.assertEqual(ended[broken].returncode, 1, ended[broken].stdout)
                self.assertTrue(any(rule in line for line in rules), (rule, rules))

    def test_a_program_that_others_may_not_run_is_noticed(self):
        path = self.sabotaged("mode")
        os.chmod(path, 0o700)
        self.assertIn("the program may be run by everybody", self.broken_rules(agent("test", path, "level=3"))[0])

    def test_nothing_stays_behind_whatever_was_found(self):
        agent("test", self.sabotaged("file "), "level=3")
        self.assertEqual(os.listdir(os.environ["TMPDIR"]), [])

    def test_a_stop_that_waits_for_its_servers_end_sees_it(self):
        path = self.sabotaged("server")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        # A zombie answers kill -0 like the living: whoever adopts orphans must reap them while the agent waits.
        begin = 'setsid sleep 100 <&- >/dev/null 2>&1 & echo $! >"$state.pid"\n'
        end = ('[ -e "$state.pid" ] && { read -r pid <"$state.pid"; kill $pid; '
               'while kill -0 $pid; do sleep 0.05; done; rm "$state.pid"; }\n')
        text = text.replace('echo started >"$state"\n}', begin + 'echo started >"$state"\n}')
        text = text.replace("stop() {\n", "stop() {\n" + end, 1)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        ended = agent("test", path, "level=3")
        self.assertEqual((ended.returncode, self.broken_rules(ended)), (0, []), ended.stdout)

    def test_stand_ins_keep_attributes_where_there_is_no_cluster(self):
        path = self.sabotaged("attributes")
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("\nstart() {\n", """
start() {
  crm_node -n | grep -qx "$(uname -n)" || fail 1 "crm_node"
  crm_attribute -N "$(uname -n)" -n color -l reboot -v 'dark red' || fail 1 "set"
  [ "$(crm_attribute --node="$(uname -n)" --name=color --lifetime=reboot -G -q)" = 'dark red' ] || fail 1 "query"
  crm_attribute -n color -l reboot -D && crm_attribute -n color -l reboot -G -q 2>/dev/null && fail 1 "delete"
  [ "$(crm_attribute -t crm_config -n stage -G -q -d 7)" = 7 ] || fail 1 "default"
  crm_attribute -l reboot --promotion -v 10 && [ "$(crm_master -l reboot -G -q)" = 10 ] || fail 1 "score"
  attrd_updater -n pings -U 3 -d 5s && attrd_updater -n pings -Q | grep -q 'value="3"' || fail 1 "updater"
""")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        ended = agent("test", "--stand-ins", "--quiet", path, "level=3")
        self.assertEqual((ended.returncode, self.broken_rules(ended)), (0, []), ended.stdout)
        self.assertEqual(os.listdir(os.environ["TMPDIR"]), [])

    def test_an_interrupted_test_stops_what_it_started(self):
        path = self.sabotaged("interrupted")
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("monitor() {\n", 'monitor() {\n[ -e "$state" ] && sleep 0.2\n', 1)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        test = subprocess.Popen([SYSTOLE, "agent", "test", path, "level=3"], text=True, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while not os.path.exists("/run/sabotaged.interrupted") and time.monotonic() < deadline:
            time.sleep(0.01)
        test.send_signal(signal.SIGINT)
        _, errors = test.communicate(timeout=30)
        self.assertEqual(test.returncode, 130, errors)
        self.assertIn("interrupted; the resource was told to stop", errors)
        self.assertFalse(os.path.exists("/run/sabotaged.interrupted"))

    def test_a_missing_parameter_ends_the_test_before_anything_is_started(self):
        ended = agent("test", "--quiet", self.sabotaged("lonely"))
        self.assertEqual(ended.returncode, 1)
        self.assertIn("needs 'level'", ended.stdout)
        self.assertFalse(os.path.exists("/run/sabotaged.lonely"))


class Agents(unittest.TestCase):
    def test_our_address_agent_keeps_every_rule(self):
        ended = agent("test", "--quiet", "ocf:systole:IPaddr", *ADDRESS)
        self.assertEqual(ended.returncode, 0, ended.stdout)

    def test_the_shell_agents_of_debian_are_understood(self):
        for name, parameters in {"heartbeat:IPaddr2": ADDRESS, "heartbeat:Dummy": (), "pacemaker:Dummy": ()}.items():
            if not has(name):
                self.skipTest(f"{name} (Debian packages resource-agents and pacemaker) is not installed")
            with self.subTest(agent=name):
                ended = agent("test", "--quiet", name, *parameters)
                self.assertEqual(ended.returncode, 0, ended.stdout)

    @unittest.skipUnless(has("heartbeat:Delay"), "heartbeat:Delay (Debian package resource-agents) is not installed")
    def test_the_faults_of_the_delay_agent_are_found_and_no_others(self):
        ended = agent("test", "--quiet", "heartbeat:Delay", "startdelay=0", "stopdelay=0", "mondelay=0")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("FAIL  an unknown action is refused", ended.stdout)
        self.assertIn("FAIL  stop when 'startdelay' was spoilt", ended.stdout)
        self.assertIn("FAIL  monitor after that stop", ended.stdout)
        self.assertIn(", 3 broken", ended.stdout)

    def test_run_hands_on_code_and_reason(self):
        self.assertEqual(agent("run", "IPaddr", "monitor", *ADDRESS).returncode, 7)
        started = agent("run", "systole:IPaddr", "start", *ADDRESS)
        self.assertEqual(started.returncode, 0, started.stderr)
        self.assertIn("start: 0 (ok)", started.stderr)
        self.assertIn("192.0.2.10/24", room.ip("addr", "show", "eth0"))
        self.assertEqual(agent("run", "ocf:systole:IPaddr", "stop", *ADDRESS).returncode, 0)
        gone = agent("run", "IPaddr", "monitor", "--interval", "10s", *ADDRESS)
        self.assertEqual(gone.returncode, 7)
        self.assertIn("7 (not running)", gone.stderr)
        self.assertIn("reason: 192.0.2.10 is not on this node", gone.stderr)

    def test_run_says_what_a_manager_would_say(self):
        path = "/run/Telling"
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nenv\n")
        os.chmod(path, 0o755)
        told = agent("run", path, "start", "a=b c", "--meta", "clone_max=2", "--instance", "db", "--timeout", "9s",
                     "--unchecked").stdout.splitlines()
        for line in ("OCF_RESKEY_a=b c", "OCF_RESKEY_CRM_meta_clone_max=2", "OCF_RESKEY_CRM_meta_timeout=9000",
                     "OCF_RESOURCE_INSTANCE=db", "OCF_RA_VERSION_MAJOR=1", "OCF_ROOT=/usr/lib/ocf"):
            self.assertIn(line, told)

    def test_a_slow_agent_is_killed_and_said_so(self):
        path = "/run/Slow"
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n[ $1 = start ] && exec sleep 100\nexit 1\n")
        os.chmod(path, 0o755)
        ended = agent("run", path, "start", "--timeout", "200ms", "--unchecked")
        self.assertEqual(ended.returncode, 124, ended.stderr)

    def test_wrong_names_are_answered_with_the_nearest_right_one(self):
        wrong = agent("run", "IPaddr", "start", "ip=192.0.2.10", "nci=eth0")
        self.assertEqual(wrong.returncode, 64)
        self.assertIn("did you mean 'nic'?", wrong.stderr)
        self.assertNotIn("192.0.2.10", room.ip("addr", "show", "eth0"))
        self.assertIn("did you mean ocf:systole:IPaddr?", agent("info", "IPadr").stderr)

    def test_list_and_info_show_what_is_there(self):
        listed = agent("list", "systole").stdout
        self.assertIn("ocf:systole:IPaddr ", listed)
        self.assertNotIn("ocf:heartbeat:", listed)
        told = agent("info", "IPaddr").stdout
        self.assertIn("  ip (string, required", told)
        self.assertIn("  start          timeout", told)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    room.enter()
    SYSTOLE = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every agent of a folder as others see it: meta-data, help, manual page, an unprivileged user, ocf-tester, Pacemaker.

usage: conformance_test.py FOLDER [unittest arguments]. What is not installed here is skipped, with the reason.
"""
import functools
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as xml

FOLDER = ""
SCHEMA = "/usr/share/pcs/data/ocf-1.1.rng"
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
FORKS = r"\b(?:clone|clone3|fork|vfork)\("
VALID = {  # what must be given
    "IPaddr": {"ip": "127.0.0.9", "nic": "lo", "cidr_netmask": "32"},
    "ping": {"host_list": "127.0.0.1"},
}


def agents():
    return sorted(glob.glob(f"{FOLDER}/*"))


def run(*command, **more):
    return subprocess.run(command, text=True, capture_output=True, timeout=60, **more)


def of_each(test):
    """Runs the test for every agent of the folder; one that fails does not hide the others."""
    @functools.wraps(test)
    def all_of_them(self):
        self.assertTrue(agents())
        for agent in agents():
            with self.subTest(agent=os.path.basename(agent)):
                test(self, agent)
    return all_of_them


def is_root():
    return os.geteuid() == 0


class Conformance(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="conformance-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o777)

    def environment(self, agent):
        params = VALID.get(os.path.basename(agent), {})
        return {"PATH": f"{self.folder}:{os.environ['PATH']}", "HA_RSCTMP": f"{self.folder}/state",
                "OCF_RESOURCE_INSTANCE": "x", "HA_LOGFILE": f"{self.folder}/log",
                **{f"OCF_RESKEY_{name}": value for name, value in params.items()}}

    def meta_data(self, agent):
        return run(agent, "meta-data", env={}).stdout

    # --- what it says of itself ---

    @of_each
    def test_the_meta_data_is_what_tools_expect(self, agent):
        self.assertTrue(self.meta_data(agent).startswith('<?xml version="1.0"?>\n'))  # crmsh: no encoding may be named
        root = xml.fromstring(self.meta_data(agent))
        self.assertEqual((root.get("name"), root.findtext("version")), (os.path.basename(agent), "1.1"))
        names = [p.get("name") for p in root.iter("parameter")]
        self.assertEqual(len(names), len(set(names)))
        for replaced in root.iter("replaced-with"):
            self.assertIn(replaced.get("name"), names)
        actions = {a.get("name") for a in root.iter("action")}
        self.assertLessEqual({"start", "stop", "monitor", "meta-data", "validate-all"}, actions)
        reloadable = any(p.get("reloadable") == "1" for p in root.iter("parameter"))
        self.assertEqual(reloadable, "reload-agent" in actions)

    @unittest.skipUnless(shutil.which("xmllint"), "xmllint (Debian package libxml2-utils) is not installed")
    @of_each
    def test_the_meta_data_is_valid_by_its_own_dtd_and_by_pcs_schema(self, agent):
        checks = [["--valid"]] + ([["--relaxng", SCHEMA]] if os.path.exists(SCHEMA) else [])
        for check in checks:
            linted = run("xmllint", "--noout", *check, "-", input=self.meta_data(agent))
            self.assertEqual(linted.returncode, 0, linted.stderr)

    def where_managers_look(self, script):
        """Runs it with $a as each agent's name in turn, where the agents lie where managers look for them."""
        around = "mount -t tmpfs none /usr/lib/ocf/resource.d && mkdir /usr/lib/ocf/resource.d/systole && " \
                 "cp \"$1\"/* /usr/lib/ocf/resource.d/systole && cd \"$2\" && export HOME=\"$2\" && " \
                 f"for a in \"$1\"/*; do a=${{a##*/}}; {script} || exit 1; done"
        shown = run("unshare", "-m", "sh", "-c", around, "sh", FOLDER, self.folder)
        if "mount" in shown.stderr:
            self.skipTest(f"may not mount here: {shown.stderr}")
        self.assertEqual(shown.returncode, 0, shown.stderr + shown.stdout)
        return shown.stdout

    @unittest.skipUnless(shutil.which("crm_resource") and is_root(), "needs root and Pacemaker's crm_resource")
    def test_pacemaker_reads_the_meta_data(self):
        shown = self.where_managers_look("crm_resource --show-metadata ocf:systole:$a")
        self.assertEqual(shown.count("</resource-agent>"), len(agents()))

    def assert_shows_every_parameter(self, shown):
        for agent in agents():
            self.assertIn(f"ocf:systole:{os.path.basename(agent)}", shown)
            for parameter in xml.fromstring(self.meta_data(agent)).iter("parameter"):
                if parameter.find("deprecated") is None:
                    self.assertRegex(shown, rf"(?m)^\s*{re.escape(parameter.get('name'))}\b")

    @unittest.skipUnless(shutil.which("pcs") and shutil.which("cibadmin") and is_root(), "needs root and pcs")
    def test_pcs_describes_every_parameter_and_makes_a_resource(self):
        self.assert_shows_every_parameter(self.where_managers_look("pcs resource describe ocf:systole:$a --full"))
        with open(f"{self.folder}/cib.xml", "w") as file:
            file.write(run("cibadmin", "--empty").stdout)
        make = "pcs -f cib.xml resource create vip ocf:systole:IPaddr ip=192.0.2.10 cidr_netmask=24"
        self.where_managers_look(f"{{ [ $a != IPaddr ] || {make}; }}")
        made = xml.parse(f"{self.folder}/cib.xml")
        operations = {op.get("name"): op.get("timeout") for op in made.iter("op")}
        self.assertEqual((operations["start"], operations["stop"], operations["monitor"]), ("20s", "20s", "20s"))

    @unittest.skipUnless(shutil.which("crm") and is_root(), "needs root and crmsh")
    def test_crmsh_describes_every_parameter(self):
        self.assert_shows_every_parameter(self.where_managers_look("crm ra info ocf:systole:$a"))

    @of_each
    def test_the_help_names_every_parameter(self, agent):
        shown = [run(agent, word, env={}) for word in ("--help", "usage", "help")]
        self.assertEqual({(r.returncode, r.stdout) for r in shown}, {(0, shown[0].stdout)})
        for parameter in xml.fromstring(self.meta_data(agent)).iter("parameter"):
            self.assertRegex(shown[0].stdout, rf"\b{re.escape(parameter.get('name'))}\b")

    @unittest.skipUnless(shutil.which("groff"), "groff (Debian package groff-base) is not installed")
    @of_each
    def test_the_manual_page_has_no_fault(self, agent):
        page = run(agent, "man", env={})
        self.assertEqual(page.returncode, 0)
        read = run("groff", "-man", "-ww", "-Tutf8", "-z", input=page.stdout)
        self.assertEqual((read.returncode, read.stderr), (0, ""))

    # --- who may ask, and what it costs ---

    @unittest.skipUnless(is_root() and shutil.which("setpriv"), "needs root, to be nobody")
    @of_each
    def test_nobody_may_ask_for_meta_data_and_validation(self, agent):
        asked = run(*NOBODY, agent, "meta-data", env={})
        self.assertEqual((asked.returncode, asked.stdout), (0, self.meta_data(agent)))
        if os.path.basename(agent) == "mysql":
            return  # its validation looks for a server's files, which may not be here
        asked = run(*NOBODY, agent, "validate-all", env=self.environment(agent))
        self.assertEqual(asked.returncode, 0, asked.stderr)

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    @of_each
    def test_asking_starts_no_process(self, agent):
        for action in ("meta-data", "validate-all", "monitor"):
            if action == "monitor" and os.path.basename(agent) in ("mysql", "ping"):
                continue
            if action == "validate-all" and os.path.basename(agent) == "mysql":
                continue  # only the server's own program knows what its configuration says
            trace = f"{self.folder}/trace"
            # The leak checker of a sanitized build does not work under strace.
            run("strace", "-o", trace, "-e", "trace=process", agent, action,
                env={**self.environment(agent), "ASAN_OPTIONS": "detect_leaks=0"})
            with open(trace) as file:
                self.assertNotRegex(file.read(), FORKS, action)

    @unittest.skipUnless(is_root() and shutil.which("strace") and shutil.which("ip"), "needs root, strace and ip(8)")
    def test_watching_over_an_address_that_is_served_starts_no_process(self):
        """The usual case, all day: the address is there, its helper lives, and the monitor is a recurring one."""
        script = 'set -e; ip link set lo up; ip link add eth0 type veth peer name peer0; ip link set peer0 up; ' \
                 'ip link set eth0 up; "$1" start; test -s "$HA_RSCTMP/systole-IPaddr-10.9.0.9.pid"; ' \
                 'for a in monitor status validate-all meta-data; do ' \
                 'strace -o "$2/$a" -e trace=process "$1" $a >"$2/out"; done; ' \
                 'kill -0 $(cut -d" " -f1 "$HA_RSCTMP/systole-IPaddr-10.9.0.9.pid"); "$1" stop'
        env = {**self.environment("IPaddr"), "OCF_RESKEY_ip": "10.9.0.9", "OCF_RESKEY_nic": "eth0",
               "OCF_RESKEY_cidr_netmask": "24", "OCF_RESKEY_CRM_meta_interval": "10000",
               "ASAN_OPTIONS": "detect_leaks=0"}
        done = run("unshare", "--net", "sh", "-c", script, "sh", f"{FOLDER}/IPaddr", self.folder, env=env)
        if "unshare" in done.stderr:
            self.skipTest(f"may not make a network namespace: {done.stderr}")
        self.assertEqual(done.returncode, 0, done.stderr)
        for action in ("monitor", "status", "validate-all", "meta-data"):
            with open(f"{self.folder}/{action}") as file:
                trace = file.read()
            self.assertIn("execve(", trace)
            self.assertNotRegex(trace, FORKS, action)

    # --- its actions ---

    @of_each
    def test_no_action_and_an_unknown_one_have_codes_of_their_own(self, agent):
        self.assertEqual(run(agent, env={}).returncode, 2)
        asked = run(agent, "no-such-action", env=self.environment(agent))
        self.assertEqual(asked.returncode, 3)
        self.assertIn("ocf-exit-reason:", asked.stderr)

    def test_dummy_outlives_its_timeout_and_sigterm_for_tests_of_the_manager(self):
        env = {**self.environment("Dummy"), "OCF_RESKEY_CRM_meta_timeout": "300",
               "OCF_RESKEY_state": f"{self.folder}/d"}
        self.assertEqual(run(f"{FOLDER}/Dummy", "start", env=env).returncode, 0)
        begin = time.monotonic()
        with subprocess.Popen([f"{FOLDER}/Dummy", "monitor"], env={**env, "OCF_RESKEY_op_sleep": "1"}) as child:
            while not os.path.exists(f"{self.folder}/d.serialized") and time.monotonic() < begin + 10:
                time.sleep(0.01)
            child.terminate()
            self.assertEqual(child.wait(), 0)
        self.assertGreater(time.monotonic() - begin, 1)
        self.assertFalse(os.path.exists(f"{self.folder}/d.serialized"))
        with open(f"{self.folder}/log") as file:
            self.assertIn("SIGTERM came", file.read())

    @unittest.skipUnless(shutil.which("ocf-tester"), "ocf-tester (Debian package resource-agents) is not installed")
    def test_ocf_tester_finds_no_fault_in_those_that_need_nothing(self):
        for tool in ("crm_attribute", "crm_master"):
            path = f"{self.folder}/{tool}"
            with open(path, "w") as file:
                file.write("#!/bin/sh\n")
            os.chmod(path, 0o755)
        for name in ("Dummy", "Stateful"):
            with self.subTest(agent=name):
                tested = run("ocf-tester", "-n", "x", f"{FOLDER}/{name}",
                             env={"PATH": f"{self.folder}:{os.environ['PATH']}", "HA_RSCTMP": f"{self.folder}/state"})
                self.assertEqual(tested.returncode, 0, tested.stdout)
                self.assertIn("passed all tests", tested.stdout)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    FOLDER = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)

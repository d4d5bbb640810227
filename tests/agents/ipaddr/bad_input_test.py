#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ocf:systole:IPaddr and what it is given by mistake: faulty values of every parameter, folders that cannot be written.

Whatever it is, the agent ends by itself with a code of OCF's; when it fails it says why in one line; and a start that
failed has left the machine's addresses as they were.
usage: bad_input_test.py AGENT [unittest arguments]; leaves with 77 (skipped) when it may not make namespaces.
"""
import os
import re
import subprocess
import sys
import unittest
import xml.etree.ElementTree as xml

sys.dont_write_bytecode = True  # the source tree stays clean
from case import VIP, Case, main  # noqa: E402

HUGE = 4096
BAD = {"nothing": "", "a huge word": "w" * HUGE, "a huge number": "9" * HUGE, "a negative number": "-1",
       "a fraction": "1.5", "control characters": "a\x01\x1b[31m\tb\nc\x7f", "a path": "../../etc/passwd",
       "blanks": "  ", "a format": "%s%n{}{0}", "no UTF-8": "\udcff\udcfe"}
BASE = {"nic": "eth0", "cidr_netmask": "24"}


class BadInput(Case):
    def parameters(self):
        listed = subprocess.run([self.AGENT, "meta-data"], check=True, capture_output=True, text=True).stdout
        return [parameter.get("name") for parameter in xml.fromstring(listed).iter("parameter")]

    def all_addresses(self):
        return self.net.ip(self.net.name("a"), "-o", "addr", "show", "scope", "global")

    def run_agent(self, action, given, before=()):
        """Checked as whatever it is given; the code."""
        env = self.environment("a", {"interval": 10000} if action == "monitor" else {}, BASE | given)
        env["HA_LOGFILE"] = "/dev/null"
        self.last = self.net.run("a", [*before, self.AGENT, action], env=env, errors="surrogateescape")
        code, lines = self.last.returncode, self.last.stderr.split("\n")[:-1]
        self.assertIn(code, range(0, 8), self.last.stderr[-300:])
        reasons = [line for line in lines if line.startswith("ocf-exit-reason:")]
        # A probe that finds nothing has nothing to explain; without a sound interval every monitor is one.
        least = 0 if code == 0 or (code == 7 and "CRM_meta_interval" in given) else 1
        self.assertIn(len(reasons), (least, 0 if code == 0 else 1), f"{code}: {self.last.stderr[-300:]}")
        for line in lines:
            self.assertIsNone(re.search(r"[\x00-\x08\x0a-\x1f\x7f]", line), f"{line[:300]!r}")
            self.assertLess(len(line), 1024, f"{line[:100]}…")
        return code

    def life(self, given):
        before = self.all_addresses()
        self.run_agent("validate-all", given)
        self.run_agent("monitor", given)
        if self.run_agent("start", given) != 0:
            self.assertEqual(self.all_addresses(), before)
        else:
            self.assertEqual(self.run_agent("monitor", given), 0, self.last.stderr)
        self.assertEqual(self.run_agent("stop", given), 0, self.last.stderr)
        self.assertEqual(self.all_addresses(), before)

    def test_every_parameter_with_every_kind_of_nonsense(self):
        for name in self.parameters():
            for kind, value in BAD.items():
                with self.subTest(parameter=name, value=kind):
                    self.life({name: value})

    def test_all_parameters_at_once(self):
        names = self.parameters()
        for kind, value in BAD.items():
            with self.subTest(value=kind):
                self.life({name: value for name in names})

    def test_meta_values_of_the_manager(self):
        for name in ("timeout", "interval", "clone", "clone_max", "globally_unique", "on_node"):
            for kind, value in BAD.items():
                with self.subTest(meta=name, value=kind):
                    self.life({f"CRM_meta_{name}": value})

    # --- where nothing can be written, or nothing may be done ---

    def read_only(self, options="ro"):
        """The state folder is a mount of its own, which takes nothing."""
        folder = f"{self.folder}/a"
        os.makedirs(folder, exist_ok=True)
        return ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o {options} none {folder} && exec "$@"', "sh"]

    def test_a_state_folder_that_takes_nothing_costs_the_helper_but_not_the_address(self):
        for name, options in (("read-only", "ro"), ("full", "size=4k,nr_inodes=1")):
            with self.subTest(folder=name):
                self.assertEqual(self.run_agent("start", {}, self.read_only(options)), 0)
                self.assertIn(VIP, self.net.addresses("a"))
                self.assertEqual(self.run_agent("monitor", {}, self.read_only(options)), 0)
                self.assertEqual(self.run_agent("stop", {}, self.read_only(options)), 0)
                self.assertNotIn(VIP, self.net.addresses("a"))

    def test_a_file_in_the_place_of_the_state_folder(self):
        with open(f"{self.folder}/a", "w", encoding="utf-8"):
            pass
        self.assertEqual(self.run_agent("start", {}), 0)
        self.assertEqual(self.run_agent("monitor", {}), 0)
        self.assertEqual(self.run_agent("stop", {}), 0)
        self.assertNotIn(VIP, self.net.addresses("a"))

    def test_without_the_right_to_change_addresses_nothing_is_changed(self):
        before = self.all_addresses()
        for without in ("-net_admin", "-net_raw"):
            with self.subTest(capability=without):
                lesser = ["setpriv", "--bounding-set", without, "--inh-caps", without]
                self.assertEqual(self.run_agent("start", {}, lesser), 4, self.last.stderr)
                self.assertEqual(self.all_addresses(), before)

    def test_files_of_the_helper_may_hold_anything(self):
        for text in ("", "x" * HUGE, "1 1\n", "-5 3", "99999999999999999999 1", "\0\0"):
            with self.subTest(file=text[:10]):
                os.makedirs(f"{self.folder}/a", exist_ok=True)
                for kind in ("pid", "state"):
                    with open(f"{self.folder}/a/systole-IPaddr-{VIP}.{kind}", "w", encoding="utf-8") as file:
                        file.write(text)
                self.life({})


if __name__ == "__main__":
    main(__doc__)

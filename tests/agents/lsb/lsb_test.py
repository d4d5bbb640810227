#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""OCF agents as init scripts and as resources of haresources; and `systole lsb-check` on init scripts that each break
one rule.
usage: lsb_test.py SYSTOLE SYSTOLE_LSB RESOURCE_D [unittest arguments]; leaves with 77 (skipped) where it may not make
namespaces.
"""
import concurrent.futures
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True  # the source tree stays clean
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../standalone")
import room  # noqa: E402

SYSTOLE = SYSTOLE_LSB = RESOURCE_D = ""
IP = "192.0.2.10"

# What the script does wrongly when it is run → part of the line that must say FAIL.
MISBEHAVIOUR = {
    "start": "start succeeds",
    "start-late": "status right after start",
    "start-twice": "start of the running service",
    "slow": "each action was done within 2s",
    "process": "no process is left after stop",
    "stop": "stop succeeds",
    "stop-lies": "status right after stop",
    "stop-late": "status right after stop",
    "stop-stopped": "stop of the stopped service",
    "status-running": "status right after start",
    "status-stopped": "status of the stopped service",
    "always-running": "the service is stopped",
    "unknown": "an unknown action is refused",
}
# (name, text to be replaced, replacement, part of the line that must say FAIL)
BAD_TEXTS = [
    ("no-interpreter", "#!/bin/sh\n", "\n", "the first line names an interpreter"),
    ("other-interpreter", "#!/bin/sh\n", "#!/no/such/shell\n", "the interpreter is on this machine"),
    ("carriage", "exit 0\n", "exit 0\r\n", "lines end as on Unix"),
    ("no-header", "### BEGIN INIT INFO", "# ", "the LSB comment block is complete"),
    ("no-provides", "# Provides:          sabotaged\n", "", "the LSB comment block is complete"),
    ("open-header", "### END INIT INFO", "#", "the LSB comment block is complete"),
    ("question", "start() {\n", "start() {\n  read -r answer\n", "it asks no questions"),
    ("no-status", "status) status ;;\n", "", "there is an action status"),
    ("no-stop", "stop) stop ;;\n", "", "there is an action stop"),
    ("no-start", "\nstart) start ;;\n", "\n", "there is an action start"),
    ("no-catch-all", "*)\n", "help)\n", "unknown actions have a branch of their own"),
    ("syntax", "esac\n", "", "the shell can read it"),
    ("dotted.name", "", "", "the name is one for init scripts"),
]


class Rooms(unittest.TestCase):
    def setUp(self):
        room.ip("addr", "flush", "dev", "eth0")
        room.ip("addr", "add", "192.0.2.1/24", "dev", "eth0")

    def addresses(self):
        return room.ip("-4", "addr", "show", "dev", "eth0")


class InitScript(Rooms):
    def install(self, name, *words):
        ended = room.run(SYSTOLE_LSB, "--install", name, *words)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.addCleanup(room.run, SYSTOLE_LSB, "--remove", name)
        return f"/etc/init.d/{name}"

    def code(self, *words):
        self.last = room.run(*words)
        return self.last.returncode

    def test_an_agent_lives_the_life_of_an_init_script(self):
        vip = self.install("vip", "ocf:systole:IPaddr", f"ip={IP}", "nic=eth0")
        self.assertEqual(self.code(vip, "status"), 3)
        self.assertEqual(self.last.stdout, "stopped\n")
        for _ in range(2):
            self.assertEqual(self.code(vip, "start"), 0, self.last.stderr)
            self.assertEqual(self.code(vip, "status"), 0)
            self.assertEqual(self.last.stdout, "running\n")
        self.assertIn(f"{IP}/24", self.addresses())
        for action in ("restart", "try-restart", "force-reload"):
            self.assertEqual(self.code(vip, action), 0, self.last.stderr)
            self.assertIn(f"{IP}/24", self.addresses())
        self.assertEqual(self.code(vip, "reload"), 3)
        for _ in range(2):
            self.assertEqual(self.code(vip, "stop"), 0, self.last.stderr)
            self.assertEqual(self.code(vip, "status"), 3)
        self.assertNotIn(IP, self.addresses())
        self.assertEqual((self.code(vip, "try-restart"), self.code(vip, "force-reload")), (0, 7))
        self.assertEqual((self.code(vip, "dance"), self.code(vip)), (3, 2))

    def test_what_we_install_is_fit_for_a_cluster(self):
        vip = self.install("vip", "systole:IPaddr", f"ip={IP}", "nic=eth0")
        ended = room.run(SYSTOLE, "lsb-check", "--run", vip)
        self.assertEqual(ended.returncode, 0, ended.stdout)

    def test_a_link_is_the_service_of_its_name(self):
        self.install("vip", "IPaddr", f"ip={IP}", "nic=eth0")
        os.mkdir("/mnt/rc2.d")
        for link in ("/mnt/vip", "/mnt/rc2.d/S20vip"):
            os.symlink(SYSTOLE_LSB, link)
            self.assertEqual(self.code(link, "status"), 3, self.last.stderr)
        self.assertEqual(self.code("/mnt/rc2.d/S20vip", "start"), 0)
        self.assertEqual(self.code("/mnt/vip", "status"), 0)

    def test_secrets_stay_with_root_and_nobody_elses_values_are_taken(self):
        vip = self.install("vip", "IPaddr", f"ip={IP}", "nic=eth0")
        settings = "/etc/default/vip"
        self.assertEqual(os.stat(settings).st_mode & 0o777, 0o600)
        self.assertEqual(self.code("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", vip, "start"), 4)
        os.chmod(settings, 0o666)
        self.assertEqual(self.code(vip, "start"), 4)
        self.assertEqual(self.code(vip, "status"), 4)
        self.assertIn("chmod 600", self.last.stderr)
        os.chmod(settings, 0o600)
        os.chown(settings, 65534, 0)
        self.assertEqual(self.code(vip, "start"), 4)

    def test_values_are_read_and_never_run(self):
        vip = self.install("vip", "IPaddr", f"ip={IP}", "nic=eth0")
        with open("/etc/default/vip", "a", encoding="utf-8") as file:
            file.write("iflabel=$(touch /run/was-run)\n")
        self.assertEqual((self.code(vip, "start"), self.code(vip, "status")), (6, 4))
        self.assertIn("/etc/default/vip:7:", self.last.stderr)
        self.assertFalse(os.path.exists("/run/was-run"))

    def test_an_agent_that_hangs_is_ended_at_the_time_that_was_set(self):
        with open("/run/Slow", "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n[ $1 = start ] && exec sleep 100\nexit 0\n")
        os.chmod("/run/Slow", 0o755)
        slow = self.install("slow", "/run/Slow")
        with open("/etc/default/slow", "a", encoding="utf-8") as file:
            file.write("OCF_TIMEOUT=300ms\n")
        self.assertEqual(self.code(slow, "start"), 1)
        self.assertIn("did not end in time", self.last.stderr)

    def test_files_of_others_are_neither_written_over_nor_removed(self):
        with open("/etc/init.d/other", "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n")
        with open("/etc/default/third", "w", encoding="utf-8") as file:
            file.write("A=b\n")
        self.assertEqual(self.code(SYSTOLE_LSB, "--install", "other", "IPaddr"), 2)
        self.assertEqual(self.code(SYSTOLE_LSB, "--install", "third", "IPaddr"), 2)
        self.assertEqual(self.code(SYSTOLE_LSB, "--remove", "other"), 2)
        self.assertTrue(os.path.exists("/etc/init.d/other"))
        self.assertFalse(os.path.exists("/etc/init.d/third"))
        self.assertEqual(self.code(SYSTOLE_LSB, "--install", "../x", "IPaddr"), 2)
        self.assertEqual(self.code(SYSTOLE_LSB, "--install", "x", "NoSuchAgent"), 5)

    def test_what_is_installed_is_not_written_over(self):
        self.install("vip", "IPaddr", f"ip={IP}", "nic=eth0")
        self.assertEqual(self.code(SYSTOLE_LSB, "--install", "vip", "IPaddr", "ip=192.0.2.11"), 2)
        self.assertIn("edit '/etc/default/vip', or --remove it first", self.last.stderr)
        with open("/etc/default/vip", encoding="utf-8") as file:
            self.assertIn(f"ip='{IP}'", file.read())

    def test_remove_takes_both_files_and_what_is_left_says_so(self):
        vip = self.install("vip", "IPaddr", f"ip={IP}", "nic=eth0")
        self.assertEqual(self.code(SYSTOLE_LSB, "--remove", "vip"), 0)
        self.assertFalse(os.path.exists(vip) or os.path.exists("/etc/default/vip"))
        self.assertEqual((self.code(SYSTOLE_LSB, "vip", "status"), self.code(SYSTOLE_LSB, "vip", "stop")), (4, 6))


class Haresources(Rooms):
    """As ResourceManager calls: link in resource.d, arguments split at ::, the action last."""

    def setUp(self):
        super().setUp()
        self.folder = "/run/resource.d"
        os.makedirs(self.folder, exist_ok=True)

    def call(self, resource, action):
        name, *arguments = resource.split("::")
        link = f"{self.folder}/{name}"
        if not os.path.lexists(link):
            os.symlink(RESOURCE_D, link)
        self.last = room.run(link, *arguments, action)
        return self.last.returncode

    def test_an_address_of_haresources_starts_and_stops(self):
        for resource in (f"IPaddr::{IP}", f"IPaddr::{IP}/24/eth0", f"IPaddr2::{IP}/24/eth0:1"):
            with self.subTest(resource=resource):
                self.call(resource, "status")
                self.assertEqual(self.last.stdout, "stopped\n")
                self.assertEqual(self.call(resource, "start"), 0, self.last.stderr)
                self.assertIn(f"{IP}/24", self.addresses())
                self.call(resource, "status")
                self.assertEqual(self.last.stdout, "running\n")
                for _ in range(2):
                    self.assertEqual(self.call(resource, "stop"), 0, self.last.stderr)
                self.assertNotIn(IP, self.addresses())

    def test_nothing_but_one_word_is_on_stdout(self):
        self.call(f"IPaddr::{IP}", "start")
        self.assertEqual(self.last.stdout, "")

    def test_words_that_make_no_sense_are_no_running_resource(self):
        for resource in ("IPaddr::", "IPaddr::not-an-address", "IPaddr::1.2.3.4::5.6.7.8", "NoSuchAgent"):
            with self.subTest(resource=resource):
                self.assertNotEqual(self.call(resource, "start"), 0)
                self.call(resource, "status")
                self.assertNotIn("running", self.last.stdout.lower())
                self.assertNotIn("OK", self.last.stdout)

    @unittest.skipUnless(os.access("/usr/lib/ocf/resource.d/heartbeat/Dummy", os.X_OK),
                         "heartbeat:Dummy (Debian package resource-agents) is not installed")
    def test_other_agents_take_names_and_values(self):
        self.assertEqual(self.call("heartbeat.Dummy::state=/run/dummy", "start"), 0, self.last.stderr)
        self.assertTrue(os.path.exists("/run/dummy"))
        self.call("heartbeat.Dummy::state=/run/dummy", "status")
        self.assertEqual(self.last.stdout, "running\n")
        self.assertEqual(self.call("heartbeat.Dummy::state=/run/dummy", "stop"), 0, self.last.stderr)


class Check(unittest.TestCase):
    def check(self, name, text, *options):
        path = f"/etc/init.d/{name}"
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(path, 0o755)
        self.addCleanup(subprocess.run, ["rm", "-f", path], check=True)
        ended = room.run(SYSTOLE, "lsb-check", path, *options)
        return ended, [line[len("FAIL  "):] for line in ended.stdout.splitlines() if line.startswith("FAIL  ")]

    def source(self, broken=""):
        with open(f"{HERE}/sabotaged.sh", encoding="utf-8") as file:
            return file.read().replace("\nbroken=\n", f"\nbroken={broken}\n")

    def test_a_sound_script_passes_read_and_run(self):
        for options in ((), ("--run",)):
            ended, found = self.check("sound", self.source(), *options)
            self.assertEqual((ended.returncode, found), (0, []), ended.stdout)

    def test_it_runs_nothing_unless_told_to(self):
        self.check("unrun", "#!/bin/sh\n: >/run/was-run-by-check\n")
        self.assertFalse(os.path.exists("/run/was-run-by-check"))

    def test_it_says_before_what_it_will_run(self):
        ended, _ = self.check("said", self.source(), "--run")
        self.assertIn("status, stop, start, start, no-such-action, stop, stop", ended.stderr)

    def test_each_misbehaviour_is_noticed(self):
        def run(broken):
            return self.check(broken, self.source(broken), "--run", "--timeout", "2s")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:  # most of the time is spent waiting
            results = dict(zip(MISBEHAVIOUR, pool.map(run, MISBEHAVIOUR)))
        for broken, rule in MISBEHAVIOUR.items():
            with self.subTest(broken=broken):
                ended, found = results[broken]
                self.assertEqual(ended.returncode, 1, ended.stdout)
                self.assertTrue(any(rule in line for line in found), (rule, found))

    def test_each_bad_text_is_noticed(self):
        for name, old, new, rule in BAD_TEXTS:
            with self.subTest(text=name):
                ended, found = self.check(name, self.source().replace(old, new) if old else self.source())
                self.assertEqual(ended.returncode, 1, ended.stdout)
                self.assertTrue(any(rule in line for line in found), (rule, found))

    def test_failures_behind_a_constant_last_line_are_noticed(self):
        for last in ("exit 0", ":", "true"):
            text = self.source().replace("exit ", "return ").replace("\nreturn 0\n", f"\n{last}\n")
            self.assertIn("failures are not hidden behind the last line", self.check("hidden", text)[1][0])

    def test_a_file_that_everybody_may_write_or_nobody_may_run_is_noticed(self):
        path = "/etc/init.d/modes"
        self.check("modes-of", self.source())
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.source())
        self.addCleanup(subprocess.run, ["rm", "-f", path], check=True)
        for mode, rule in ((0o644, "it is an executable file"), (0o777, "only its owner may write it")):
            os.chmod(path, mode)
            self.assertIn(f"FAIL  {rule}", room.run(SYSTOLE, "lsb-check", path).stdout)

    def test_a_service_that_runs_is_let_alone(self):
        with open("/run/lsb-sabotaged.", "w", encoding="utf-8"):
            pass
        _, found = self.check("running", self.source(), "--run")
        self.assertTrue(os.path.exists("/run/lsb-sabotaged."))
        os.remove("/run/lsb-sabotaged.")
        self.assertIn("it runs: stop it", found[0])


def furnish():
    for folder in ("init.d", "default"):
        os.makedirs(f"/mnt/etc/{folder}")
        subprocess.run(["mount", "--bind", f"/mnt/etc/{folder}", f"/etc/{folder}"], check=True)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    room.enter()
    furnish()
    SYSTOLE, SYSTOLE_LSB, RESOURCE_D = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
    unittest.main(verbosity=2)

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A cluster from nothing: `systole init` on the first machine, `invite` and `join` for each further one, until the
daemons see each other; and what a person can do wrong on the way. Machines are namespaces with a network, a disk and a
name of their own.

usage: founding.py BUILD_FOLDER [unittest's arguments]"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

for folder in ("rig", "kit"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / folder))
import cluster as kit  # noqa: E402
import rig as rigs  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else pathlib.Path("build/ci").resolve()
PROGRAMS = ("crmd", "systole-guardian", "systole", "cibadmin")
AGENTS = ("IPaddr",)
PREFIX = f"fo{os.getpid() % 10000}"
PATIENCE = 40  # s: sanitized programs on a busy machine
CONF, KEY, FIRST = "etc/systole/cluster.conf", "etc/systole/authkey", "etc/systole/first-cib.xml"


def until(condition, what, more=lambda: ""):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited {PATIENCE} s in vain for {what}\n{more()}")


def find_program(name):
    agent = BUILD / "lib/ocf/resource.d/systole" / name
    return agent if agent.is_file() else kit.find_program(BUILD, name)


class Invitation:
    """`systole invite` in the background; its line is what a person would copy."""

    def __init__(self, site, node, *more):
        self.process = subprocess.Popen(site.rig.enter(node, "systole", "invite", *more), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        site.processes.append(self.process)
        self.line = self.process.stdout.readline().split()

    def end(self):
        """Exit code and what was said."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out + err


class Site(unittest.TestCase):
    """Bare machines with the programs on them; each test finds them as new."""
    machines, links = 2, 1

    @classmethod
    def setUpClass(cls):
        cls.rig = rigs.Rig(PREFIX)
        stage = pathlib.Path(tempfile.mkdtemp(prefix="systole-founding-"))
        cls.addClassCleanup(shutil.rmtree, stage, ignore_errors=True)
        cls.addClassCleanup(cls.rig.down)
        for folder, names in (("bin", PROGRAMS), ("agents", AGENTS)):
            (stage / folder).mkdir()
            for name in names:
                shutil.copy2(find_program(name), stage / folder)
        shares = [(stage, "/opt/systole"), (stage / "agents", "/usr/lib/ocf/resource.d/systole")]
        cls.rig.up(cls.machines, cls.links, shares)

    def setUp(self):
        self.processes = []
        self.addCleanup(self.end_processes)
        for node in self.rig.nodes():
            for folder in ("etc/systole", "var/lib/systole"):
                for file in self.rig.disk(node, folder).iterdir():
                    file.unlink()

    def end_processes(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def run_at(self, node, *command, data=None):
        done = self.rig.at(node, *command, check=False, data=data)
        return done.returncode, done.stdout + done.stderr

    def init(self, *more):
        return self.run_at("n1", "systole", "init", "--name", "shop", "--address", "10.77.0.1", *more)

    def join(self, node, line, *more):
        return self.run_at(node, *line, *more)

    def file(self, node, path):
        file = self.rig.disk(node, path)
        return file.read_text() if file.exists() else None

    def start_crmd(self, node):
        log = open(self.rig.disk(node, "var/log/crmd.log"), "ab")
        self.addCleanup(log.close)
        self.processes.append(subprocess.Popen(self.rig.enter(node, "crmd"), stdin=subprocess.DEVNULL, stdout=log,
                                               stderr=log))

    def stop_crmd(self, node):
        self.run_at(node, "sh", "-c", "kill $(cat /run/systole/crmd.pid)")
        until(lambda: self.run_at(node, "pidof", "crmd")[0] != 0, f"crmd to end on {node}")

    def end_daemons(self):
        """At once: the second signal means that."""
        end = "test -f /run/systole/crmd.pid && p=$(cat /run/systole/crmd.pid) && kill $p && sleep 0.2 && kill $p"
        for node in self.rig.nodes():
            self.run_at(node, "sh", "-c", end)
        for node in self.rig.nodes():
            until(lambda at=node: self.run_at(at, "pidof", "crmd")[0] != 0, f"crmd to end on {node}")

    def sees_all(self, node, names):
        text = self.rig.at(node, "systole", "status", "--json", check=False).stdout
        if not text:
            return False
        nodes = {one["name"]: one["up"] and (one["joined"] or one["witness"]) for one in json.loads(text)["nodes"]}
        return nodes == {name: True for name in names}

    def wait_to_see(self, node, names):
        until(lambda: self.sees_all(node, names), f"{node} to see {names}",
              lambda: self.run_at(node, "systole", "status")[1] + self.file(node, "var/log/crmd.log")[-2000:])

    def assert_untouched(self, node):
        """Not a file, and not a half-written one."""
        self.assertEqual(os.listdir(self.rig.disk(node, "etc/systole")), [])


class FromNothing(Site):
    machines = 3

    def test_three_commands_make_two_nodes_that_see_each_other_and_two_more_add_a_witness(self):
        code, said = self.init("--deadtime", "700")
        self.assertEqual(code, 0, said)
        invitation = Invitation(self, "n1")
        *command, token = invitation.line
        code, said = self.run_at("n2", "systole", "join", "--address", "10.77.0.2", command[2], data=token + "\n")
        self.assertEqual(code, 0, said)
        self.assertIn("node 'n2' of cluster 'shop'", said)
        self.assertEqual(invitation.end()[0], 0)
        for path in (CONF, KEY, FIRST):
            self.assertEqual(self.file("n1", path), self.file("n2", path), path)
        for node in ("n1", "n2"):
            code, said = self.run_at(node, "systole", "verify")
            self.assertEqual(code, 0, said)
            self.assertEqual(self.rig.disk(node, KEY).stat().st_mode & 0o7777, 0o400)
            self.assertEqual(sorted(os.listdir(self.rig.disk(node, "etc/systole"))),
                             ["authkey", "cluster.conf", "first-cib.xml"])
            self.start_crmd(node)
        for node in ("n1", "n2"):
            self.wait_to_see(node, ("n1", "n2"))
            _, cib = self.run_at(node, "cibadmin", "--query", "--scope", "crm_config")
            self.assertIn('name="stonith-enabled" value="false"', cib)
        invitation = Invitation(self, "n1", "--witness")
        code, said = self.join("n3", invitation.line)
        self.assertEqual(code, 0, said)
        self.assertIn("it votes and runs nothing", said)
        code, said = invitation.end()
        self.assertEqual(code, 0, said)
        self.assertIn("mode none is mode witness now", said)
        self.assertIn("copy /etc/systole/cluster.conf to each of them: n2 (10.77.0.2)", said)
        self.assertIn("it changes mode (none becomes majority)", said)
        self.assertIn("Then restart crmd here and on them, one after the other", said)
        self.assertIn("witness: yes", self.file("n3", CONF))
        for node in ("n1", "n2"):
            self.stop_crmd(node)
        shutil.copy2(self.rig.disk("n1", CONF), self.rig.disk("n2", CONF))
        for node in ("n1", "n2", "n3"):
            self.start_crmd(node)
        for node in ("n1", "n2", "n3"):
            self.wait_to_see(node, ("n1", "n2", "n3"))


class WithoutRestart(Site):
    machines = 3

    def setUp(self):
        super().setUp()
        self.addCleanup(self.end_daemons)

    def test_a_third_node_joins_two_that_run_and_none_of_them_is_restarted_or_loses_another(self):
        self.assertEqual(self.init("--mode", "majority")[0], 0)
        conf = self.rig.disk("n1", CONF)
        conf.write_text(conf.read_text().replace("to_syslog: yes", "to_stderr: yes"))
        self.assertEqual(self.join("n2", Invitation(self, "n1").line)[0], 0)
        for node in ("n1", "n2"):
            self.start_crmd(node)
        for node in ("n1", "n2"):
            self.wait_to_see(node, ("n1", "n2"))
        pids = {node: self.run_at(node, "cat", "/run/systole/crmd.pid")[1] for node in ("n1", "n2")}
        invitation = Invitation(self, "n1")
        self.assertEqual(self.join("n3", invitation.line)[0], 0)
        code, said = invitation.end()
        self.assertEqual(code, 0, said)
        self.assertIn("crmd here knows it already", said)
        self.assertIn("copy /etc/systole/cluster.conf to each of them: n2 (10.77.0.2)", said)
        self.assertIn("Then run 'systole reload' there", said)
        shutil.copy2(self.rig.disk("n1", CONF), self.rig.disk("n2", CONF))
        code, said = self.run_at("n2", "systole", "reload")
        self.assertEqual(code, 0, said)
        self.assertIn("node 'n3' (nodeid 3) is new", said)
        self.start_crmd("n3")
        for node in ("n1", "n2", "n3"):
            self.wait_to_see(node, ("n1", "n2", "n3"))
        for node, pid in pids.items():
            self.assertEqual(self.run_at(node, "cat", "/run/systole/crmd.pid")[1], pid)
            self.assertNotRegex(self.file(node, "var/log/crmd.log"), r"node n\d is lost")
        _, cib = self.run_at("n1", "cibadmin", "--query", "--scope", "nodes")
        self.assertIn('uname="n3"', cib)

    def test_what_cannot_be_taken_over_is_named_and_a_broken_file_changes_nothing(self):
        self.assertEqual(self.init("--mode", "majority")[0], 0)
        self.start_crmd("n1")
        self.wait_to_see("n1", ("n1",))
        conf = self.rig.disk("n1", CONF)
        sound = conf.read_text()
        conf.write_text(sound.replace("cluster_name: shop", "cluster_name: other"))
        code, said = self.run_at("n1", "systole", "reload")
        self.assertEqual(code, 78, said)
        self.assertIn("it changes cluster_name. Restart crmd on one node after the other; nothing was changed", said)
        conf.write_text(sound + "nonsense {\n")
        code, said = self.run_at("n1", "systole", "reload")
        self.assertEqual(code, 78, said)
        self.assertIn("nothing was changed", said)
        conf.write_text(sound)
        code, said = self.run_at("n1", "systole", "reload")
        self.assertEqual(code, 0, said)
        self.assertIn("say what they said before", said)
        conf.write_text(sound.replace("to_syslog: yes", "to_stderr: yes"))
        self.run_at("n1", "sh", "-c", "kill -HUP $(cat /run/systole/crmd.pid)")
        until(lambda: "the section 'logging' changed" in self.file("n1", "var/log/crmd.log"),
              "the signal to be noted, where the changed file says")
        self.assertTrue(self.sees_all("n1", ("n1",)))


class GoesWrong(Site):
    def setUp(self):
        super().setUp()
        code, said = self.init()
        self.assertEqual(code, 0, said)

    def test_a_second_init_touches_nothing(self):
        before = self.file("n1", CONF)
        code, said = self.init()
        self.assertEqual(code, 108, said)
        self.assertIn("/etc/systole/cluster.conf exists already", said)
        self.assertEqual(self.file("n1", CONF), before)

    def test_an_address_that_this_machine_does_not_have(self):
        code, said = self.run_at("n2", "systole", "init", "--name", "shop", "--address", "10.77.0.1")
        self.assertEqual(code, 65, said)
        self.assertIn("there are: ", said)
        self.assertIn("10.77.0.2", said)
        self.assert_untouched("n2")

    def test_three_wrong_tokens_end_the_invitation_and_a_mistyped_one_costs_no_try(self):
        invitation = Invitation(self, "n1")
        *command, token = invitation.line
        flipped = token[:-1] + ("0" if token[-1] != "0" else "2")
        code, said = self.join("n2", [*command, flipped])
        self.assertEqual(code, 65, said)
        for _ in range(3):
            code, said = self.join("n2", [*command, "0000-0000-0000-0000-0000-0000-0" + CHECK_OF_ZERO])
            self.assertEqual(code, 1, said)
            self.assertIn("does not know this token", said)
        code, said = invitation.end()
        self.assertEqual(code, 77, said)
        self.assertIn("3 wrong tokens", said)
        self.assertEqual(self.join("n2", invitation.line)[0], 102, "nobody listens any more")
        self.assert_untouched("n2")

    def test_an_invitation_ends_by_itself(self):
        code, said = Invitation(self, "n1", "--wait", "1").end()
        self.assertEqual(code, 124, said)
        self.assertIn("nobody came within 1s", said)

    def test_a_port_in_use_is_said(self):
        first = Invitation(self, "n1")
        code, said = Invitation(self, "n1").end()
        self.assertEqual(code, 69, said)
        self.assertIn("another 'systole invite'", said)
        self.assertEqual(self.join("n2", first.line)[0], 0)

    def test_noise_and_cut_conversations_do_not_end_the_invitation(self):
        invitation = Invitation(self, "n1")
        for noise in ("GET / HTTP/1.0\r\n\r\n", "SYSJOIN\x01half"):
            self.rig.at("n2", "bash", "-c", "printf %s \"$1\" > /dev/tcp/10.77.0.1/5408", "-", noise)
        code, said = self.join("n2", invitation.line)
        self.assertEqual(code, 0, said)

    def test_name_and_address_of_another_node_are_refused_and_the_same_token_may_try_again(self):
        invitation = Invitation(self, "n1")
        before = self.file("n1", CONF)
        code, said = self.join("n2", invitation.line, "--name", "n1")
        self.assertEqual(code, 1, said)
        self.assertIn("lists a node 'n1' already", said)
        self.assert_untouched("n2")
        self.assertEqual(self.file("n1", CONF), before)
        self.assertEqual(self.join("n2", invitation.line)[0], 0)

    def test_who_belongs_to_a_cluster_already_does_not_join_another(self):
        invitation = Invitation(self, "n1")
        for path in (CONF, "var/lib/systole/cib.xml"):
            self.rig.disk("n2", path).write_text("mine")
            code, said = self.join("n2", invitation.line)
            self.assertEqual(code, 108, said)
            self.assertEqual(self.file("n2", path), "mine")
            self.rig.disk("n2", path).unlink()
        self.rig.disk("n2", KEY).write_text("mine")
        code, said = self.join("n2", invitation.line)
        self.assertEqual(code, 108, said)
        self.assertEqual(os.listdir(self.rig.disk("n2", "etc/systole")), ["authkey"])
        self.assertNotIn("n2", self.file("n1", CONF), "the host counted in nobody")
        self.rig.disk("n2", KEY).unlink()
        self.assertEqual(self.join("n2", invitation.line)[0], 0)

    def test_a_machine_that_lost_its_disk_joins_again_as_the_node_that_it_was(self):
        self.assertEqual(self.join("n2", Invitation(self, "n1").line)[0], 0)
        before = self.file("n1", CONF)
        for path in (CONF, KEY, FIRST):
            self.rig.disk("n2", path).unlink()
        code, said = Invitation(self, "n1", "--again", "n3").end()
        self.assertEqual(code, 105, said)
        again = Invitation(self, "n1", "--again", "n2").line
        code, said = self.join("n2", again, "--name", "other")
        self.assertIn("for node 'n2' alone", said)
        self.assertEqual(self.join("n2", again)[0], 0)
        self.assertEqual(self.file("n1", CONF), before)
        self.assertEqual(self.file("n2", CONF), before)

    def test_a_third_node_needs_another_mode_and_is_told_before_anybody_is_invited(self):
        self.assertEqual(self.join("n2", Invitation(self, "n1").line)[0], 0)
        code, said = Invitation(self, "n1").end()
        self.assertEqual(code, 1, said)
        self.assertIn("write 'mode: majority'", said)


def check_of(token):
    """The last digits of a token, as it would have to be for these 16 bytes: a wrong one that is no typing error."""
    import hashlib
    digest = hashlib.blake2b(token, digest_size=16).digest()
    number = int.from_bytes(token + digest[:2], "big") >> 4
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return "".join(alphabet[number >> 5 * i & 31] for i in (2, 1, 0))


CHECK_OF_ZERO = check_of(bytes(16))

if __name__ == "__main__":
    unittest.main(verbosity=2)

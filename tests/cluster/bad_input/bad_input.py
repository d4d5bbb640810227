#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a person can get wrong, given to the real daemon and tools: each time a clear message, a defined exit code, and
nothing lost.

usage: bad_input.py BUILD_FOLDER [unittest's arguments]

Everything lives in a temporary folder and on the loopback interface; no namespace is needed."""
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else pathlib.Path("build/ci").resolve()
CRMD, TOOLS = BUILD / "crmd/main/crmd", BUILD / "tools"
PATIENCE = 30  # s: sanitized programs on a busy machine

AGENTS = {
    "hangs": "#!/bin/sh\n[ \"$1\" = start ] && exec sleep 1000\n[ \"$1\" = monitor ] && exit 7\nexit 0\n",
    "floods": "#!/bin/sh\n[ \"$1\" = monitor ] && exit 7\n[ \"$1\" = start ] || exit 0\n"
              "head -c 30000000 /dev/zero | tr '\\0' 'x' >&2\necho >&2\necho 'ocf-exit-reason:drowned' >&2\nexit 1\n",
    "dies": "#!/bin/sh\n[ \"$1\" = start ] && kill -SEGV $$\n[ \"$1\" = monitor ] && exit 7\nexit 0\n",
}


def free_port():
    """A port that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """One node of one cluster in a folder of its own."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="systole-bad-"))
        self.port, self.process = free_port(), None
        self.key = self.folder / "authkey"
        self.key.write_text(secrets.token_hex(32) + "\n")
        self.key.chmod(0o400)
        for name, script in AGENTS.items():
            path = self.folder / "ocf/resource.d/test" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(script)
            path.chmod(0o755)
        self.configure()

    def configure(self, names=("n1",), address="127.0.0.1", interface=""):
        addresses = [address, "127.0.0.2"]
        nodes = "".join(f"node {{\n nodeid: {i}\n name: {name}\n ring0_addr: {addresses[i - 1]}\n}}\n"
                        for i, name in enumerate(names, 1))
        link = f"interface {{\n linknumber: 0\n interface: {interface}\n}}\n" if interface else ""
        quorum = "quorum {\n mode: none\n}\n" if len(names) == 2 else ""
        self.conf = self.folder / "cluster.conf"
        self.conf.write_text(f"totem {{\n version: 2\n cluster_name: bad\n keepalive: 100\n deadtime: 500\n"
                             f" initdead: 500\n"
                             f" port: {self.port}\n key_file: {self.key}\n{link}}}\nnodelist {{\n{nodes}}}\n{quorum}"
                             f"logging {{\n to_syslog: no\n to_stderr: yes\n}}\n")

    def command(self, *more):
        return [str(CRMD), "--config", str(self.conf), "--node", "n1", "--state-dir", str(self.folder / "state"),
                "--run-dir", str(self.folder / "run"), "--ocf-root", str(self.folder / "ocf"), *map(str, more)]

    def environment(self):
        return {**os.environ, "SYSTOLE_RUNDIR": str(self.folder / "run"), "SYSTOLE_TOOLS": str(TOOLS)}

    def fails(self, *more):
        """Runs the daemon, which must end by itself."""
        return subprocess.run(self.command(*more), capture_output=True, text=True, timeout=PATIENCE,
                              env=self.environment())

    def start(self, *more):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(*more), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=self.environment())
        self.until(lambda: (self.status() or {}).get("leader"), "a leader")

    def until(self, condition, what):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            time.sleep(0.1)
        raise AssertionError(f"waited {PATIENCE} s in vain for {what}:\n{(self.folder / 'log').read_text()[-3000:]}")

    def tool(self, name, *words, data=None):
        return subprocess.run([str(TOOLS / name), *words], input=data, capture_output=True, text=True, timeout=PATIENCE,
                              env=self.environment())

    def status(self):
        done = self.tool("systole", "status", "--json")
        return json.loads(done.stdout) if done.stdout else None

    def stop(self):
        """The exit code after SIGTERM."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "hung"
        finally:
            self.process = None

    def remove(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        for lock in self.folder.glob("run/**/guardian.pid"):  # it outlives a killed crmd: that is what it is for
            try:
                os.kill(int(lock.read_text()), signal.SIGKILL)
            except (ProcessLookupError, ValueError):
                pass
        shutil.rmtree(self.folder, ignore_errors=True)


class Case(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.remove)

    def refused(self, done, code, *texts):
        self.assertEqual(done.returncode, code, done.stderr)
        for text in texts:
            self.assertIn(text, done.stderr)


class AWitnessOfSeveralClusters(unittest.TestCase):
    """Other folders and one process more; here because it is the same daemon on a command line that few write."""

    def setUp(self):
        self.one, self.two = Daemon(), Daemon()
        for daemon, cluster in ((self.one, "bad"), (self.two, "worse")):
            self.addCleanup(daemon.remove)
            daemon.configure(("n1", "n2"))
            text = daemon.conf.read_text().replace("cluster_name: bad", f"cluster_name: {cluster}")
            text = text.replace("mode: none", "mode: witness").replace(" name: n1\n", " name: n1\n witness: yes\n")
            third = "node {\n nodeid: 3\n name: n3\n ring0_addr: 127.0.0.3\n}\n"
            daemon.conf.write_text(text.replace("nodelist {\n", "nodelist {\n" + third))

    def words(self, *more):
        return ["--witness", "--config", self.two.conf, *more]

    def cluster_seen_in(self, folder):
        environment = {**os.environ, "SYSTOLE_RUNDIR": str(folder)}
        done = subprocess.run([str(TOOLS / "systole"), "status", "--json"], capture_output=True, text=True,
                              timeout=PATIENCE, env=environment)
        return json.loads(done.stdout)["cluster"] if done.stdout else None

    def test_each_has_a_daemon_of_its_own_and_one_that_dies_comes_back(self):
        with open(self.one.folder / "log", "ab") as log:
            self.one.process = subprocess.Popen(self.one.command(*self.words()), stdout=log, stderr=log,
                                                stdin=subprocess.DEVNULL)
        run = self.one.folder / "run"
        for cluster in ("bad", "worse"):
            self.one.until(lambda: self.cluster_seen_in(run / cluster) == cluster, f"cluster {cluster}")
        pid = int((run / "worse/crmd.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        self.one.until(lambda: int((run / "worse/crmd.pid").read_text() or 0) not in (0, pid)
                       and self.cluster_seen_in(run / "worse") == "worse", "its successor")
        self.assertEqual(self.one.stop(), 0)

    def test_two_clusters_of_one_name_are_refused(self):
        self.two.conf.write_text(self.two.conf.read_text().replace("cluster_name: worse", "cluster_name: bad"))
        done = self.one.fails(*self.words())
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("two clusters need two names", done.stderr)

    def test_several_clusters_need_a_witness(self):
        done = self.one.fails("--config", self.two.conf)
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertIn("only a witness", done.stderr)


class TheDaemonRefuses(Case):
    def test_an_unknown_option(self):
        self.refused(self.daemon.fails("--bogus"), 64, "--bogus")

    def test_a_missing_configuration(self):
        self.daemon.conf.unlink()
        self.refused(self.daemon.fails(), 66, str(self.daemon.conf))

    def test_an_unknown_word(self):
        text = self.daemon.conf.read_text()
        self.daemon.conf.write_text(text.replace("deadtime", "deathtime"))
        self.refused(self.daemon.fails(), 78, "cluster.conf:5: unknown word 'deathtime'",
                     "known: cluster_name, deadtime")

    def test_two_nodes_with_one_name(self):
        self.daemon.configure(names=("n1", "n1"))
        self.refused(self.daemon.fails(), 78, "two nodes have the name 'n1'")

    def test_a_key_file_with_open_permissions(self):
        self.daemon.key.chmod(0o644)
        self.refused(self.daemon.fails(), 77, f"chmod 0400 {self.daemon.key}")

    def test_to_be_a_witness_that_the_configuration_does_not_know(self):
        self.refused(self.daemon.fails("--witness"), 78, "node 'n1' is none", "witness: yes")

    def test_a_missing_key_file(self):
        self.daemon.key.unlink()
        self.refused(self.daemon.fails(), 66, "systole keygen")

    def test_an_unknown_interface(self):
        self.daemon.configure(interface="nosuchif0")
        self.refused(self.daemon.fails(), 78, "there is no interface 'nosuchif0'")

    def test_an_address_that_is_not_on_this_machine(self):
        self.daemon.configure(address="192.0.2.77")
        self.refused(self.daemon.fails(), 69, "192.0.2.77", "no interface of this machine has this address")

    def test_a_port_in_use(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", self.daemon.port))
            self.refused(self.daemon.fails(), 69, f"port {self.daemon.port}/udp is in use")

    def test_a_first_cib_that_is_broken_or_no_cib(self):
        cib = self.daemon.folder / "first.xml"
        cib.write_text("<cib><configuration>")
        self.refused(self.daemon.fails("--first-cib", cib), 65, str(cib))
        cib.write_text("<cib><configuration><crm_config/><nodes/><resources><primitive id='x'/></resources>"
                       "<constraints/></configuration><status/></cib>")
        self.refused(self.daemon.fails("--first-cib", cib), 65, str(cib), "x")

    def test_a_state_directory_that_is_none(self):
        (self.daemon.folder / "state").write_text("")
        self.refused(self.daemon.fails(), 74, "state")

    def test_a_second_daemon_in_the_same_run_directory(self):
        self.daemon.start()
        self.refused(self.daemon.fails(), 108, f"already running (pid {self.daemon.process.pid})")
        self.assertEqual(self.daemon.stop(), 0)


class TheToolsRefuse(Case):
    def test_to_work_without_a_daemon(self):
        for name, *words in (("systole", "status"), ("cibadmin", "-Q"), ("crm_node", "-n"),
                             ("crm_attribute", "-n", "x", "-G"), ("attrd_updater", "-n", "x", "-Q")):
            self.refused(self.daemon.tool(name, *words), 102, "no daemon answers")

    def test_broken_xml_and_a_wrong_schema_and_nothing_is_lost(self):
        self.daemon.start()
        good = "<primitive id='keep' class='ocf' provider='test' type='dies'><meta_attributes id='m'>" \
               "<nvpair id='m-t' name='target-role' value='Stopped'/></meta_attributes></primitive>"
        self.assertEqual(self.daemon.tool("cibadmin", "-C", "-o", "resources", "-X", good).returncode, 0)
        before = self.daemon.tool("cibadmin", "-Q", "-o", "configuration").stdout
        self.assertIn("keep", before)
        self.refused(self.daemon.tool("cibadmin", "-R", "-p", data="<cib><configuration>"), 65)
        self.refused(self.daemon.tool("cibadmin", "-C", "-o", "resources", "-X", "<primitive id='x'/>"), 78,
                     "Update does not conform to the configured schema")
        self.refused(self.daemon.tool("cibadmin", "-C", "-o", "resources", "-X", good), 108, "File exists")
        self.assertEqual(self.daemon.tool("cibadmin", "-Q", "-o", "configuration").stdout, before)
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        self.assertIn("keep", self.daemon.tool("cibadmin", "-Q", "-o", "configuration").stdout, "lost over a restart")

    def test_a_stranger_at_the_socket(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become somebody else")
        self.daemon.start()
        self.daemon.folder.chmod(0o755)
        script = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
                  "s.sendall(b'\\x03\\0\\0\\0\\x01\\0\\x04'); print(s.recv(4096))")
        done = subprocess.run([sys.executable, "-c", script, str(self.daemon.folder / "run/crmd.sock")], text=True,
                              capture_output=True, timeout=PATIENCE, user=65534, group=65534, extra_groups=[], cwd="/")
        self.assertIn("may not talk to the cluster", done.stdout, done.stderr)


class AgentsMisbehave(Case):
    """The daemon survives, says what happened, and goes on working."""

    def fails_with(self, agent, reason):
        self.daemon.start()
        self.daemon.tool("crm_attribute", "-n", "stonith-enabled", "-v", "false")
        xml = f"<primitive id='thing' class='ocf' provider='test' type='{agent}'><operations>" \
              "<op id='thing-start' name='start' interval='0' timeout='2s'/></operations></primitive>"
        done = self.daemon.tool("cibadmin", "-C", "-o", "resources", "-X", xml)
        self.assertEqual(done.returncode, 0, done.stderr)
        query = ("cibadmin", "-Q", "--xpath", f"//lrm_rsc_op[@operation='start' and @exit-reason='{reason}']")
        self.daemon.until(lambda: self.daemon.tool(*query).returncode == 0, f"exit reason '{reason}'")
        status = self.daemon.tool("systole", "status")
        self.assertNotEqual(status.returncode, 0, status.stdout)
        self.assertIn("thing", status.stdout)
        self.assertEqual(self.daemon.stop(), 0)

    def test_one_hangs(self):
        self.fails_with("hangs", "Resource agent did not complete within 2s")

    def test_one_floods_stderr(self):
        self.fails_with("floods", "drowned")

    def test_one_dies_of_a_signal(self):
        self.fails_with("dies", "Resource agent interrupted by Segmentation fault signal")


if __name__ == "__main__":
    unittest.main()

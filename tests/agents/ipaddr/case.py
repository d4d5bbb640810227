# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of ocf:systole:IPaddr share: hosts on a switch, calls of the agent there, its helper and its files."""
import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True  # the source tree stays clean
from net import Net  # noqa: E402

VIP = "10.77.0.100"


class Case(unittest.TestCase):
    """Hosts a, b and client on a switch; the agent runs on a and b."""
    AGENT = ""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ipaddr-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(self.end_helpers)
        self.net = Net(["a", "b", "client"])
        self.addCleanup(self.net.close)

    def end_helpers(self):
        """However a test ended, and whichever parameters it used."""
        for file in glob.glob(f"{self.folder}/*/systole-IPaddr-*.pid"):
            with open(file) as opened, contextlib.suppress(ProcessLookupError, ValueError):
                os.kill(int(opened.read().split()[0]), signal.SIGKILL)

    def environment(self, host, meta, params):
        env = {"PATH": os.environ["PATH"], "HA_RSCTMP": f"{self.folder}/{host}", "OCF_RESOURCE_INSTANCE": "vip",
               "HA_LOGFILE": "/dev/stderr",
               "OCF_RESKEY_CRM_meta_timeout": "20000", "OCF_RESKEY_ip": VIP}
        env.update({f"OCF_RESKEY_CRM_meta_{name}": str(value) for name, value in meta.items()})
        env.update({f"OCF_RESKEY_{name}": str(value) for name, value in params.items()})
        return env

    def agent(self, host, action, meta=None, nobody=False, **params):
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if nobody else []
        self.last = self.net.run(host, [*command, self.AGENT, action], env=self.environment(host, meta or {}, params))
        return self.last.returncode

    def monitor(self, host, **params):
        return self.agent(host, "monitor", meta={"interval": 10000}, **params)

    def part(self, host, *words):
        child = self.net.begin(host, *words)
        self.assertEqual(child.stdout.readline().strip(), "ready")
        return child

    def helper(self, host, ip=VIP):
        """The pid of the address's resident helper, or None."""
        try:
            with open(f"{self.folder}/{host}/systole-IPaddr-{ip}.pid") as file:
                pid = int(file.read().split()[0])
            with open(f"/proc/{pid}/stat") as file:
                return pid if file.read().rsplit(")", 1)[1].split()[0] != "Z" else None
        except FileNotFoundError:
            return None

    def state(self, host, ip=VIP):
        """What the helper last wrote; {}: nothing yet."""
        try:
            with open(f"{self.folder}/{host}/systole-IPaddr-{ip}.state") as file:
                return dict(line.split(None, 1) for line in file.read().splitlines())
        except FileNotFoundError:
            return {}

    def within(self, seconds, true):
        end = time.monotonic() + seconds
        while not (now := true()) and time.monotonic() < end:
            time.sleep(0.02)
        return now

    def packets(self, child):
        return [json.loads(line) for line in child.stdout]


def may_make_namespaces():
    name = f"ipaddr-{os.getpid()}-try"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode != 0:
        return False
    subprocess.run(["ip", "netns", "del", name], check=True)
    return True


def leave_orderly(number, _frame):
    raise KeyboardInterrupt(f"signal {number}")  # the one exception that ends unittest; Net cleans up at exit


def main(usage):
    if len(sys.argv) < 2:
        sys.exit(usage)
    Case.AGENT = os.path.abspath(sys.argv.pop(1))
    if shutil.which("ip") is None or not may_make_namespaces():
        print("skipped: needs ip(8) and the right to make network namespaces")
        sys.exit(77)
    signal.signal(signal.SIGTERM, leave_orderly)
    unittest.main(verbosity=2)

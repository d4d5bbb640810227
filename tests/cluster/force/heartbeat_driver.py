# SPDX-License-Identifier: GPL-2.0-or-later
"""Heartbeat 3 with haresources, the address by its own IPaddr.

The packages may be installed, or only unpacked into a folder (dpkg-deb -x) so that this machine stays as it is."""
import os
import pathlib
import shutil
import subprocess

import cluster as kit
from driver import Driver
from pacemaker_driver import versions

DAEMON = "usr/libexec/heartbeat/heartbeat"
NEEDED = {"/etc/ha.d/shellfuncs": "resource-agents", "/usr/sbin/ifconfig": "net-tools",
          "/usr/bin/gawk": "gawk", "/usr/bin/killall": "psmisc", "/usr/sbin/lrmadmin": "cluster-glue"}

# auto_failback off: as elsewhere here, a node that comes back takes nothing away.
HA_CF = """debugfile /var/log/ha-debug
logfile /var/log/ha-log
keepalive {keepalive}ms
deadtime {deadtime}ms
warntime {deadtime}ms
initdead 5
udpport 694
bcast eth0
auto_failback off
node n1
node n2
"""

START = """#!/bin/sh
mkdir -p /run/lock/subsys /run/heartbeat/ccm /run/heartbeat/crm
exec /etc/init.d/heartbeat start
"""


YOUNG = 8.0  # s


def age(pid):
    """Seconds since the process began."""
    started = int(kit.rigs.start_time(pid) or 0) / os.sysconf("SC_CLK_TCK")
    return float(pathlib.Path("/proc/uptime").read_text().split()[0]) - started


class Heartbeat(Driver):
    name, daemon = "heartbeat", "heartbeat"

    def __init__(self, folder, keepalive, deadtime):
        self.folder = pathlib.Path(folder or "/")
        self.keepalive, self.deadtime = keepalive, deadtime
        self.mode = f"{keepalive}/{deadtime} ms"

    @property
    def unpacked(self):
        return self.folder != pathlib.Path("/")

    def missing(self):
        absent = sorted({package for path, package in NEEDED.items() if not os.path.exists(path)})
        if not (self.folder / DAEMON).exists():
            absent.insert(0, "heartbeat")
        return f"not installed: apt-get install --no-install-recommends {' '.join(absent)}" if absent else None

    def version(self):
        if not self.unpacked:
            return versions("heartbeat")
        done = subprocess.run([self.folder / DAEMON, "-V"], capture_output=True, text=True,
                              env={"LD_LIBRARY_PATH": str(self.folder / "usr/lib")})
        return "heartbeat " + done.stdout.strip()

    def stage(self, field):
        if self.unpacked:
            shutil.copytree(self.folder / "usr", field.stage / "heartbeat", symlinks=True)

    def mounts(self):
        layers = "lowerdir=/opt/systole/heartbeat:/usr"
        return f"mount -t overlay overlay -o {layers} /usr || exit 1" if self.unpacked else ""

    def start_script(self):
        return START

    def write_settings(self, field, node, number, key):
        etc, var = field.rig.disk(node, "etc"), field.rig.disk(node, "var")
        for source in ("/etc/ha.d", self.folder / "etc/ha.d"):  # resource-agents brings a part of it
            shutil.copytree(source, etc / "ha.d", symlinks=True, dirs_exist_ok=True)
        (etc / "init.d").mkdir(exist_ok=True)
        shutil.copy2(self.folder / "etc/init.d/heartbeat", etc / "init.d/heartbeat")
        shutil.copytree("/etc/init.d", etc / "init.d", dirs_exist_ok=True, symlinks=True)
        (etc / "ha.d/ha.cf").write_text(HA_CF.format(keepalive=self.keepalive, deadtime=self.deadtime))
        (etc / "ha.d/haresources").write_text(f"n1 IPaddr::{kit.VIP}\n")
        (etc / "ha.d/authkeys").write_text("auth 1\n1 crc\n")
        (etc / "ha.d/authkeys").chmod(0o600)
        shutil.copytree(self.folder / "var/lib/heartbeat", var / "lib/heartbeat", symlinks=True)
        for folder in ("ccm", "crm", "pengine", "cores/hacluster"):
            (var / "lib/heartbeat" / folder).mkdir(parents=True, exist_ok=True)
            shutil.chown(var / "lib/heartbeat" / folder, "hacluster", "haclient")

    def stop(self, field, node):
        field.at(node, "timeout", "60", "/etc/init.d/heartbeat", "stop", check=False)
        kit.wait_until(lambda: not self.runs(field, node), 10, f"for Heartbeat to end on {node}")

    def master(self, field, node):
        """Its master control process: the others are its children, by the same program."""
        try:
            text = field.at(node, "cat", "/run/heartbeat.pid", check=False).stdout
            wanted = int(text)
        except ValueError:
            return []
        for pid in super().pids(field, node, self.daemon):
            inside = pathlib.Path(f"/proc/{pid}/status").read_text().split("NSpid:")[1].split("\n")[0].split()[-1]
            if int(inside) == wanted:
                return [pid]
        return []

    def pids(self, field, node, program):
        return self.master(field, node) if program == self.daemon else super().pids(field, node, program)

    def settled(self, field):
        """Both see the other one active, and nothing is in transition. In a node's first seconds the others add 2 s to
        its deadtime."""
        for node, other in (("n1", "n2"), ("n2", "n1")):
            if min((age(pid) for pid in self.master(field, node)), default=0) < YOUNG:
                return False
            status = field.at(node, "timeout", "5", "cl_status", "nodestatus", other, check=False).stdout.strip()
            held = field.at(node, "timeout", "5", "cl_status", "rscstatus", check=False).stdout.strip()
            if status != "active" or held not in ("all", "none", "local", "foreign"):
                return False
        return True

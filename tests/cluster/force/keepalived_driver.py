# SPDX-License-Identifier: GPL-2.0-or-later
"""keepalived (VRRP 3): it moves the address and nothing else, so it is the yardstick for how fast an address can move.

The package may be installed, or only unpacked into a folder (dpkg-deb -x) so that this machine stays as it is."""
import pathlib
import shutil
import subprocess

import cluster as kit
from driver import Driver

CONF = """global_defs {{
    vrrp_version 3
    vrrp_garp_master_delay 1
}}
vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int {interval}
    nopreempt
    virtual_ipaddress {{
        {vip}/24
    }}
}}
"""

START = """#!/bin/sh
pidof keepalived >/dev/null && exit
export LD_LIBRARY_PATH=/opt/systole/lib
exec >>/var/log/keepalived.log 2>&1
exec /opt/systole/bin/keepalived --vrrp --dont-fork --log-console --use-file /etc/keepalived.conf
"""


class Keepalived(Driver):
    name, daemon = "keepalived", "keepalived"

    def __init__(self, folder, interval):
        self.folder, self.interval = pathlib.Path(folder or "/"), interval
        self.mode = f"advert_int {interval}"

    @property
    def program(self):
        return self.folder / "usr/sbin/keepalived"

    def missing(self):
        return None if self.program.exists() else "not installed: apt-get install --no-install-recommends keepalived"

    def version(self):
        done = subprocess.run([self.program, "--version"], capture_output=True, text=True,
                              env={"LD_LIBRARY_PATH": ":".join(map(str, self.libraries()))})
        return (done.stderr + done.stdout).strip().splitlines()[0]

    def libraries(self):
        """Folders of what was unpacked with it."""
        if self.folder == pathlib.Path("/"):
            return []
        return [*self.folder.glob("usr/lib/*-linux-gnu"), *self.folder.glob("lib/*-linux-gnu")]

    def stage(self, field):
        shutil.copy2(self.program, field.stage / "bin/keepalived")
        (field.stage / "lib").mkdir()
        for folder in self.libraries():
            for library in folder.glob("*.so.*"):
                shutil.copy2(library, field.stage / "lib" / library.name)

    def start_script(self):
        return START

    def write_settings(self, field, node, number, key):
        text = CONF.format(priority=100, interval=self.interval, vip=kit.VIP)
        (field.rig.disk(node, "etc") / "keepalived.conf").write_text(text)

    def settled(self, field):
        return all(self.runs(field, n) for n in ("n1", "n2"))

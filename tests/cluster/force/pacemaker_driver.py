# SPDX-License-Identifier: GPL-2.0-or-later
"""Pacemaker and Corosync as Debian ships them, two nodes, without fencing; the address by ocf:heartbeat:IPaddr2."""
import shutil
import signal
import subprocess
import xml.etree.ElementTree as ElementTree

import cluster as kit
from driver import Driver
from systole_driver import configuration

PACKAGES = {"corosync": "corosync", "pacemakerd": "pacemaker", "cibadmin": "pacemaker-cli-utils",
            "crm_mon": "pacemaker-cli-utils"}
AGENT = "/usr/lib/ocf/resource.d/heartbeat/IPaddr2"

COROSYNC_CONF = """totem {{
    version: 2
    cluster_name: {name}
    transport: knet
    crypto_cipher: none
    crypto_hash: none
    token: {token}
}}
nodelist {{
{nodes}}}
quorum {{
    provider: corosync_votequorum
    two_node: 1
    wait_for_all: 0
}}
logging {{
    to_syslog: no
    to_stderr: no
    to_logfile: yes
    logfile: /var/log/corosync.log
    timestamp: hires
}}
"""

# As systemd does: Corosync, then Pacemaker. A Pacemaker that is about to end because Corosync did is waited for.
START = """#!/bin/bash
install -d -m 750 -o hacluster -g haclient /run/crm
export PCMK_logfile=/var/log/pacemaker/pacemaker.log PCMK_logfacility=none
for i in {1..100}; do pidof corosync || ! pidof pacemakerd || sleep 0.1; done >/dev/null
pidof corosync >/dev/null || setsid corosync -f &
until corosync-cmapctl runtime.config.totem.token >/dev/null 2>&1; do sleep 0.1; ((++tries < 100)) || exit 1; done
pidof pacemakerd >/dev/null || exec pacemakerd
"""


def versions(*packages):
    ask = ["dpkg-query", "-W", "-f", "${Package} ${Version} ", *packages]
    return subprocess.run(ask, capture_output=True, text=True).stdout.strip()


class Pacemaker(Driver):
    """Its daemon here is Corosync: that is whom the other node hears."""
    name, mode, daemon = "pacemaker", "no fencing", "corosync"

    def __init__(self, token):
        self.token = token

    def missing(self):
        absent = sorted({package for program, package in PACKAGES.items() if not shutil.which(program)})
        if not shutil.os.path.exists(AGENT):
            absent.append("resource-agents")
        return f"not installed: apt-get install --no-install-recommends {' '.join(absent)}" if absent else None

    def version(self):
        return f"{versions('pacemaker', 'corosync')}, token {self.token} ms"

    def start_script(self):
        return START

    def write_settings(self, field, node, number, key):
        etc, var = field.rig.disk(node, "etc"), field.rig.disk(node, "var")
        nodes = "".join(f"    node {{\n        nodeid: {i}\n        name: {n}\n"
                        f"        ring0_addr: {field.rig.address(n)}\n    }}\n" for i, n in enumerate(field.names, 1))
        (etc / "corosync").mkdir()
        (etc / "corosync/corosync.conf").write_text(
            COROSYNC_CONF.format(name=field.rig.prefix, token=self.token, nodes=nodes))
        (var / "lib/corosync").mkdir()
        for folder in ("log/pacemaker", "lib/pacemaker", "lib/pacemaker/blackbox", "lib/pacemaker/cib",
                       "lib/pacemaker/cores", "lib/pacemaker/pengine"):
            (var / folder).mkdir()
            shutil.chown(var / folder, "hacluster", "haclient")
            (var / folder).chmod(0o770)

    def configure(self, field):
        text = configuration([], None, "ignore", "heartbeat", "IPaddr2").replace("<nodes></nodes>", "")
        parts, last = ElementTree.fromstring(text), ["its nodes do not see each other"]

        def taken():
            if not self.members(field, "n1") == 2:
                return False
            for section in ("rsc_defaults", "crm_config", "resources"):
                part = ElementTree.tostring(parts.find(section), encoding="unicode")
                done = field.at("n1", "timeout", "10", "cibadmin", "--modify", "--allow-create", "--xml-pipe",
                                data=f"<configuration>{part}</configuration>", check=False)
                if done.returncode != 0:
                    last[0] = done.stderr.strip()
                    return False
            return True

        try:
            kit.wait_until(taken, 90, "for Pacemaker to form and to take the configuration", 0.5)
        except kit.ClusterError as error:
            raise kit.ClusterError(f"{error}: {last[0]}") from None

    def stop(self, field, node):
        self.signal(field, node, "pacemakerd", signal.SIGTERM)
        kit.wait_until(lambda: not self.pids(field, node, "pacemakerd"), 60, f"for Pacemaker to end on {node}")
        super().stop(field, node)

    def runs(self, field, node):
        return bool(self.pids(field, node, "corosync") and self.pids(field, node, "pacemakerd"))

    @staticmethod
    def view(field, node):
        """crm_mon's account as an element; None while the node's Pacemaker does not answer."""
        done = field.at(node, "timeout", "5", "crm_mon", "-1", "--output-as=xml", check=False)
        try:
            return ElementTree.fromstring(done.stdout) if done.returncode == 0 else None
        except ElementTree.ParseError:
            return None

    def leader(self, field):
        view = self.view(field, "n1")
        found = None if view is None else view.find("./summary/current_dc")
        return None if found is None else found.get("name")

    def members(self, field, node):
        """How many nodes are in with a controller elected, seen from the node; 0 while it does not answer."""
        view = self.view(field, node)
        if view is None or view.find("./summary/current_dc[@present='true']") is None:
            return 0
        return len(view.findall("./nodes/node[@online='true'][@pending='false']"))

    def settled(self, field):
        return all(self.members(field, n) == 2 for n in ("n1", "n2"))

    def move_address(self, field, node):
        field.at("n1", "timeout", "20", "crm_resource", "--move", "-r", "vip", "-N", node)
        kit.wait_until(lambda: field.owners_now() == (node,), 20, f"for the address to be on {node}")
        field.at("n1", "timeout", "20", "crm_resource", "--clear", "-r", "vip")

    def poke(self, field, node):
        field.at(node, "timeout", "10", "crm_attribute", "-t", "crm_config", "-n", "poke", "-v", "1", check=False)

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that wait for an answer while the power of their server goes: the next owner of the address has them reset at
once, because it got the list of them in time. Without that list they would wait.

usage: tickle.py BUILD_FOLDER [unittest's arguments]"""
import pathlib
import select
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "links"))
import links  # noqa: E402
from founding import until  # noqa: E402

links.founding.PREFIX = links.founding.PREFIX.replace("li", "ti", 1)
links.founding.PROGRAMS += ("attrd_updater", "crm_node", "crm_attribute", "crm_master")
PEER = (HERE / "peer.py").read_text()  # a node sees none of these files
VIPS = {"10.77.0.100": 24, "fd77::100": 64}
PRIMITIVE = """<primitive id="vip{n}" class="ocf" provider="systole" type="IPaddr">
  <instance_attributes id="vip{n}-params">
    <nvpair id="vip{n}-ip" name="ip" value="{ip}"/>
    <nvpair id="vip{n}-mask" name="cidr_netmask" value="{prefix}"/>
    <nvpair id="vip{n}-nic" name="nic" value="eth0"/>
  </instance_attributes>
</primitive>"""
SOON = 4  # s behind the address's arrival; a waiting client would sit for hours


def attribute(ip):
    return f"clients-of-{ip}"


class Tickle(links.Cluster):
    def setUp(self):
        super().setUp()
        for number, node in enumerate(("n1", "n2"), 1):
            self.rig.at(node, "ip", "-6", "addr", "add", f"fd77::{number}/64", "dev", "eth0", "nodad", check=False)
            self.serve(node)
        self.rig.at("cl", "ip", "-6", "addr", "add", "fd77::250/64", "dev", "eth0", "nodad", check=False)
        self.set_up_cluster({"n1": ["10.77.0.1"], "n2": ["10.77.0.2"]}, quorum="mode: none")
        self.cibadmin("crm_config", '<cluster_property_set id="options"><nvpair id="options-stonith" '
                                    'name="stonith-enabled" value="false"/></cluster_property_set>')
        one_by_one = (PRIMITIVE.format(n=n, ip=ip, prefix=prefix) for n, (ip, prefix) in enumerate(VIPS.items()))
        self.cibadmin("resources", f'<group id="vips">{"".join(one_by_one)}</group>')
        self.home = until(self.owner, "somebody to have the addresses")
        self.other = "n2" if self.home == "n1" else "n1"

    def cibadmin(self, scope, text):
        code, said = self.run_at("n1", "cibadmin", "--create", "--scope", scope, "--xml-pipe", data=text)
        self.assertEqual(code, 0, said)

    def peer(self, node, *words, **more):
        return subprocess.Popen(self.rig.enter(node, sys.executable, "-c", PEER, *words), text=True, **more)

    def serve(self, node):
        """Killing what leads into a node leaves what runs there: it serves the next test, or the node's end ends it."""
        server = self.peer(node, "serve", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)

    def client(self, how, ip):
        """And its port."""
        client = self.peer("cl", how, ip, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.processes.append(client)
        return client, int(client.stdout.readline())

    def has(self, node):
        seen = self.run_at(node, "ip", "-o", "addr", "show")[1]
        return all(f" {ip}/" in seen for ip in VIPS)

    def owner(self):
        return next((node for node in ("n1", "n2") if self.has(node)), None)

    def list_at(self, node, ip):
        return self.run_at(node, "attrd_updater", "-n", attribute(ip), "-Q")[1]

    def sitting(self):
        clients = {ip: self.client("sit", ip) for ip in VIPS}
        for ip, (_, port) in clients.items():
            until(lambda ip=ip, port=port: f":{port}" in self.list_at(self.other, ip),
                  f"the client of {ip} in the list", lambda: self.file(self.home, "var/log/crmd.log")[-2000:])
        return [process for process, _ in clients.values()]

    def kill_helper(self, ip):
        """And waits for its end: to a monitor that comes before it, it lives."""
        pid_file = f"/run/resource-agents/systole-IPaddr-{ip}.pid"
        pid = self.run_at(self.home, "cut", "-d", " ", "-f1", pid_file)[1].strip()
        self.assertEqual(self.run_at(self.home, "kill", "-9", pid)[0], 0)
        until(lambda: self.run_at(self.home, "test", "-e", f"/proc/{pid}")[0] != 0, f"the end of process {pid}")

    def power_goes(self):
        self.addCleanup(self.rig.poweron, self.home)
        self.rig.poweroff(self.home)
        until(lambda: self.has(self.other), "the other node to have the addresses",
              lambda: self.file(self.other, "var/log/crmd.log")[-2000:])
        return time.monotonic()

    def test_clients_that_wait_for_an_answer_are_reset_at_once_when_the_power_goes(self):
        clients = self.sitting()
        since = self.power_goes()
        for client in clients:
            ready, _, _ = select.select([client.stdout], [], [], max(0.0, since + SOON - time.monotonic()))
            self.assertTrue(ready, f"still waiting {SOON} s after the address came")
            self.assertEqual(client.stdout.readline().strip(), "reset")

    def test_without_the_list_they_would_wait(self):
        clients = self.sitting()
        for ip in VIPS:
            self.kill_helper(ip)  # it would copy the list again
            self.assertEqual(self.run_at(self.other, "attrd_updater", "-n", attribute(ip), "-D", "-p")[0], 0)
        until(lambda: not any(":7000=" in self.list_at(self.other, ip) for ip in VIPS), "the lists to go")
        self.power_goes()
        ready, _, _ = select.select([client.stdout for client in clients], [], [], SOON)
        self.assertEqual(ready, [])

    def test_a_client_with_a_living_connection_loses_nothing(self):
        for ip, prefix in VIPS.items():
            client, port = self.client("talk", ip)
            known = f"7000=[fd77::250]:{port}" if ":" in ip else f"7000=10.77.0.250:{port}"
            self.run_at(self.home, "attrd_updater", "-n", attribute(ip), "-U", known, "-p")
            self.kill_helper(ip)
            # The monitor starts a helper, which finds the list.
            code, said = self.run_at(
                self.home, "env", "SYSTOLE_RUNDIR=/run/systole", "OCF_ROOT=/usr/lib/ocf", f"OCF_RESKEY_ip={ip}",
                "OCF_RESKEY_nic=eth0", f"OCF_RESKEY_cidr_netmask={prefix}", "OCF_RESKEY_CRM_meta_interval=1000",
                "HA_LOGFILE=/var/log/helper.log", "/usr/lib/ocf/resource.d/systole/IPaddr", "monitor")
            self.assertEqual(code, 0, said)
            told = f"telling 1 clients of {ip}"
            until(lambda told=told: told in (self.file(self.home, "var/log/helper.log") or ""), told)
            for word in ("one", "two"):
                client.stdin.write(word + "\n")
                client.stdin.flush()
                self.assertEqual(client.stdout.readline().strip(), word)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One address on both nodes at once, as a globally unique clone under Pacemaker and Corosync as Debian ships them.

usage: cloned_test.py BUILD_FOLDER [--prefix P] [--logs FOLDER]

Each connection is answered by one node and no connection by two: with a share on each node, when one node's power goes
and the other takes its share, when it comes back, and when rules are flushed by somebody.
Exit 0: all of it held; 1: not; 77: skipped, Pacemaker, Corosync or nft is not installed."""
import json
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True  # the source tree stays clean
import story  # noqa: E402
from pacemaker_cluster import PacemakerCluster, kit  # noqa: E402

WHOLE_TIME = 200  # s: before ctest's own limit, whose SIGKILL would leave namespaces behind
TOKEN_MS = 1000
IPADDR = pathlib.Path(__file__).resolve().parents[1] / "ipaddr"
NET = (IPADDR / "net.py").read_text()  # a node sees none of these files
VIP = kit.VIP
COUNT = 60  # connections; that one node gets all of them by chance: one in 2^59
CONFIGURATION = f"""<configuration><crm_config><cluster_property_set id="o">
<nvpair id="o1" name="stonith-enabled" value="false"/><nvpair id="o2" name="no-quorum-policy" value="ignore"/>
</cluster_property_set></crm_config><nodes/><resources>
<clone id="vips"><meta_attributes id="vm"><nvpair id="vm1" name="globally-unique" value="true"/>
<nvpair id="vm2" name="clone-max" value="2"/><nvpair id="vm3" name="clone-node-max" value="2"/><nvpair id="vm4" name="resource-stickiness" value="0"/>
</meta_attributes>
<primitive id="vip" class="ocf" provider="systole" type="IPaddr"><instance_attributes id="vp">
<nvpair id="vp1" name="ip" value="{VIP}"/><nvpair id="vp2" name="cidr_netmask" value="24"/>
<nvpair id="vp3" name="nic" value="eth0"/></instance_attributes>
<operations><op id="vo1" name="monitor" interval="2s" timeout="20s"/><op id="vo2" name="start" interval="0"
timeout="20s"/><op id="vo3" name="stop" interval="0" timeout="20s"/></operations></primitive></clone></resources>
<constraints/></configuration>"""


class ClonedCluster(PacemakerCluster):
    agents = ("IPaddr",)
    servers = []

    def serve(self, node):
        self.servers.append(subprocess.Popen(self.rig.enter(node, sys.executable, "-c", NET, "serve", node,
                                                            "0.0.0.0"), stdout=subprocess.DEVNULL))

    def stop(self):
        for server in self.servers:
            server.kill()
            server.wait()
        super().stop()

    def shares(self):
        """Node → how many instances run there."""
        view, counted = self.view(), {}
        for node in [] if view is None else view.findall(".//clone[@id='vips']/resource[@role='Started']/node"):
            counted[node.get("name")] = counted.get(node.get("name"), 0) + 1
        return counted

    def answers(self):
        """Who answered how many of the clients, how many got nothing, and how many more than one answer."""
        command = self.rig.enter("cl", sys.executable, "-u", IPADDR / "clients.py", VIP, COUNT)
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout)


class Story(story.Story):
    def settle(self, shares, seconds):
        self.wait(lambda: self.cluster.shares() == shares and self.cluster.idle(), seconds, f"for the shares {shares}")

    def now(self):
        return self.cluster.shares()

    def each_is_answered_once(self, by):
        seen = self.cluster.answers()
        self.expect(sum(seen["by"].values()) == COUNT and seen["silent"] == seen["doubled"] == 0, f"clients saw {seen}")
        self.expect(set(seen["by"]) == set(by), f"clients were answered by {seen['by']}, not by {by}")
        self.say(f"{COUNT} clients, each answered once: {seen['by']}")

    def no_failures(self):
        bad = self.cluster.failures(self.wait(self.cluster.view, 10, "for crm_mon to answer"))
        self.expect(not bad, f"actions failed under Pacemaker: {bad}")

    def build(self):
        self.cluster.prepare()
        for node in self.cluster.names:
            self.cluster.rig.poweron(node)
            self.cluster.serve(node)
        self.wait(lambda: self.cluster.has_members(2), 60, "for both nodes to be in, with a controller")
        self.cluster.at("n1", "cibadmin", "--replace", "--scope", "configuration", "--xml-pipe", data=CONFIGURATION)
        self.settle({"n1": 1, "n2": 1}, 30)
        self.no_failures()

    def run(self):
        self.build()
        self.each_is_answered_once(("n1", "n2"))
        self.cluster.rig.poweroff("n2")
        self.settle({"n1": 2}, 30)
        self.say("n2 is off; n1 has both shares")
        self.each_is_answered_once(("n1",))
        self.no_failures()
        self.cluster.rig.poweron("n2")
        self.cluster.serve("n2")
        self.settle({"n1": 1, "n2": 1}, 60)
        self.say("n2 is back and has its share")
        self.each_is_answered_once(("n1", "n2"))
        self.no_failures()
        self.cluster.at("n1", "nft", "flush", "ruleset")
        self.wait(lambda: self.cluster.failures(self.cluster.view()), 15, "for the missing rules to be found")
        self.settle({"n1": 1, "n2": 1}, 30)
        self.say(f"rules flushed on n1: {self.cluster.failures(self.cluster.view())}")
        self.each_is_answered_once(("n1", "n2"))


if __name__ == "__main__":
    if shutil.which("nft") is None:
        print("skipped: needs nft(8)")
        sys.exit(story.SKIPPED)
    sys.exit(story.main(__doc__, Story, ClonedCluster, "test-clon", "pacemaker-cloned-logs", TOKEN_MS, WHOLE_TIME))

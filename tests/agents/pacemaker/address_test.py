#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ocf:systole:IPaddr in the place of ocf:heartbeat:IPaddr2 under Pacemaker and Corosync as Debian ships them.

usage: address_test.py BUILD_FOLDER [--prefix P] [--logs FOLDER]

A running resource of IPaddr2, or of the older IPaddr, becomes one of ours, and one of theirs again, by nothing but
another provider and type in the configuration; between the two everything that an address goes through. A client asks
every few milliseconds who owns the address, all the time: never two. The recurring monitor comes every 30 s only, so
that what is noticed sooner was told by the resident helper.
Exit 0: all of it held; 1: not; 77: skipped, Pacemaker or Corosync is not installed."""
import pathlib
import shutil
import sys
import time

sys.dont_write_bytecode = True  # the source tree stays clean
import pacemaker_cluster  # noqa: E402
import story  # noqa: E402
from pacemaker_cluster import PacemakerCluster, kit  # noqa: E402

WHOLE_TIME = 220  # s: before ctest's own limit, whose SIGKILL would leave namespaces behind
TOKEN_MS = 1000
INTERVAL = 30     # s between two monitors
VIP, PREFIX = kit.VIP, 24
OURS, THEIRS, OLDER = ("systole", "IPaddr"), ("heartbeat", "IPaddr2"), ("heartbeat", "IPaddr")
CONFIGURATION = f"""<configuration><crm_config><cluster_property_set id="o">
<nvpair id="o1" name="stonith-enabled" value="false"/><nvpair id="o2" name="no-quorum-policy" value="ignore"/>
</cluster_property_set></crm_config><nodes/><resources>
<primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="vp">
<nvpair id="vp1" name="ip" value="{VIP}"/><nvpair id="vp2" name="cidr_netmask" value="{PREFIX}"/>
<nvpair id="vp3" name="nic" value="eth0"/><nvpair id="vp4" name="arp_count" value="20"/>
<nvpair id="vp5" name="arp_interval" value="200"/><nvpair id="vp6" name="iflabel" value="v"/>
<nvpair id="vp7" name="arp_bg" value="true"/></instance_attributes>
<operations><op id="vo1" name="monitor" interval="{INTERVAL}s" timeout="20s"/><op id="vo2" name="start" interval="0"
timeout="20s"/><op id="vo3" name="stop" interval="0" timeout="20s"/></operations></primitive></resources>
<constraints/><rsc_defaults><meta_attributes id="rd"><nvpair id="rd1" name="resource-stickiness" value="100"/>
</meta_attributes></rsc_defaults></configuration>"""
STATE = "/run/resource-agents"
MAINTENANCE = ("crm_attribute", "-t", "crm_config", "-n", "maintenance-mode")


class AddressCluster(PacemakerCluster):
    agents = ("IPaddr",)

    def owners(self):
        return [node for node in self.names if self.holds_address(node)]

    def words(self, node):
        """The command lines of all processes of a node."""
        lines = []
        for pid in self.rig.node_pids(node):
            try:
                lines.append(pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                pass  # gone meanwhile
        return lines

    def helpers(self, node):
        return [line for line in self.words(node) if "/systole/IPaddr " in line]

    def senders(self, node):
        return [line for line in self.words(node) if "send_arp" in line]

    def reports(self):
        """How often somebody told Pacemaker that the address has failed."""
        logs = [self.log_tail(node, 1000000) for node in self.names]
        return sum("Result of asyncmon operation for vip" in line for lines in logs for line in lines)

    def resource(self):
        view = self.view()
        return None if view is None else view.find(".//resource[@id='vip']")


class Story(story.Story):
    def now(self):
        return "; ".join(f"{n}: {'on' if self.cluster.rig.pid(n) else 'off'}"
                         f"{', address' if self.cluster.holds_address(n) else ''}" for n in self.cluster.names)

    def at(self, *command, node=None, **more):
        return self.cluster.at(node or next(n for n in self.cluster.names if self.cluster.rig.pid(n)), *command, **more)

    # -- what must hold --------------------------------------------------------------------------------------------
    def served_by(self, agent, nodes=None):
        """The node, when exactly one has the address, Pacemaker sees it there with that agent, and nothing is left to
        do."""
        found, owners = self.cluster.resource(), self.cluster.owners()
        if found is None or found.get("resource_agent") != "ocf:" + ":".join(agent) or found.get("role") != "Started":
            return None
        where = [node.get("name") for node in found.findall("node")]
        if where != owners or len(owners) != 1 or (nodes and owners[0] not in nodes):
            return None
        return owners[0] if self.cluster.idle() else None

    def only_one_helper(self, owner):
        """Where the address is there is one resident helper, elsewhere none, and nothing of the shell agent at all."""
        for node in self.cluster.names:
            if self.cluster.rig.pid(node) is None:
                continue
            found, wanted = self.cluster.helpers(node), 1 if node == owner else 0
            self.expect(len(found) == wanted, f"{node} has {len(found)} helpers, not {wanted}: {found}")
            self.expect(not self.cluster.senders(node), f"{node} still has {self.cluster.senders(node)}")

    def nothing_of_ours(self):
        for node in self.cluster.names:
            self.expect(not self.cluster.helpers(node), f"{node} still has {self.cluster.helpers(node)}")
            files = self.at("sh", "-c", f"ls {STATE} 2>/dev/null | grep systole", node=node, check=False).stdout.split()
            self.expect(not files, f"{node} still has {files} in {STATE}")

    def no_failures(self):
        view = self.wait(self.cluster.view, 10, "for crm_mon to answer")
        bad = self.cluster.failures(view)
        self.expect(not bad, f"actions failed under Pacemaker: {bad}")
        counts = [n.get("value") for n in view.iter("attribute") if n.get("name", "").startswith("fail-count")]
        self.expect(not counts, f"Pacemaker counts failures: {counts}")

    # -- the story -------------------------------------------------------------------------------------------------
    def build(self):
        self.cluster.prepare()
        for node in self.cluster.names:
            self.cluster.rig.poweron(node)
        self.say("nodes are on; waiting for Corosync and Pacemaker")
        self.wait(lambda: self.cluster.has_members(2), 60, "for both nodes to be in, with a controller")
        self.cluster.start_watch()
        self.at("cibadmin", "--replace", "--scope", "configuration", "--xml-pipe", data=CONFIGURATION)
        owner = self.wait(lambda: self.served_by(THEIRS), 30, "for IPaddr2 to run")
        self.say(f"IPaddr2 runs on {owner}, and goes on announcing: {self.cluster.senders(owner)}")

    def switch(self, agent):
        """By provider and type alone, while the old agent is at work."""
        provider, kind = agent
        before = self.cluster.owners()[0]
        self.at("cibadmin", "--modify", "--xml-text",
                f'<primitive id="vip" class="ocf" provider="{provider}" type="{kind}"/>')
        begin = time.monotonic()
        owner = self.wait(lambda: self.served_by(agent), 30, f"for ocf:{provider}:{kind} in its place")
        self.say(f"now ocf:{provider}:{kind}, on {owner} (it was on {before}), after {time.monotonic() - begin:.1f} s")
        return owner

    def to_ours(self):
        owner = self.switch(OURS)
        self.only_one_helper(owner)
        self.no_failures()
        return owner

    def to_theirs(self):
        self.switch(THEIRS)
        self.nothing_of_ours()
        self.no_failures()

    def handed_over(self, agent):
        """The careful way: in maintenance the new agent finds the address of the old one, which never stops it."""
        owner = self.cluster.owners()[0]
        self.at(*MAINTENANCE, "-v", "true")
        self.wait(lambda: self.cluster.idle() and self.cluster.resource().get("managed") == "false", 15,
                  "for maintenance-mode to count")
        self.at("cibadmin", "--modify", "--xml-text",
                f'<primitive id="vip" class="ocf" provider="{agent[0]}" type="{agent[1]}"/>')
        self.at("crm_resource", "--refresh", "-r", "vip")
        self.wait(lambda: self.served_by(agent, [owner]), 20, f"for {agent} to find the address")
        self.at(*MAINTENANCE, "-D")
        self.wait(lambda: self.cluster.resource().get("managed") == "true" and self.served_by(agent, [owner]), 20,
                  "for the end of maintenance")
        # Nobody has stopped it: it ends when it has said what it had to say.
        self.wait(lambda: not self.cluster.senders(owner), 30, "for the shell agent's announcements to be over")
        self.no_failures()
        self.say(f"maintenance, and ocf:{':'.join(agent)} has taken the address over as it is, on {owner}")

    def leftover(self, owner):
        """A helper whose address is somebody else's business now tells nobody that it went, and leaves."""
        target = self.cluster.other(owner)
        self.at("crm_resource", "--move", "-r", "vip", "-N", target)
        self.wait(lambda: self.served_by(THEIRS, [target]), 20, f"for the address on {target}")
        time.sleep(2)  # what wants to be told would have been by now
        self.nothing_of_ours()
        self.no_failures()
        self.at("crm_resource", "--clear", "-r", "vip")
        self.say(f"IPaddr2 moved it to {target}: nothing of ours is left")
        return target

    def move(self, owner):
        target = self.cluster.other(owner)
        self.at("crm_resource", "--move", "-r", "vip", "-N", target)
        self.wait(lambda: self.served_by(OURS, [target]), 20, f"for the address on {target}")
        self.only_one_helper(target)
        self.at("crm_resource", "--clear", "-r", "vip")
        self.no_failures()
        self.say(f"crm_resource --move: on {target}")
        return target

    def standby(self, owner):
        other = self.cluster.other(owner)
        self.at("crm_standby", "-N", owner, "-v", "on")
        self.wait(lambda: self.served_by(OURS, [other]), 20, f"for the address on {other}")
        self.at("crm_standby", "-N", owner, "-D")
        self.wait(lambda: self.served_by(OURS, [other]), 20, "for an idle cluster after the standby")
        self.only_one_helper(other)
        self.no_failures()
        self.say(f"standby of {owner}: on {other}")
        return other

    def restart(self, owner):
        done = self.at("timeout", "30", "crm_resource", "--restart", "-r", "vip", "-T", "20s")
        self.wait(lambda: self.served_by(OURS, [owner]), 20, f"for the address on {owner} again: {done.stderr}")
        self.only_one_helper(owner)
        self.no_failures()
        self.say("crm_resource --restart: back on the same node")

    def delete(self, owner):
        self.at("ip", "addr", "del", f"{VIP}/{PREFIX}", "dev", "eth0", node=owner)
        return time.monotonic()

    def lose(self, owner):
        """Long before the next monitor, once, and put right."""
        before = self.cluster.reports()
        begin = self.delete(owner)
        again = self.wait(lambda: self.served_by(OURS), 15, "for the address again")
        took = time.monotonic() - begin
        failures = self.cluster.failures(self.cluster.view())
        told = self.cluster.reports() - before
        self.say(f"ip addr del on {owner}: on {again} after {took:.1f} s; told {told} times; in the record: {failures}")
        self.expect([f[0] for f in failures] == ["vip_asyncmon_0"], "that record is not of one report")
        self.expect(told == 1, "it was not told exactly once")
        self.only_one_helper(again)
        self.at("crm_resource", "--cleanup", "-r", "vip")
        self.wait(lambda: self.served_by(OURS, [again]), 20, "for an idle cluster after the cleanup")
        self.no_failures()
        self.only_one_helper(again)
        return again

    def lose_unseen(self, owner, name, on, off):
        """Where Pacemaker was told to leave the address alone, nobody is told that it is gone."""
        self.at(*on)
        self.wait(lambda: self.cluster.idle() and self.cluster.resource().get("managed") == "false", 15,
                  f"for {name} to count")
        self.delete(owner)
        time.sleep(3)
        self.no_failures()
        self.expect(not self.cluster.owners(), f"somebody put the address back: {self.now()}")
        self.at("ip", "addr", "add", f"{VIP}/{PREFIX}", "brd", "+", "label", "eth0:v", "dev", "eth0", node=owner)
        self.at(*off)
        self.wait(lambda: self.served_by(OURS, [owner]), 15, f"for an idle cluster after {name}")
        time.sleep(1)
        self.no_failures()
        self.only_one_helper(owner)
        self.say(f"{name}: an address that somebody takes off is not reported")

    def mistype(self):
        """A faulty address is told once and for all, and no stop fails: with fencing that would cost the nodes."""
        pair = '<instance_attributes id="tp"><nvpair id="tp1" name="ip" value="10.77.0.300"/></instance_attributes>'
        self.at("cibadmin", "--create", "--scope", "resources", "--xml-text",
                f'<primitive id="typo" class="ocf" provider="systole" type="IPaddr">{pair}</primitive>')
        self.wait(lambda: self.cluster.failures(self.cluster.view()) and self.cluster.idle(), 15, "for a probe to fail")
        failed = self.cluster.failures(self.cluster.view())
        self.expect({f[0] for f in failed} == {"typo_monitor_0"} and "10.77.0.300" in failed[0][2],
                    f"not only probes failed: {failed}")
        self.expect(self.cluster.view().find(".//resource[@id='typo']").get("blocked") == "false", "it is blocked")
        self.at("cibadmin", "--delete", "--xml-text", '<primitive id="typo"/>')
        self.wait(self.cluster.idle, 15, "for an idle cluster without it")
        self.at("crm_resource", "--cleanup")
        self.wait(lambda: not self.cluster.failures(self.cluster.view()) and self.cluster.idle(), 15, "for no failures")
        self.say(f"a faulty address: {failed[0][2]}")

    def power_off(self, owner):
        other = self.cluster.other(owner)
        begin = self.cluster.rig.poweroff(owner)
        self.wait(lambda: self.served_by(OURS, [other]), 30, f"for the address on {other}")
        self.say(f"power-off of {owner}: on {other} after {time.monotonic() - begin:.1f} s")
        self.only_one_helper(other)
        self.no_failures()

    def audit(self):
        self.cluster.end_children("owners")
        last = kit.lines_of(self.cluster.logs / "owners.out")[-1]
        self.expect(last.split()[1].split("=")[1] == "0", f"the address had two owners at once: {last}")
        self.say(f"owners: {last}")

    def run(self):
        self.build()
        owner = self.to_ours()
        owner = self.move(owner)
        owner = self.standby(owner)
        self.restart(owner)
        self.mistype()
        owner = self.lose(owner)
        unmanaged = ("crm_resource", "-r", "vip", "--meta", "-p", "is-managed")
        self.lose_unseen(owner, "is-managed=false", (*unmanaged, "-v", "false"), (*unmanaged[:-2], "-d", "is-managed"))
        self.lose_unseen(owner, "maintenance-mode", (*MAINTENANCE, "-v", "true"), (*MAINTENANCE, "-D"))
        self.to_theirs()
        self.handed_over(OURS)
        self.only_one_helper(owner)
        self.handed_over(THEIRS)
        self.leftover(owner)
        if shutil.which("ifconfig", path=pacemaker_cluster.SYSTEM_PATH):
            self.switch(OLDER)
        owner = self.to_ours()
        self.power_off(owner)
        self.audit()


if __name__ == "__main__":
    sys.exit(story.main(__doc__, Story, AddressCluster, "test-addr", "pacemaker-address-logs", TOKEN_MS, WHOLE_TIME))

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ocf:systole:IPaddr and ocf:systole:mysql under Pacemaker and Corosync as Debian ships them.

usage: pacemaker_test.py BUILD_FOLDER [--prefix P] [--logs FOLDER]

The agents claim to be OCF agents, not parts of our own manager; here another manager runs them, with the demo's
configuration: promotion by the agent's scores, notifications, attributes set with Pacemaker's own tools. Clients write
through the address all the time and keep account; after each event the node that is now the primary must have every
row that was acknowledged, and at the end both nodes must have them.
Exit 0: all of it held; 1: not; 77: skipped, Pacemaker or Corosync is not installed."""
import sys
import time

sys.dont_write_bytecode = True  # the source tree stays clean
import story  # noqa: E402
from pacemaker_cluster import PacemakerCluster, kit  # noqa: E402

WHOLE_TIME = 540  # s: before ctest's own limit, whose SIGKILL would leave namespaces behind
STEADY = 2.0      # s of undisturbed writing around each event
TOKEN_MS = 2000   # a node that gets no processor for a second is not lost
RATE = 200        # commits per second of all writers


class Scenario(story.Story):
    # -- what must hold --------------------------------------------------------------------------------------------
    def settled(self, primary=None):
        """One primary with the address, one replica whose receipts the commits wait for, and Pacemaker sees it so."""
        found = self.cluster.healthy()
        if not found or primary not in (None, found) or self.cluster.holds_address(self.cluster.other(found)):
            return None
        status = dict(self.cluster.sql(found, "SHOW STATUS LIKE 'Rpl_semi_sync_master_%'") or [])
        if status.get("Rpl_semi_sync_master_status") != "ON" or status.get("Rpl_semi_sync_master_clients") != "1":
            return None
        view = self.cluster.view()
        if view is None or self.cluster.promoted(view) != [found]:
            return None
        readable = [self.cluster.attribute(view, n, "readable") for n in self.cluster.names]
        return found if readable == ["1", "1"] and self.cluster.idle() else None

    def nothing_lost(self, *nodes):
        """The writers go on meanwhile: rows that are not yet in the account are no fault here."""
        audit = self.cluster.verify(nodes=nodes)
        for node in nodes:
            self.expect(node in audit, f"{node}'s database could not be asked for its rows")
            found = audit[node]
            bad = {k: found[k] for k in ("lost", "duplicated", "altered") if found[k]}
            self.expect(found["acknowledged"] > 0 and not bad, f"rows on {node} are not as acknowledged: {found}")
        return audit[nodes[0]]["acknowledged"]

    def no_failures(self):
        self.wait(lambda: self.cluster.view() is not None, 10, "for crm_mon to answer")
        bad = self.cluster.failures(self.cluster.view())
        self.expect(not bad, f"actions failed under Pacemaker: {bad}")

    def event(self, name, act, condition, seconds, survivors):
        """Acts, waits, audits, and says how long the clients could not write."""
        time.sleep(STEADY)
        self.say(name)
        begin = time.monotonic()
        act()
        result = self.wait(condition, seconds, f"after '{name}'")
        done = time.monotonic()
        self.wait(lambda: self.cluster.first_write_after(done), 20, f"for an acknowledged write after '{name}'")
        rows = self.nothing_lost(*survivors(result))
        gap = self.cluster.gap(begin, time.monotonic())
        self.say(f"    settled after {done - begin:.1f} s: {self.cluster.summary()}; longest time without a commit "
                 f"{gap:.2f} s; {rows} acknowledged rows are there")
        return result

    # -- the story -------------------------------------------------------------------------------------------------
    def build(self):
        self.cluster.prepare()
        self.cluster.make_databases()
        for node in self.cluster.names:
            self.cluster.rig.poweron(node)
        self.say("nodes are on; waiting for Corosync and Pacemaker")
        self.wait(lambda: self.cluster.has_members(2), 60, "for both nodes to be in, with a controller")
        self.cluster.configure()
        primary = self.wait(self.settled, 90, "for a promoted database with the address, and a replica")
        self.no_failures()
        self.say(f"configuration loaded by cibadmin: {self.cluster.summary()}")
        self.cluster.start_watch()
        self.cluster.start_writers(rate=RATE)
        self.wait(self.cluster.acknowledged, 15, "for the first acknowledged write through the address")
        return primary

    def move(self, source, target):
        def act():
            self.cluster.at(source, "crm_resource", "--move", "--promoted", "--resource", "db-clone", "--node", target)

        self.event(f"crm_resource --move of the promoted role from {source} to {target}", act,
                   lambda: self.settled(target), 60, lambda primary: self.cluster.names)
        self.cluster.at(target, "crm_resource", "--clear", "--resource", "db-clone")
        self.no_failures()

    def standby(self, node):
        other = self.cluster.other(node)

        def is_out():
            return self.cluster.primary() == other and self.cluster.role(node) == "down" and self.cluster.idle()

        self.event(f"standby of {node}, the primary",
                   lambda: self.cluster.at(node, "crm_standby", "-N", node, "-v", "on"), is_out, 60,
                   lambda primary: [other])
        self.event(f"end of standby of {node}", lambda: self.cluster.at(node, "crm_standby", "-N", node, "-D"),
                   lambda: self.settled(other), 60, lambda primary: self.cluster.names)
        self.no_failures()

    def failure(self, name, act, node, resource, operations, settled):
        """Something breaks without a word to Pacemaker: it must see that, say so, and put it right."""
        seen = set()

        def recovered():
            view = self.cluster.view()
            seen.update(self.cluster.failures(view) if view is not None else ())
            return seen and settled()

        primary = self.event(name, act, recovered, 90, lambda primary: self.cluster.names)
        self.say("    Pacemaker's record of it: " + "; ".join(f"{op} on {where}: {why}" for op, where, why in seen))
        bad = [f for f in seen if f[0] not in operations or f[1] != node]
        self.expect(not bad, f"actions failed under Pacemaker: {bad}")
        self.cluster.at(primary, "crm_resource", "--cleanup", "--resource", resource)
        self.wait(lambda: self.settled(primary), 60, "for a quiet cluster after crm_resource --cleanup")
        self.no_failures()
        return primary

    def lose_address(self, node):
        """The resident helper tells it at once, unless the monitor has just looked."""
        self.failure(f"ip addr del of the address on {node}, the primary",
                     lambda: self.cluster.at(node, "ip", "addr", "del", f"{kit.VIP}/24", "dev", "eth0"),
                     node, "vip", ["vip_asyncmon_0", "vip_monitor_2000"], lambda: self.settled(node))

    def kill_database(self, node):
        """Pacemaker keeps the last failure of a resource: what the helper told, the monitor's, or that of the demote of
        a dead server."""
        pid = self.cluster.at(node, "cat", "/run/mysqld/mysqld.pid").stdout.strip()
        return self.failure(f"kill -9 of mariadbd on {node}, the primary",
                            lambda: self.cluster.at(node, "kill", "-9", pid),
                            node, "db-clone", ["db_asyncmon_0", "db_monitor_1000", "db_demote_0"], self.settled)

    def power_off(self, node):
        other = self.cluster.other(node)
        self.event(f"power-off of {node}, the primary's machine", lambda: self.cluster.rig.poweroff(node),
                   lambda: self.cluster.primary() == other and self.cluster.has_members(1), 60,
                   lambda primary: [other])
        self.no_failures()
        self.event(f"{node} is switched on again", lambda: self.cluster.rig.poweron(node),
                   lambda: self.settled(other), 90, lambda primary: self.cluster.names)
        self.no_failures()

    def audit(self):
        """Clients stopped: now every row must be accounted for, on both nodes, and the address never had two owners."""
        self.cluster.end_children("writers", "owners")
        audit = self.cluster.verify()
        for node in self.cluster.names:
            found = audit.get(node)
            self.expect(found, f"{node}'s database could not be asked for its rows")
            bad = {k: found[k] for k in ("lost", "duplicated", "extra", "altered") if found[k]}
            self.expect(not bad, f"rows on {node} are not as acknowledged: {found}")
        last = kit.lines_of(self.cluster.logs / "owners.out")[-1]
        doubled = int(last.split()[1].split("=")[1])
        self.expect(doubled == 0, f"the address had two owners at once: {last}")
        self.say(f"{audit[self.cluster.names[0]]['acknowledged']} acknowledged rows are on both nodes; owners: {last}")

    def run(self):
        primary = self.build()
        replica = self.cluster.other(primary)
        self.move(primary, replica)
        self.standby(replica)
        self.lose_address(primary)
        primary = self.kill_database(primary)
        self.power_off(primary)
        self.audit()


if __name__ == "__main__":
    sys.exit(story.main(__doc__, Scenario, PacemakerCluster, "test-pcmk", "pacemaker-logs", TOKEN_MS, WHOLE_TIME))

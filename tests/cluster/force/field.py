# SPDX-License-Identifier: GPL-2.0-or-later
"""The field on which guarantees are tried by force: two nodes, perhaps a witness, a client that asks all the time who
owns the address, and whatever breaks them. Which cluster software runs there is the driver's matter."""
import pathlib
import secrets
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "kit"))
import account  # noqa: E402
import cluster as kit  # noqa: E402
from cluster import rigs  # noqa: E402
import small_var  # noqa: E402

VAR_MB = 48
SETTLED_FOR, SETTLE_LIMIT = 3.0, 60.0  # s

# PID 1's child on each node. A cluster manager may want to reset a machine that has gone wrong: not this one.
BOOT = """#!/bin/bash
[ ! -e /proc/sysrq-trigger ] || mount --bind /dev/null /proc/sysrq-trigger || exit 1
{mounts}
exec /opt/systole/start
"""


class Field(kit.Cluster):
    def __init__(self, build, prefix, logs, driver, deadtime):
        super().__init__(build, prefix, logs, driver.node_count, max(10, min(200, deadtime // 5)), deadtime)
        self.driver, self.quorum = driver, driver.quorum
        self.witness = "n3" if driver.node_count == 3 else None
        self.notes, self.left_on, self.switching = [], set(), threading.Lock()
        self.ending, self.guard = threading.Event(), None
        self.sabotage = False
        self.guarded = False  # a guardian ran on each node before the scenario

    # -- building --------------------------------------------------------------------------------------------------
    def open(self):
        self.lay_out("/opt/systole/boot", secrets.token_hex(32))
        for node in self.names:
            small_var.give(self.rig, node, VAR_MB)
        self.start_watch()
        self.guard = threading.Thread(target=self.watch_power, daemon=True)
        self.guard.start()
        for node in self.names:
            self.power_on(node)

    def need_daemons(self):
        """A daemon that refuses its settings ends at once: better said now than after a minute of waiting."""
        for node in self.names:
            try:
                kit.wait_until(lambda: self.driver.runs(self, node), 20, f"for {self.driver.daemon} to run on {node}")
            except kit.ClusterError as error:
                console = self.at(node, "tail", "-n", "3", "/var/log/console.log", check=False).stdout.strip()
                raise kit.ClusterError(f"{error}: {console}") from None

    def stage_programs(self):
        (self.stage / "bin").mkdir(parents=True)
        (self.stage / "agents").mkdir()
        self.driver.stage(self)
        for name, text in (("start", self.driver.start_script()), ("boot", BOOT.format(mounts=self.driver.mounts()))):
            (self.stage / name).write_text(text)
            (self.stage / name).chmod(0o755)

    def write_settings(self, node, number, key):
        self.driver.write_settings(self, node, number, key)

    def write_own_settings(self, node, number, key):
        super().write_settings(node, number, key)

    # -- looking ---------------------------------------------------------------------------------------------------
    def seen(self):
        return account.changes(kit.lines_of(self.logs / "owners.out"))

    def owners_now(self):
        found = self.seen()
        return found[-1][1] if found else ()

    def need_watch(self):
        if self.children["owners"].poll() is not None:
            raise kit.ClusterError(f"the client that watches has ended: see {self.logs}/owners.err")

    def is_on(self, node):
        return self.rig.pid(node) is not None

    def settled(self):
        self.need_watch()
        if not all(self.is_on(n) for n in self.names):
            return None
        owner = account.owner_for(self.seen(), time.monotonic(), SETTLED_FOR)
        return owner if owner and self.driver.settled(self) else None

    def settle(self, seconds=SETTLE_LIMIT):
        try:
            return kit.wait_until(self.settled, seconds, "for one owner and for all nodes to be members", 0.2)
        except kit.ClusterError as error:
            raise kit.ClusterError(f"{error}: {self.what_is_not_settled()}") from None

    def what_is_not_settled(self):
        off = [n for n in self.names if not self.is_on(n)]
        if off:
            return f"{' and '.join(off)} off"
        own = "all is well" if self.driver.settled(self) else "not all members are there, or something is under way"
        return f"the address answers from {account.words_for(self.owners_now())}; {self.driver.name} itself says {own}"

    def owner(self):
        return kit.wait_until(lambda: account.owner_for(self.seen(), time.monotonic(), 0.3), 5, "for one owner")

    def pair(self):
        """The owner and the other node that could be."""
        owner = self.owner()
        return owner, next(n for n in ("n1", "n2") if n != owner)

    def note(self, text):
        self.notes.append(text)

    # -- breaking --------------------------------------------------------------------------------------------------
    @property
    def fault_time(self):
        return max(6.0, 6 * self.deadtime / 1000)

    def hold(self, seconds=None):
        """Lets a fault last, and sees to it that the watch does too."""
        if self.sabotage:
            self.claim_address_by_hand()
        time.sleep(self.fault_time if seconds is None else seconds)
        self.need_watch()

    def claim_address_by_hand(self):
        """Two owners on purpose, for 0.3 s: the trial must notice."""
        node = next(n for n in ("n1", "n2") if n not in self.owners_now() and self.is_on(n))
        self.at(node, "ip", "addr", "add", f"{kit.VIP}/24", "dev", "eth0")
        time.sleep(0.3)
        self.at(node, "ip", "addr", "del", f"{kit.VIP}/24", "dev", "eth0", check=False)

    def watch_power(self):
        """A node whose PID 1 ended by itself (a manager that resets its machine) must not go on answering ARP."""
        while not self.ending.wait(0.02):
            with self.switching:
                for node in [n for n in self.left_on if not self.is_on(n)]:
                    self.note(f"{node} reset itself")
                    self.left_on.discard(node)
                    self.remove_remains(node)

    def remove_remains(self, node):
        self.rig.reap(node)
        for port in self.rig.ports(node):
            rigs.run("ip", "-n", self.rig.netns("sw"), "link", "del", port, check=False)
        rigs.run("ip", "netns", "del", self.rig.netns(node), check=False)

    def power_on(self, node):
        with self.switching:
            self.rig.poweron(node)
            self.left_on.add(node)

    def power_off(self, *nodes):
        with self.switching:
            for node in nodes:
                self.left_on.discard(node)
                if self.is_on(node):
                    self.rig.poweroff(node)

    def fill_disk(self, node):
        small_var.fill(self.rig, node)

    def heal(self):
        """Undoes whatever was broken; what is not broken stays as it is."""
        self.rig.unblock()
        for node in self.names:
            if not self.is_on(node):
                self.power_on(node)
                continue
            self.rig.heal(node)
            self.rig.resume(node)
            small_var.free(self.rig, node)
            if not self.driver.runs(self, node) or (self.guarded and node != self.witness and
                                                    not self.driver.pids(self, node, self.driver.guardian)):
                self.driver.start(self, node)

    def power_cycle(self):
        """The last resort between two scenarios: what no longer recovers by itself must not spoil the next one."""
        self.power_off(*self.names)
        self.rig.unblock()
        time.sleep(1)
        for node in self.names:
            self.power_on(node)
            small_var.free(self.rig, node)

    # -- the end ---------------------------------------------------------------------------------------------------
    def save_node_logs(self, node):
        """From inside: a /var of its own cannot be seen from here."""
        if not self.is_on(node):
            return
        (self.logs / node).mkdir(parents=True, exist_ok=True)
        with open(self.logs / node / "var-log.tar", "wb") as tar:
            rigs.subprocess.run(self.rig.enter(node, "tar", "-C", "/var", "-cf", "-", "log"), stdout=tar,
                                stderr=rigs.subprocess.DEVNULL, check=False)

    def stop(self, keep=False):
        self.ending.set()
        if self.guard:
            self.guard.join()
        for node in self.rig.nodes():
            if self.is_on(node):
                self.rig.resume(node)
        super().stop(keep)

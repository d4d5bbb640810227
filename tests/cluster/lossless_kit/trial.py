# SPDX-License-Identifier: GPL-2.0-or-later
"""One scenario on one cluster: settle, write, harm, wait for full redundancy, hold all databases against the notes."""
import re
import time

from grounds import kit, rigs

STEADY = 2.0              # s of undisturbed writing before the harm
SETTLE_LIMIT = 90.0       # s to the state from which a scenario begins
REDUNDANCY_LIMIT = 90.0   # s from the end of a fault
SERVES_LIMIT = 20.0       # s in which somebody must serve while the fault lasts, or nobody will
WRITERS = 8

# How whoever acknowledged a write without a replica may speak of it.
SAID = re.compile(r"acknowledged (alone|without|that no replica)|RPO *> *0|without (any )?(a )?replica's "
                  r"acknowledge?ment", re.I)


class Trial:
    """What a scenario may use. It notes facts; promise.py judges them."""

    def __init__(self, cluster, scenario, rate, full):
        self.cluster, self.scenario, self.rate, self.full = cluster, scenario, rate, full
        self.notes, self.primary = [], None
        self.replica, self.third = None, None  # the one in sync, and of three databases the other one
        self.began = self.healed_at = self.redundant_at = None
        self.served, self.stale, self.moved = None, 0, []
        self.patience = REDUNDANCY_LIMIT
        self.alone, self.said_before, self.said, self.wrongs = 0, {}, False, []

    def note(self, text):
        self.notes.append(text)

    def wrong(self, text):
        """What the scenario forbids, though no write was lost by it this time."""
        self.wrongs.append(text)

    # -- before ----------------------------------------------------------------------------------------------------
    def settle(self):
        """A redundant cluster with an empty ledger, and clients that write."""
        self.wait_for_redundancy(SETTLE_LIMIT)
        self.cluster.forget_failures(self.primary)
        self.empty_table()
        self.wait_for_redundancy(30)
        self.cluster.ledger_name = f"ledger-{self.scenario.name}"
        self.cluster.ledger.unlink(missing_ok=True)
        self.cluster.start_writers(name=f"writers-{self.scenario.name}", writers=WRITERS, rate=self.rate)
        kit.wait_until(self.cluster.acknowledged, 15, "for the first acknowledged write through the address")
        time.sleep(STEADY)
        self.said_before = {node: len(self.said_on(node)) for node in self.cluster.names}

    def wait_for_redundancy(self, seconds):
        try:
            self.primary = kit.wait_until(self.cluster.redundant, seconds, "for full redundancy", 0.2)
        except kit.ClusterError as error:
            raise kit.ClusterError(f"{error}: {self.cluster.summary()}") from None
        self.replica = self.cluster.in_sync(self.primary)
        self.third = next((n for n in self.cluster.others(self.primary) if n != self.replica), None)

    def empty_table(self):
        self.ask(self.primary, "TRUNCATE TABLE demo.ledger")
        kit.wait_until(lambda: all(self.rows(n) == 0 for n in self.cluster.names), 20,
                       "for an empty table on all nodes", 0.2)

    # -- looking ---------------------------------------------------------------------------------------------------
    def rows(self, node):
        found = self.cluster.sql(node, "SELECT COUNT(*) FROM demo.ledger", 3)
        return int(found[0][0]) if found else None

    def ask(self, node, statement, seconds=10):
        """Rows, from a database that must answer."""
        found = self.cluster.sql(node, statement, seconds)
        if found is None:
            raise kit.ClusterError(f"{node}'s database does not answer to: {statement}")
        return found

    def said_on(self, node):
        """Lines in which it is said that a write was acknowledged by the primary alone."""
        if self.cluster.rig.pid(node) is None:
            return []
        text = self.cluster.log_of(node) + "\n" + self.cluster.words_of_manager(node)
        return [line for line in text.splitlines() if SAID.search(line)]

    def hear(self):
        """Whether that has been said since the beginning."""
        heard = [line for n in self.cluster.names for line in self.said_on(n)[self.said_before.get(n, 0):]]
        if heard and not self.said:
            self.note(f"said: {heard[0].strip()[-150:]}")
        self.said = self.said or bool(heard)

    def servers(self):
        return {node: self.cluster.server(node) for node in self.cluster.names}

    def serves(self, nodes, since):
        """One of the nodes, when it is the primary and a write was acknowledged after that moment."""
        found = self.cluster.primary()
        return found if found in nodes and self.cluster.first_write_after(since) else None

    # -- harm and healing ------------------------------------------------------------------------------------------
    def harm(self):
        """The moment from which everything counts."""
        self.began = time.monotonic()
        return self.began

    def healed(self):
        """Nothing is broken any more that somebody would have to mend."""
        self.healed_at = time.monotonic()

    def hold(self, seconds):
        time.sleep(seconds)

    def someone_serves(self, nodes, seconds=SERVES_LIMIT):
        """Notes whether one of the nodes took writes while the fault lasts, and what it lacked then."""
        since = time.monotonic()
        try:
            found = kit.wait_until(lambda: self.serves(nodes, since), seconds, "for a write", 0.1)
        except kit.ClusterError:
            self.served = bool(self.served)
            self.note(f"{' or '.join(nodes)} did not serve within {seconds:.0f} s")
            return None
        self.served = True
        self.note(f"{found} serves {time.monotonic() - since:.1f} s later")
        self.look_for_stale(found)
        return found

    def look_for_stale(self, node):
        """Acknowledged writes that a serving database lacks: it will not get them any more while it serves."""
        audit = self.cluster.verify(settle=0, nodes=[node]).get(node)
        if audit and audit["lost"]:
            self.stale = max(self.stale, audit["lost"])
            self.note(f"{node} serves and lacks {audit['lost']:,} acknowledged writes")

    def power_off(self, *nodes):
        for node in nodes:
            if self.cluster.rig.pid(node) is not None:
                self.cluster.rig.poweroff(node)

    def power_on(self, *nodes):
        for node in nodes:
            if self.cluster.rig.pid(node) is None:
                self.cluster.rig.poweron(node)

    def steady_since(self, before):
        """Notes what a promise to stay forbids: another primary, or a server that is no longer the same process."""
        now = self.servers()
        self.moved += [f"{n}'s server was restarted" for n in now if now[n] != before[n]]
        primary = self.cluster.primary()
        if primary != self.primary:
            self.moved.append(f"the primary was {self.primary} and is {primary}")

    # -- after -----------------------------------------------------------------------------------------------------
    def undo(self):
        """Whatever a scenario left broken. A sound one has left nothing."""
        self.cluster.rig.unblock()
        for node in self.cluster.rig.nodes():
            if self.cluster.rig.pid(node) is None:
                self.power_on(node)
            else:
                self.cluster.rig.heal(node)

    def end(self):
        """Full redundancy, unaided, and then the account of all databases."""
        self.healed_at = self.healed_at or time.monotonic()
        try:
            kit.wait_until(self.cluster.redundant, self.patience, "for full redundancy", 0.3)
            self.redundant_at = time.monotonic()
            kit.wait_until(lambda: self.cluster.first_write_after(self.redundant_at), 15, "for a write after it")
        except kit.ClusterError as error:
            self.note(f"{error}: {self.cluster.summary()}")
        self.hear()
        ended = time.monotonic()
        self.end_writers()
        audit = self.cluster.verify(settle=20 if self.cluster.healthy() else 2)
        return {node: audit.get(node) for node in self.cluster.names}, ended

    def end_writers(self):
        name = f"writers-{self.scenario.name}"
        if name in self.cluster.children:
            self.cluster.end_children(name)
        others = [n for n in self.cluster.children if n != "owners"]
        for other in others:
            self.cluster.end_children(other)


def begin(trial):
    try:
        trial.settle()
        return ""
    except (kit.ClusterError, rigs.RigError) as error:
        return str(error)


def harmed(trial):
    """What broke off, in words; whatever happens, nothing stays broken."""
    try:
        trial.scenario.run(trial)
        return ""
    except (kit.ClusterError, rigs.RigError) as error:
        return str(error)
    finally:
        trial.undo()


def run(cluster, scenario, promised, rate, full):
    """The result as one flat dictionary: a line of the JSON file."""
    trial = Trial(cluster, scenario, rate, full)
    promise = scenario.promise
    result = {"at": time.strftime("%H:%M:%S"), "scenario": scenario.name, "promised": promised,
              "gap_limit_ms": promise.gap_limit_ms, "stays": promise.stays, "says": promise.says,
              "deadtime_ms": cluster.deadtime}
    why_not = begin(trial)
    if why_not:
        trial.end_writers()
        return result | {"begun": False, "failed": why_not, "notes": [why_not], "nodes": {}}
    failed = harmed(trial)
    nodes, ended = trial.end()
    began = trial.began or ended
    return result | {
        "begun": True, "failed": failed, "before": trial.primary, "end": cluster.primary() or "nobody",
        "acknowledged": len(cluster.acknowledged()), "nodes": nodes, "stale": trial.stale, "served": trial.served,
        "gap_ms": round(cluster.gap(began, ended) * 1000), "moved": "; ".join(trial.moved), "alone": trial.alone,
        "said": trial.said, "wrong": trial.wrongs, "seconds": round(ended - began, 1), "notes": trial.notes,
        "redundant_s": round(trial.redundant_at - trial.healed_at, 1) if trial.redundant_at else None}

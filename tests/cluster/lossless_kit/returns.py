# SPDX-License-Identifier: GPL-2.0-or-later
"""A database that has more than the primary, and becomes equal to it again, unaided."""
import os
import pathlib
import shutil
import signal

from grounds import kit
from thirds import never_promoted
from trial import REDUNDANCY_LIMIT

NOTICED_LIMIT = 40.0  # s until the replica's applier meets what it has too much
REMOVED_LIMIT = 30.0  # s
RECEIPTS = "/var/lib/systole/rejoin"
TABLE = ["CREATE TABLE demo.mine (a INT PRIMARY KEY)", "INSERT INTO demo.mine VALUES (1)"]
GIVERS = ("mariadb-backup", "mariadb-dump")


def errant_rows(trial):
    """Somebody with all rights writes to the replica: rows that no primary ever had."""
    before = receipts(trial)
    write_to_replica(trial, ["INSERT INTO demo.ledger (writer, seq, mark) SELECT 990, seq, 0 FROM demo.ledger LIMIT 5",
                             "UPDATE demo.ledger SET seq = seq + 1000000 WHERE writer = 990",
                             "DELETE FROM demo.ledger WHERE writer <> 990 ORDER BY id LIMIT 3"])
    one_receipt(trial, before)


def errant_table(trial):
    """The same, and it is a new table, which cannot be undone by rows: the replica needs a new copy."""
    before = receipts(trial)
    write_to_replica(trial, TABLE)
    copied(trial, before)


def donor_dies(trial):
    """The same, and in the middle of the copy what gives it is killed, and the next time its machine loses power."""
    before = receipts(trial)
    trial.harm()
    for statement in TABLE:
        trial.ask(trial.replica, statement)
    os.kill(giver(trial), signal.SIGKILL)
    trial.note(f"killed: what sent the copy on {trial.primary}")
    os.kill(giver(trial), signal.SIGSTOP)
    trial.hold(0.3)
    trial.power_off(trial.primary)
    never_promoted(trial, trial.replica, 8)
    trial.power_on(trial.primary)
    trial.healed()
    kit.wait_until(trial.cluster.redundant, REDUNDANCY_LIMIT, "for full redundancy", 0.3)
    copied(trial, before)


def giver(trial):
    """The pid of what reads the primary's database for a copy, as soon as there is one."""
    def found():
        for pid in trial.cluster.rig.node_pids(trial.primary):
            try:
                if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() in GIVERS:
                    return int(pid)
            except OSError:
                pass
        return None

    return kit.wait_until(found, NOTICED_LIMIT, f"for {trial.primary} to give a copy", 0.005)


def empty_disk(trial):
    """The replica's machine gets a new, empty disk: the node has its first copy again, unaided."""
    before = trial.servers()[trial.primary]
    trial.harm()
    trial.power_off(trial.replica)
    trial.hold(5)
    place = trial.cluster.rig.disk(trial.replica, "var/lib/mysql")
    for entry in place.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    trial.power_on(trial.replica)
    trial.healed()
    kit.wait_until(trial.cluster.redundant, REDUNDANCY_LIMIT, "for full redundancy", 0.3)
    stayed(trial, before)
    nothing_beside(trial)


def copied(trial, before):
    """It has the primary's tables, and what it had itself is kept once."""
    if trial.ask(trial.replica, "SHOW TABLES IN demo LIKE 'mine'"):
        trial.wrong(f"{trial.replica} still has the table that the primary never had")
    one_receipt(trial, before)
    nothing_beside(trial)


def receipts(trial):
    return trial.cluster.at(trial.replica, "ls", RECEIPTS, check=False).stdout.split()


def one_receipt(trial, before):
    new = sorted(set(receipts(trial)) - set(before))
    trial.note(f"{trial.replica} has the receipt {', '.join(new)}")
    if len(new) != 1:
        trial.wrong(f"{trial.replica} has {len(new)} new receipts, not one")


def nothing_beside(trial):
    """Replaced databases go once the copy follows, with one of the next monitors."""
    def left():
        return trial.cluster.at(trial.replica, "sh", "-c", "ls -d /var/lib/mysql.systole-*", check=False).stdout.split()

    try:
        kit.wait_until(lambda: not left(), REMOVED_LIMIT, "for the replaced database to be removed", 0.5)
    except kit.ClusterError:
        trial.wrong(f"{trial.replica} has left {', '.join(left())}")


def write_to_replica(trial, statements):
    before = trial.servers()[trial.primary]
    trial.harm()
    for statement in statements:
        trial.ask(trial.replica, statement)
    kit.wait_until(lambda: trial.cluster.role(trial.replica) != "replica", NOTICED_LIMIT,
                   f"for {trial.replica}'s applier to stop", 0.1)
    trial.healed()
    kit.wait_until(trial.cluster.redundant, REDUNDANCY_LIMIT, "for full redundancy", 0.3)
    stayed(trial, before)


def stayed(trial, before):
    if trial.servers()[trial.primary] != before or trial.cluster.primary() != trial.primary:
        trial.moved.append(f"{trial.primary} is no longer the primary that it was")

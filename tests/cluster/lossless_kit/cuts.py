# SPDX-License-Identifier: GPL-2.0-or-later
"""Links that break, alone and before something else does."""
import harm
from grounds import kit

SHORT, LONG = 3.0, 10.0  # s
RETURNS = 3


def cut_replication_then_power_off(trial):
    """The replica falls behind unseen by the cluster's own links; then it is all that is left."""
    trial.harm()
    with harm.replication_cut(trial):
        trial.hold(SHORT)
        trial.power_off(trial.primary)
    trial.someone_serves([trial.replica])
    trial.hold(3)
    trial.power_on(trial.primary)
    trial.healed()


def cut_everything(trial):
    """The primary's machine is alone: no node, no client, no gateway."""
    trial.harm()
    trial.cluster.rig.cut(trial.primary)
    trial.someone_serves([trial.replica], LONG)
    trial.hold(max(0.0, trial.began + LONG - kit.time.monotonic()))
    trial.cluster.rig.heal(trial.primary)
    trial.healed()


def isolated_returns(trial):
    """The primary loses all other nodes, but not its clients, and comes back; three times."""
    trial.harm()
    for turn in range(RETURNS):
        if turn > 0:
            trial.wait_for_redundancy(60)
            trial.hold(2)
        harm.isolate(trial, trial.primary)
        trial.hold(LONG)
        trial.cluster.rig.unblock()
        trial.healed()


def kill_query(trial):
    """KILL QUERY on a commit that waits for the replica is answered with OK. That cannot be helped, but be said."""
    trial.harm()
    with harm.patient_writers(trial, 4):
        trial.hold(1)
        with harm.replication_cut(trial):
            trial.hold(0.5)
            answered = harm.patient_answers(trial)
            for _ in range(3):
                kill_waiting(trial)
                trial.hold(0.1)
            count_alone(trial, harm.patient_answers(trial) - answered)
            trial.hold(3)
            trial.hear()
    trial.healed()


def count_alone(trial, answers):
    """A primary whose record says that it has no replica in sync may answer alone; any other must speak of it."""
    record = trial.cluster.lineage()
    released = record is not None and record.get("s") == "-"
    trial.alone = 0 if released else answers
    why = "the record says that no replica is in sync" if released else "nobody had withdrawn the replica"
    trial.note(f"{answers} writes were acknowledged after KILL QUERY with the replica cut off; {why}")


def kill_waiting(trial):
    """What a person does who sees a statement that hangs."""
    waiting = trial.cluster.sql(trial.primary, "SELECT id FROM information_schema.processlist WHERE user='app' AND "
                                               "state LIKE '%semi-sync ACK%'")
    for row in waiting or []:
        trial.cluster.sql(trial.primary, f"KILL QUERY {row[0]}")

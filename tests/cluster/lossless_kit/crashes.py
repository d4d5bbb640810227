# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers and machines that die, alone and together."""
import time

import harm
from grounds import kit
from trial import SERVES_LIMIT

DRAIN = 10.0     # s of received writes that wait to be applied
STILL_HELD = 6.0  # s for which the replica stays blocked after its primary is gone
AWAY = 12.0      # s


def kill_primary_server(trial):
    """Whether it is started again in place or the other one takes over is the manager's choice."""
    trial.harm()
    harm.kill_server(trial, trial.primary)
    trial.healed()
    trial.someone_serves(trial.cluster.names)


def power_off_primary(trial):
    trial.harm()
    trial.power_off(trial.primary)
    trial.someone_serves([trial.replica])
    trial.hold(3)
    trial.power_on(trial.primary)
    trial.healed()


def power_off_replica(trial):
    """Writers stall until the primary may go on alone."""
    trial.harm()
    trial.power_off(trial.replica)
    trial.hold(1)
    trial.someone_serves([trial.primary])
    trial.hold(5)
    trial.power_on(trial.replica)
    trial.healed()


def freeze_replica_server(trial):
    before = trial.servers()
    trial.harm()
    with harm.frozen_server(trial, trial.replica):
        trial.hold(1)
        trial.someone_serves([trial.primary], AWAY)
        trial.hold(max(0.0, trial.began + AWAY - time.monotonic()))
    trial.healed()
    if trial.servers()[trial.primary] != before[trial.primary] or trial.cluster.primary() != trial.primary:
        trial.moved.append(f"{trial.primary} is no longer the primary that it was")


def flap_replica_server(trial):
    """Five times in 20 s; each time 4 s after the last, or as soon as it is back."""
    before = trial.servers()[trial.primary]
    trial.harm()
    kills, due = 0, trial.began
    while time.monotonic() < trial.began + 20:
        if time.monotonic() >= due and trial.cluster.server(trial.replica) is not None:
            harm.kill_server(trial, trial.replica)
            kills, due = kills + 1, time.monotonic() + 4
        trial.hold(0.1)
    trial.healed()
    trial.note(f"killed {kills} times")
    if trial.cluster.server(trial.primary) != before:
        trial.moved.append(f"{trial.primary}'s server was restarted")


def freeze_primary_server(trial):
    trial.harm()
    with harm.frozen_server(trial, trial.primary):
        trial.someone_serves(trial.cluster.names)  # a server that was started again in its place is as good
        trial.hold(max(0.0, trial.began + AWAY - time.monotonic()))
    trial.healed()


def kill_both_servers(trial):
    trial.harm()
    harm.kill_server(trial, trial.primary, trial.replica)
    trial.healed()


def blocked_replica(trial):
    """The replica receives and does not apply; the name of its lock."""
    trial.harm()
    lock = harm.lock_table(trial, trial.replica, "READ", DRAIN + 60)
    harm.backlog(trial, trial.replica, DRAIN)
    return lock


def drain(trial):
    """The primary's machine dies, the replica must first apply what it has received, and cannot yet."""
    lock = blocked_replica(trial)
    trial.power_off(trial.primary)
    trial.hold(STILL_HELD)
    harm.release(trial, lock)
    trial.someone_serves([trial.replica], 2 * SERVES_LIMIT)
    trial.hold(3)
    trial.power_on(trial.primary)
    trial.healed()


def drain_restart(trial):
    """The same, and the replica's server dies with what it has not applied, just after its primary's machine."""
    lock = blocked_replica(trial)
    trial.power_off(trial.primary)
    harm.kill_server(trial, trial.replica)
    harm.release(trial, lock)
    trial.someone_serves([trial.replica], 2 * SERVES_LIMIT)
    trial.hold(3)
    trial.power_on(trial.primary)
    trial.healed()


def drain_restarted(trial):
    """The replica's server dies first and is started again; the primary's machine dies as soon as it answers."""
    lock = blocked_replica(trial)
    pid = trial.cluster.server(trial.replica)
    harm.kill_server(trial, trial.replica)
    harm.release(trial, lock)
    kit.wait_until(lambda: trial.cluster.server(trial.replica) not in (None, pid) and trial.rows(trial.replica)
                   is not None, 30, f"for {trial.replica}'s server to be started again", 0.02)
    trial.power_off(trial.primary)
    trial.someone_serves([trial.replica], 2 * SERVES_LIMIT)
    trial.hold(3)
    trial.power_on(trial.primary)
    trial.healed()


def broken_replica(trial):
    """Its applier stops with an error while it goes on receiving; then the primary's machine dies."""
    ahead = int(trial.ask(trial.primary, "SELECT MAX(id) FROM demo.ledger")[0][0]) + 200
    trial.ask(trial.replica, f"SET sql_log_bin=0; INSERT INTO demo.ledger VALUES ({ahead}, 9000, 1, 1)")
    trial.harm()
    kit.wait_until(lambda: trial.cluster.role(trial.replica) != "replica", 20, "for the applier to stop", 0.1)
    trial.hold(3)
    trial.power_off(trial.primary)
    trial.someone_serves([trial.replica])
    trial.hold(3)
    # A person cures it; the machine comes back after that.
    trial.cluster.sql(trial.replica, f"SET sql_log_bin=0; DELETE FROM demo.ledger WHERE id={ahead} AND writer=9000")
    trial.power_on(trial.primary)
    trial.healed()

# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers that are busy, full or moved on purpose, and not dead."""
import harm
from grounds import kit, small_var

BUSY = 15.0  # s
CONNECTIONS = 220  # more than the server gives
MOVES_SHORT, MOVES_FULL = 3, 50


def switch_overs(trial):
    """Planned, under load, there and back."""
    trial.harm()
    gaps, here = [], trial.primary
    count = MOVES_FULL if trial.full else MOVES_SHORT
    for _ in range(count):
        there, begin = trial.cluster.in_sync(here), kit.time.monotonic()
        trial.cluster.move(here, there)
        kit.wait_until(lambda: trial.cluster.redundant() == there, 60,
                       f"for {there} to be the primary: now {trial.cluster.summary()}", 0.1)
        trial.cluster.move_is_over(there)
        trial.hold(1)
        gaps.append(round(trial.cluster.gap(begin, kit.time.monotonic()) * 1000))
        here = there
    trial.healed()
    gaps.sort()
    median = gaps[len(gaps) // 2]
    trial.note(f"{count} switch-overs, without a write for {gaps[0]} to {gaps[-1]} ms, median {median} ms")


def too_many_connections(trial):
    """Everybody is connected and nobody works: new clients are refused, old ones go on."""
    before = trial.servers()
    trial.harm()
    with harm.idle_clients(trial, CONNECTIONS):
        trial.hold(BUSY)
    trial.steady_since(before)
    trial.healed()


def metadata_lock(trial):
    """Somebody holds the table on the primary: writers wait, and no failure is to be mended."""
    before = trial.servers()
    trial.harm()
    lock = harm.lock_table(trial, trial.primary, "WRITE", BUSY + 30)
    trial.hold(BUSY)
    trial.steady_since(before)
    harm.release(trial, lock)
    trial.healed()


def disk_full(trial):
    """The primary's disk takes nothing any more, binary log and all; after a while somebody makes room."""
    trial.harm()
    small_var.fill(trial.cluster.rig, trial.primary)
    trial.hold(3)
    trial.someone_serves(trial.cluster.names)
    trial.hold(BUSY)
    small_var.free(trial.cluster.rig, trial.primary)
    trial.healed()

# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers that are busy, full or moved on purpose, and not dead."""
import contextlib
import threading

import harm
from grounds import kit, small_var

BUSY = 15.0  # s
FORGOTTEN = 90.0  # s more for a node whose start failed
CONNECTIONS = 220  # more than the server gives
MOVES_SHORT, MOVES_FULL = 3, 50
KILL_STEP, KILL_SPAN = 0.037, 0.8  # s after the order: at another moment of each switch-over


def switch_overs(trial, beside=lambda turn: contextlib.nullcontext()):
    """Planned, under load, there and back."""
    trial.harm()
    gaps, here = [], trial.primary
    count = MOVES_FULL if trial.full else MOVES_SHORT
    for turn in range(count):
        there, begin = trial.cluster.in_sync(here), kit.time.monotonic()
        with beside(turn):
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


def switch_overs_without_helpers(trial):
    """The same, and in each one the helpers of all nodes are killed, at another of its steps."""
    delays = [(turn * KILL_STEP) % KILL_SPAN for turn in range(MOVES_FULL)]
    killed = []

    @contextlib.contextmanager
    def killing(turn):
        timer = threading.Timer(delays[turn if trial.full else turn * 5], harm.kill_helpers, (trial, killed))
        timer.start()
        try:
            yield
        finally:
            timer.join()

    switch_overs(trial, killing)
    trial.note(f"{len(killed)} helpers were killed")


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
    trial.patience += FORGOTTEN  # its start has failed; it is tried again, and then a minute's writes are to be applied
    trial.healed()

# SPDX-License-Identifier: GPL-2.0-or-later
"""All is off, and comes back in one order or another."""
ALONE = 25.0   # s for which a node is left alone
APART = 8.0    # s between the two


def old_primary_alone(trial):
    """A is off, B is promoted and takes writes, B is off, A returns alone: what it has is old. Then B returns."""
    trial.harm()
    trial.power_off(trial.primary)
    newer = trial.someone_serves([trial.replica])
    trial.hold(3)
    if newer:
        trial.served = None  # the question is another one from here on
    trial.power_off(trial.replica)
    trial.hold(1)
    trial.power_on(trial.primary)
    trial.note(f"{trial.primary} is back alone")
    alone = trial.someone_serves([trial.primary], ALONE)
    if alone is None:
        trial.served = None if newer else False
    trial.power_on(trial.replica)
    trial.healed()


def both_off(trial):
    trial.harm()
    trial.power_off(trial.primary, trial.replica)
    trial.hold(2)


def primary_first(trial):
    both_off(trial)
    trial.power_on(trial.primary)
    trial.hold(APART)
    trial.power_on(trial.replica)
    trial.healed()


def replica_first(trial):
    both_off(trial)
    trial.power_on(trial.replica)
    trial.hold(APART)
    trial.power_on(trial.primary)
    trial.healed()

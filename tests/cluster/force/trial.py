# SPDX-License-Identifier: GPL-2.0-or-later
"""One cluster driven through its scenarios: settle, break, heal, settle, count."""
import time

import account
import cluster as kit
import scenarios
from cluster import rigs


def lacks(field, scenario):
    if scenario.needs == "witness" and field.witness is None:
        return "there is no witness in this mode"
    if scenario.needs == "guardian" and not field.driver.has_guardian(field):
        return "no guardian runs"
    return None


def begin(field):
    """True once the cluster is settled; after a power cycle if need be."""
    try:
        field.settle()
        return True
    except kit.ClusterError:
        field.note("not settled before; power cycle")
    field.power_cycle()
    try:
        field.settle()
        return True
    except kit.ClusterError as error:
        field.note(f"not settled after a power cycle: {error}")
        return False


def prepared(field, scenario):
    """True once what is to be broken is there, and all is calm again."""
    if scenario.prepare is None:
        return True
    try:
        scenario.prepare(field)
        field.settle()
        return True
    except (kit.ClusterError, rigs.RigError) as error:
        field.note(f"could not be prepared: {error}")
        return False


def broken_and_healed(field, scenario):
    """(settled, s from the healing to the beginning of the calm); whatever happens, nothing stays broken."""
    try:
        scenario.run(field)
    except (kit.ClusterError, rigs.RigError) as error:
        field.note(f"{error}")
    healed = time.monotonic()
    field.heal()
    try:
        field.settle()
        return True, max(0.0, time.monotonic() - healed - 3.0)
    except kit.ClusterError as error:
        field.note(f"{error}")
        return False, time.monotonic() - healed


def run(field, scenario):
    """The result as one flat dictionary: a line of the JSON file."""
    driver, field.notes = field.driver, []
    guarded = field.guarded = all(field.is_on(n) for n in field.names) and driver.has_guardian(field)
    result = {
        "at": time.strftime("%H:%M:%S"), "driver": driver.name, "mode": driver.mode, "scenario": scenario.name,
        "deadtime_ms": field.deadtime, "guardian": guarded,
        "expected": scenarios.expectation(driver.name, driver.mode, scenario.name, guarded),
        "gap_limit_ms": scenarios.gap_limit_ms(driver.name, scenario.name, field.deadtime)}
    why_not = lacks(field, scenario)
    if why_not:
        return result | {"skipped": why_not}
    try:
        if not begin(field) or not prepared(field, scenario):
            return result | {"begun": False, "settled": False, "end": account.words_for(field.owners_now()),
                             "notes": field.notes}
        start = time.monotonic()
        owner = account.words_for(field.owners_now())
        settled, seconds = broken_and_healed(field, scenario)
    except scenarios.NothingToDo as nothing:
        return result | {"skipped": f"{nothing}"}
    found, end = field.seen(), time.monotonic()
    return result | {"begun": True, "before": owner, **account.measure(found, start, end), "settled": settled,
                     "settle_s": round(seconds, 1), "seconds": round(end - start, 1),
                     "end": account.words_for(field.owners_now()), "notes": field.notes}

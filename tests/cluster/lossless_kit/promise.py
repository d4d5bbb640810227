# SPDX-License-Identifier: GPL-2.0-or-later
"""What is promised about acknowledged writes, and whether a result keeps it. No clock, no I/O.

A result is what trial.py saw of one scenario, a flat dictionary: a line of the JSON file."""
import dataclasses

KEPT = "no loss"                # and somebody serves: a write is taken again before the fault is undone
REFUSE = "refuse or no loss"    # whoever may lack a write may stand still until the fault is undone
COUNTED = "counted"             # nothing is promised; it is counted what it cost
DURABILITIES = ("lossless", "crash-safe", "available", "none")
WRONGS = ("lost", "duplicated", "extra", "altered")


@dataclasses.dataclass(frozen=True)
class Promise:
    """What a scenario may cost by durability, and what must hold besides unless that is COUNTED."""
    lossless: str
    crash_safe: str
    available: str = COUNTED
    gap_limit_ms: int = 0      # the longest time without an acknowledged write; 0: no limit
    stays: bool = False        # the primary stays the primary, and no server is restarted
    says: bool = False         # a write that was acknowledged by the primary alone is spoken of at once

    def of(self, durability):
        return {"lossless": self.lossless, "crash-safe": self.crash_safe, "available": self.available,
                "none": COUNTED}[durability]


def always(kind, **more):
    """The same in every durability."""
    return Promise(kind, kind, kind, **more)


def sum_of(audit, *kinds):
    return sum(audit[k] for k in kinds)


def wrong_rows(result):
    """What is not as acknowledged, in words, per node."""
    found = []
    for node, audit in sorted(result["nodes"].items()):
        if audit is None:
            found.append(f"{node}'s database could not be asked")
            continue
        found += [f"{audit[k]:,} {k} on {node}" for k in WRONGS if audit[k]]
    return found


def broken(result):
    """The promises that this result breaks, in words."""
    if "skipped" in result or result["promised"] == COUNTED:
        return []
    if not result["begun"]:
        return ["the cluster could not be brought up for it"]
    wrong = wrong_rows(result)
    if result["acknowledged"] == 0:
        wrong.append("no write was acknowledged at all")
    if result["stale"]:
        wrong.append(f"served while {result['stale']:,} acknowledged writes were missing")
    if result["served"] is False and result["promised"] == KEPT:
        wrong.append("nobody served while the fault lasted")
    if result["redundant_s"] is None:
        wrong.append("full redundancy did not come back unaided")
    if result["gap_limit_ms"] and result["gap_ms"] > result["gap_limit_ms"]:
        wrong.append(f"{result['gap_ms']:,} ms without a write, promised are {result['gap_limit_ms']:,} ms")
    if result["stays"] and result["moved"]:
        wrong.append(f"nothing was to move: {result['moved']}")
    if result["says"] and result["alone"] and not result["said"]:
        wrong.append(f"{result['alone']} writes were acknowledged by the primary alone, and nobody said so")
    wrong += result.get("wrong", [])  # notes of earlier times have none
    return wrong + [f"the scenario broke off: {result['failed']}"] * bool(result["failed"])


def clean(result):
    """The cluster can go on to the next scenario as it is."""
    return not ("skipped" in result or not result["begun"] or result["failed"] or result["redundant_s"] is None
                or wrong_rows(result))


def cost(result):
    """What it came to where nothing is promised. Lost is what the database that serves in the end lacks; if none does,
    what even the better one lacks."""
    audits = {node: audit for node, audit in result["nodes"].items() if audit}
    if not audits:
        return "not asked"
    serving = audits.get(result["end"])
    lost = serving["lost"] if serving else min(a["lost"] for a in audits.values())
    words = [f"lost {max(lost, result['stale']):,}" if lost or result["stale"] else "nothing lost"]
    return ", ".join(words + ["no redundancy"] * (result["redundant_s"] is None))


def verdict(result):
    """One word for the table."""
    if "skipped" in result:
        return "–"
    if broken(result):
        return "BROKEN"
    if result["promised"] == COUNTED:
        return cost(result)
    return "refused, kept" if result["served"] is False else "kept"

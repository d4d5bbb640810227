# SPDX-License-Identifier: GPL-2.0-or-later
"""Who answered for the address, when: from owner_watch's lines to the numbers of one scenario. No clock, no I/O."""

STEP = 0.010  # s: owner_watch asks this often, so nothing is known more finely


def changes(lines):
    """(moment, owners) for each line 'ns MAC[,MAC…]': from then on, until the next, just these nodes answered."""
    found = []
    for line in lines:
        words = line.split()
        if len(words) != 2 or "=" in line:
            continue
        owners = () if words[1] == "-" else tuple(sorted(node_of(mac) for mac in words[1].split(",")))
        found.append((int(words[0]) / 1e9, owners))
    return found


def node_of(mac):
    """The rig's MACs end with the number of their node."""
    return f"n{int(mac.rsplit(':', 1)[1], 16)}"


def stretches(found, begin, end):
    """(owners, length) of all stretches from begin to end, in order; before the first line nothing is known."""
    marks = [m for m in found if m[0] <= begin][-1:] + [m for m in found if begin < m[0] <= end]
    ends = [m[0] for m in marks[1:]] + [end]
    return [(owners, until - max(moment, begin)) for (moment, owners), until in zip(marks, ends)]


def longest_run(parts, wanted):
    """The longest time for which `wanted(owners)` held without a break."""
    longest = now = 0.0
    for owners, length in parts:
        now = now + length if wanted(owners) else 0.0
        longest = max(longest, now)
    return longest


def measure(found, begin, end):
    """The three numbers, in whole ms."""
    parts = stretches(found, begin, end)
    doubled = [length for owners, length in parts if len(owners) > 1]
    return {"two_owners_ms": round(sum(doubled) * 1000),
            "two_owners_longest_ms": round(longest_run(parts, lambda owners: len(owners) > 1) * 1000),
            "gap_ms": round(longest_run(parts, lambda owners: not owners) * 1000)}


def owner_for(found, now, seconds):
    """The one node that has answered alone for so long, a missed answer or two apart; else None."""
    parts = stretches(found, now - seconds, now)
    if not parts or sum(length for _, length in parts) < seconds - STEP:
        return None
    owners = {o for o, _ in parts if o}
    if len(owners) != 1 or longest_run(parts, lambda o: not o) > 3 * STEP:
        return None
    return owners.pop()[0] if len(next(iter(owners))) == 1 else None


def words_for(owners):
    return {0: "nobody", 1: owners[0] if owners else ""}.get(len(owners)) or "two: " + " and ".join(owners)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Results for people: one line while it runs, a table at the end, a page for docs; and which promise was broken."""
import json
import scenarios

HEAD = f"  {'scenario':<20}{'two owners':>12}{'longest':>10}{'gap':>10}  {'end':<14} {'promised'}"


def broken(result):
    """The promises that this result breaks, in words. Other software has promised us nothing."""
    if "skipped" in result or result["expected"] == "measured":
        return []
    if not result["begun"]:
        return ["the cluster could not be brought up for it"]
    wrong = []
    if result["expected"] == "never two" and result["two_owners_ms"] > 0:
        wrong.append(f"two owners for {result['two_owners_ms']} ms")
    if not result["settled"]:
        wrong.append(f"not one owner and all members after the healing: {result['end']}")
    limit = result.get("gap_limit_ms")
    if limit and result["gap_ms"] > limit:
        wrong.append(f"a gap of {result['gap_ms']} ms, promised are {limit} ms")
    return wrong


def ending(result):
    return result["end"] + ("" if result["settled"] else ", not settled")


def line(result):
    name = f"  {result['scenario']:<20}"
    if "skipped" in result:
        return f"{name}skipped: {result['skipped']}"
    notes = "; ".join([*(f"BROKEN: {w}" for w in broken(result)), *result["notes"]])
    if not result["begun"]:
        return f"{name}not begun: {notes}"
    return (f"{name}{result['two_owners_ms']:>9,} ms{result['two_owners_longest_ms']:>7,} ms{result['gap_ms']:>7,} ms  "
            f"{ending(result):<14} {result['expected']:<11}{notes}").rstrip()


def column(result):
    return f"{result['driver']} {result['mode']}"


def load(paths):
    return [json.loads(text) for path in paths for text in path.read_text().splitlines() if text.strip()]


def cell(result):
    if result is None:
        return ""
    if "skipped" in result:
        return "–"
    if not result["begun"]:
        return "not begun"
    doubled = f"**{result['two_owners_ms']:,}**" if result["two_owners_ms"] else "0"
    mark = " ‼" if broken(result) else ""
    return f"{doubled} / {result['gap_ms']:,} / {ending(result)}{mark}"


PAGE = """# Who owns the address, when things are broken by force

A client asks by ARP every 10 ms who owns the address while a cluster of two nodes (and a witness where the mode has
one) is broken in one way after the other, each time from a settled state, and healed. `tests/cluster/guarantees` does
it and writes this page; `--help` says how.

Each cell: **time with two owners, ms** / longest time in which nobody answered, ms / who owned it in the end. ‼: a
promise was broken. –: nothing to break there. One run each; most of the gap of a cold start is the time for which
nothing was switched on. When only the processes of a machine stand still, its kernel goes on to answer for its
addresses: the client sees both owners all the time. A hardware watchdog would end that; there is none here.

{table}

{versions}

What Systole promises in each case ("possible": two owners are not excluded in this mode):

{promises}
"""


def table_of(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def by_columns(results, show, keep=lambda result: True):
    """A table with a row for each scenario and a column for each cluster that was tried."""
    columns = list(dict.fromkeys(column(r) for r in results if keep(r)))
    found = {(column(r), r["scenario"]): r for r in results}
    rows = [["scenario", *columns]]
    for scenario in scenarios.ALL:
        cells = [show(found.get((name, scenario.name))) for name in columns]
        if any(text not in ("", "–") for text in cells):
            rows.append([scenario.title, *cells])
    return table_of(rows)


def markdown(results, remarks):
    tried = {column(r): f"* {column(r)}: {r['version']}, {r['date']}" +
             (f", deadtime {r['deadtime_ms']} ms" if r["driver"] == "systole" else "") +
             (", with guardian" if r["guardian"] else "") for r in results}
    promises = by_columns(results, lambda r: r["expected"] if r and "skipped" not in r else "",
                          lambda r: r["expected"] != "measured")
    below = "\n".join([*tried.values(), *(f"* {text}" for text in remarks)])
    return PAGE.format(table=by_columns(results, cell), versions=below, promises=promises)

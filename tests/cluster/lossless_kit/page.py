# SPDX-License-Identifier: GPL-2.0-or-later
"""Results for people: a line while it runs, a page for docs."""
import json

import catalogue
import promise

HEAD = (f"  {'scenario':<26}{'lost / dup / extra / altered':^36}{'acknowledged':>13}{'gap':>11}{'redundant':>11}  "
        f"{'end':<7}{'promised':<18}verdict")


def rows_of(audit):
    return "not asked" if audit is None else "/".join(f"{audit[k]:,}" for k in promise.WRONGS)


def seconds(value):
    return "never" if value is None else f"{value:.1f} s"


def line(result):
    name = f"  {result['scenario']:<26}"
    if "skipped" in result:
        return f"{name}skipped: {result['skipped']}"
    words = [f"BROKEN: {w}" for w in promise.broken(result)] + result["notes"]
    below = "".join(f"\n  {'':<26}· {w}" for w in words)
    if not result["begun"]:
        return f"{name}not begun{below}"
    audits = "  ".join(f"{node} {rows_of(audit)}" for node, audit in sorted(result["nodes"].items()))
    return (f"{name}{audits:<36}{result['acknowledged']:>13,}{result['gap_ms']:>8,} ms"
            f"{seconds(result['redundant_s']):>11}  {result['end']:<7}{result['promised']:<18}"
            f"{promise.verdict(result)}{below}")


def load(paths):
    return [json.loads(text) for path in paths for text in path.read_text().splitlines() if text.strip()]


def latest(results):
    """One result for each cluster and scenario: the last."""
    return list({(r["column"], r["scenario"]): r for r in results}.values())


PAGE = """# Is an acknowledged write ever lost?

Clients write through the address into a real MariaDB on two or three nodes, all the time, and note outside of them what
was acknowledged to them. From a settled state the cluster is harmed in one way after the other and left to itself; then
all databases are held against the notes, row by row. `tests/cluster/lossless` does it and writes this page; `--help`
says how, `--list` what is promised.

* lost / dup / extra / altered: acknowledged rows that are missing; surplus rows of a key; rows that nobody tried to
  write; rows with other content. Per node, after the cluster had its time to mend itself.
* gap: the longest time without an acknowledged write, measured by a new connection every 20 ms.
* redundant: from the end of the fault until a commit waits for another node again, without anybody's help.
* promised: *no loss* (and somebody serves while the fault lasts), *refuse or no loss*, or *counted*, where nothing is.

kill -9 and a rig's power-off keep what the kernel has cached: whether a disk keeps what it confirmed is not tried here.
One run each.
"""


def table(results):
    nodes = sorted({"n1", "n2"}.union(*(r.get("nodes", ()) for r in results)))
    rows = [["scenario", *nodes, "acknowledged", "gap", "redundant", "end", "promised", "verdict"]]
    for result in results:
        if "skipped" in result or not result["begun"]:
            rows.append([result["scenario"], *[""] * len(nodes), "", "", "", "", result.get("promised", ""),
                         "skipped" if "skipped" in result else promise.verdict(result) + ", not begun"])
            continue
        audits = [rows_of(result["nodes"].get(node)) for node in nodes]
        rows.append([result["scenario"], *audits, f"{result['acknowledged']:,}", f"{result['gap_ms']:,} ms",
                     seconds(result["redundant_s"]), result["end"], result["promised"], promise.verdict(result)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def remarks(results):
    """What a table cannot show: broken promises in words, and what was noticed on the way."""
    found = []
    for result in results:
        words = [f"BROKEN: {w}" for w in promise.broken(result)] + result.get("notes", [])
        words += [result["skipped"]] if "skipped" in result else []
        if words:
            found.append(f"* {result['scenario']}: {'; '.join(words)}")
    return "\n".join(found)


def markdown(results, said=()):
    """With the words that somebody wants to be read beside the tables."""
    order = {s.name: number for number, s in enumerate(catalogue.ALL)}
    parts = [PAGE, *([f"{chr(10).join(f'* {text}' for text in said)}\n"] if said else [])]
    for column in dict.fromkeys(r["column"] for r in results):
        own = sorted((r for r in latest(results) if r["column"] == column), key=lambda r: order[r["scenario"]])
        wrong = sum(1 for r in own if promise.broken(r))
        versions = "; ".join(dict.fromkeys(r["version"] for r in own))
        parts.append(f"## {column}\n\n{versions}, {own[0]['date']}, judged as {own[0]['durability']}: "
                     f"{len(own)} scenarios, {wrong} with a broken promise.\n\n{table(own)}\n\n{remarks(own)}\n")
    return "\n".join(parts)

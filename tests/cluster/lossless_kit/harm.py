# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways to harm a database from outside, and to undo it. None of them is known to the cluster manager."""
import contextlib
import pathlib
import signal
import time

from grounds import kit

HERE = pathlib.Path(__file__).resolve().parent
MARIADB = " ".join(kit.MARIADB)
HELPER_FILE = "/run/resource-agents/systole-mysql-db.helper.pid"
TABLE = "lossless"


def kill_server(trial, *nodes):
    """kill -9 of the server of each, as close together as can be."""
    pids = [(node, trial.cluster.server(node)) for node in nodes]
    for node, pid in pids:
        if pid is None:
            raise kit.ClusterError(f"no server runs on {node}")
        trial.cluster.rig.signal(pid, signal.SIGKILL)


@contextlib.contextmanager
def frozen_server(trial, node):
    pid = trial.cluster.signal_server(node, signal.SIGSTOP)
    try:
        yield
    finally:
        if trial.cluster.server(node) == pid:
            trial.cluster.rig.signal(pid, signal.SIGCONT)


def cut_replication(trial, nodes=None):
    """Between the database ports alone; the cluster's own packets and the clients' pass. Of all, or of these nodes."""
    for node in nodes or trial.cluster.names:
        peers = ", ".join(trial.cluster.rig.address(other) for other in trial.cluster.others(node))
        trial.cluster.at(node, "nft", "-f", "-", data=(
            f"table inet {TABLE} {{\n chain input {{\n  type filter hook input priority 0;\n"
            f"  ip saddr {{ {peers} }} tcp sport {{ 3306, 3307 }} drop\n"
            f"  ip saddr {{ {peers} }} tcp dport {{ 3306, 3307 }} drop\n }}\n}}\n"))


def heal_replication(trial):
    for node in trial.cluster.names:
        if trial.cluster.rig.pid(node) is not None:
            trial.cluster.at(node, "nft", "-f", "-", data=f"add table inet {TABLE}\ndelete table inet {TABLE}\n")


@contextlib.contextmanager
def replication_cut(trial, nodes=None):
    cut_replication(trial, nodes)
    try:
        yield
    finally:
        heal_replication(trial)


def isolate(trial, node):
    """From all nodes and the gateway. The clients still reach it, and whatever it acknowledges counts."""
    for name in (*trial.cluster.rig.nodes(), "gw"):
        if name != node:
            trial.cluster.rig.block(node, name)
            trial.cluster.rig.block(name, node)


def lock_table(trial, node, kind, seconds):
    """A session that holds the table, as a backup or a careless ALTER does. Its name, for release()."""
    name = f"lock-{node}-{int(time.monotonic() * 1000)}"
    statements = f"LOCK TABLES demo.ledger {kind}; SELECT 'held';"
    trial.cluster.background(name, node, "sh", "-c",
                             f'(echo "{statements}"; exec sleep {seconds}) | {MARIADB} -BNn')
    kit.wait_until(lambda: "held" in kit.lines_of(trial.cluster.logs / f"{name}.out"), 10,
                   f"for the table to be locked on {node}")
    return name


def release(trial, name):
    if name in trial.cluster.children:
        trial.cluster.end_children(name)


def backlog(trial, node, seconds):
    """Waits until the node has received so many seconds of writes that it has not applied."""
    begin = time.monotonic()
    count = "SELECT COUNT(*) FROM demo.ledger"
    at_first = int(trial.ask(node, count)[0][0])
    time.sleep(seconds)
    in_the_end = int(trial.ask(node, count)[0][0])
    behind = len(trial.cluster.acknowledged()) - in_the_end
    if behind <= 0 or in_the_end > at_first:
        raise kit.ClusterError(f"{node} goes on applying what it receives: nothing to drain")
    trial.note(f"{node} has not applied {behind:,} acknowledged writes of {time.monotonic() - begin:.0f} s")


@contextlib.contextmanager
def idle_clients(trial, count):
    """Logged in at the address, and doing nothing, until it has no connection left to give."""
    out = trial.cluster.logs / "idle-clients.out"
    out.unlink(missing_ok=True)
    trial.cluster.client("idle-clients", "/usr/bin/python3", HERE / "idle_clients.py", kit.VIP, count)
    try:
        kit.wait_until(lambda: any("refused" in line for line in kit.lines_of(out)), 15,
                       "for the server to have no connection left")
        yield
        trial.note(f"idle clients: {kit.lines_of(out)[-1]}")
    finally:
        trial.cluster.end_children("idle-clients")


PATIENT = 100  # the numbers of patient writers begin here


@contextlib.contextmanager
def patient_writers(trial, count):
    """Clients that wait for an answer for as long as it takes, and keep account in the same ledger."""
    program = kit.find_program(trial.cluster.build, "ledger")
    trial.cluster.client("patient", program, "write", "--ledger", trial.cluster.ledger, "--host", kit.VIP, "--writers",
                         count, "--rate", 10 * count, "--probe-ms", 0, "--limit-ms", 60000, "--first-writer", PATIENT)
    try:
        yield
    finally:
        trial.cluster.end_children("patient", seconds=70)


def patient_answers(trial):
    """How many of their writes were acknowledged."""
    lines = [line.split() for line in kit.lines_of(trial.cluster.ledger)]
    return sum(1 for words in lines if len(words) == 4 and words[0] == "A" and PATIENT <= int(words[1]) < 2 * PATIENT)


def kill_helpers(trial, killed):
    """kill -9 of the agents' resident helpers; whom it met is added to the list."""
    for node in trial.cluster.names:
        done = trial.cluster.at(node, "sh", "-c", "kill -9 $(cut -d' ' -f1 " + HELPER_FILE + ")", check=False)
        if done.returncode == 0:
            killed.append(node)

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A flood from a machine on the cluster's network that has no key: nothing about the cluster may change.

Garbage, lookalikes, truncated and oversized packets, and real ones recorded before and played back – at once, and later
when their sender's daemon has been restarted – from its own and from forged addresses. While each flood lasts every
node is asked all the time what it thinks of the others, and a client asks who owns the address.

Exit code: 0 nothing changed, 1 something did, 2 the trial itself failed."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "bench"), str(HERE.parent / "force"), str(HERE.parent / "kit")]
import account  # noqa: E402
from systole_driver import Systole  # noqa: E402
from track import Track, kit  # noqa: E402

PORT = 5407


def pss_mib(pid):
    line = next(l for l in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if l.startswith("Pss:"))
    return int(line.split()[1]) / 1024


def cpu_seconds(pid):
    return sum(int((t / "schedstat").read_text().split()[0]) for t in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def udp_counters(pid):
    """The kernel's, of the node on which the process runs."""
    names, numbers = [line.split()[1:] for line in pathlib.Path(f"/proc/{pid}/net/snmp").read_text().splitlines()
                      if line.startswith("Udp:")]
    return dict(zip(names, map(int, numbers)))


class Nodes:
    """What the nodes say of each other, asked again and again while something goes on."""

    def __init__(self, field):
        self.field, self.ending = field, threading.Event()
        self.wrong, self.silent_ms, self.asked = set(), 0, 0
        self.before = self.state(field.status("n1"))
        self.threads = [threading.Thread(target=self.ask, args=(node,)) for node in ("n1", "n2")]

    @staticmethod
    def state(view):
        return {"leader": view["leader"], "term": view["term"], "quorate": view["quorate"],
                "lost": [n["name"] for n in view["nodes"] if not n["up"]]}

    def ask(self, node):
        while not self.ending.wait(0.1):
            view = self.field.status(node)
            if view is None:
                self.wrong.add(f"{node} does not answer")
                continue
            self.asked += 1
            if self.state(view) != self.before:
                self.wrong.add(f"{node} says {self.state(view)}, before it was {self.before}")
            self.silent_ms = max([self.silent_ms] + [l["silent_ms"] for n in view["nodes"] for l in n["links"]])

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()


class Trial:
    def __init__(self, field, args):
        self.field, self.args, self.broken = field, args, []
        self.rows = []

    def crmd(self, node):
        return self.field.driver.pids(self.field, node, "crmd")[0]

    def record(self, seconds, name="recorded"):
        path = self.field.logs / name
        self.field.background("recorder", "sw", "/usr/bin/python3", HERE / "attacker.py", "record", PORT, path)
        time.sleep(seconds)
        self.field.end_children("recorder")
        return path

    def attack(self, kind, path, victim, forged):
        rig = self.field.rig
        plan = {"target": rig.address(victim), "port": PORT, "source": rig.address(forged or "gw"), "file": str(path),
                "rate": self.args.rate, "seconds": self.args.seconds}
        if not forged and kind != "garbage" and kind != "oversized":
            raise kit.ClusterError(f"'{kind}' needs somebody's recorded packets")
        flood = [sys.executable, HERE / "attacker.py", "flood", kind, json.dumps(plan)]
        done = subprocess.run(rig.enter("gw", *flood), capture_output=True, text=True)
        if done.returncode != 0:
            raise kit.ClusterError(f"the flood ended with {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def run(self, name, kind, path, victim, forged=None):
        pid, begin = self.crmd(victim), time.monotonic()
        memory, cpu, udp, owner = pss_mib(pid), cpu_seconds(pid), udp_counters(pid), self.field.owner()
        with Nodes(self.field) as nodes:
            flood = self.attack(kind, path, victim, forged)
            time.sleep(1.2 * self.field.deadtime / 1000)
        growth, cpu, udp_now = pss_mib(pid) - memory, cpu_seconds(pid) - cpu, udp_counters(pid)
        lost = udp_now["RcvbufErrors"] - udp["RcvbufErrors"]
        owners = account.measure(self.field.seen(), begin, time.monotonic())
        row = {"flood": name, **flood, "asked": nodes.asked, "silent_ms_max": nodes.silent_ms,
               "growth_mib": round(growth, 2), "crmd_cpu_s": round(cpu, 4), "no_room": lost,
               "to_crmd": udp_now["InDatagrams"] - udp["InDatagrams"], **owners,
               "dropped": self.field.status(victim)["dropped_packets"]}
        self.rows.append(row)
        wrong = sorted(nodes.wrong)
        if nodes.asked == 0:
            wrong.append("nobody could be asked")
        if growth > self.args.growth:
            wrong.append(f"crmd grew by {growth:.1f} MiB")
        if owners["two_owners_ms"] or self.field.owner() != owner:
            wrong.append("the address did not stay where it was")
        print(f"  {'ok  ' if not wrong else 'MISS'}  {name:<34} {flood['per_second']:>7}/s  longest silence of a node "
              f"{nodes.silent_ms:>4} ms  crmd {100 * cpu / self.args.seconds:5.1f} % CPU, {growth:+.2f} MiB, "
              f"{lost} packets without room  address silent {owners['gap_ms']} ms"
              f"{''.join(chr(10) + '        ' + w for w in wrong)}", flush=True)
        self.broken += wrong

    def run_all(self):
        """The victim is the owner; the forged sender is another node."""
        field, victim, other = self.field, *self.field.pair()
        first = self.record(self.args.record)
        self.run("garbage, own address", "garbage", first, victim)
        self.run("garbage, forged address", "garbage", first, victim, other)
        self.run("lookalikes, forged address", "lookalike", first, victim, other)
        self.run("truncated packets, forged", "truncated", first, victim, other)
        self.run("oversized packets, forged", "oversized", first, victim, other)
        self.run("packets of just now, forged", "replay", first, victim, other)
        field.driver.stop(field, other)
        time.sleep(0.5)
        field.driver.start(field, other)
        field.settle()
        self.run("packets of an earlier life, forged", "replay", first, victim, other)


def main():
    parser = argparse.ArgumentParser(prog="flood_test.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--prefix", default="flood")
    parser.add_argument("--logs", type=pathlib.Path, default=HERE.parents[2] / "build/flood")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each flood")
    parser.add_argument("--record", type=float, default=4.0, help="seconds of listening before")
    parser.add_argument("--growth", type=float, default=4.0, help="MiB by which crmd may grow in one flood")
    parser.add_argument("--rate", type=int, default=100_000, help="packets per second; 0: as fast as it goes")
    parser.add_argument("--deadtime", type=int, default=1000)
    parser.add_argument("--mode", default="witness")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="adds one line for each flood")
    args = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("flood_test: needs root: it makes network namespaces")
    field = Track(args.build, args.prefix, args.logs, Systole(args.build, args.mode, args.deadtime), args.deadtime)
    trial = Trial(field, args)
    try:
        field.open()
        field.need_daemons()
        field.driver.configure(field)
        field.settle()
        trial.run_all()
    except (kit.ClusterError, kit.rigs.RigError) as error:
        print(f"flood_test: {error}; logs: {args.logs}")
        return 2
    finally:
        field.stop()
        if args.json:
            with open(args.json, "a") as out:
                for row in trial.rows:
                    out.write(json.dumps({"mode": args.mode, "deadtime": args.deadtime, **row}) + "\n")
    return 1 if trial.broken else 0


if __name__ == "__main__":
    sys.exit(main())

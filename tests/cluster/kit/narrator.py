# SPDX-License-Identifier: GPL-2.0-or-later
"""What the onlooker reads: short lines with the time elapsed, and a thread that tells what the clients notice."""
import threading
import time

from cluster import lines_of

STILL = 0.3  # s without an acknowledged write before it is worth a line


class Narrator:
    """Lines for people. Every line carries the seconds since the start."""

    def __init__(self):
        self.zero, self.lock = time.monotonic(), threading.Lock()

    def say(self, text=""):
        with self.lock:
            print(f"{time.monotonic() - self.zero:6.1f} s  {text}" if text else "", flush=True)

    def title(self, text):
        with self.lock:
            print(f"\n{text}", flush=True)


class Observer(threading.Thread):
    """Watches from outside and says what changes: who answers for the address, whether writes are acknowledged, and
    what part each database plays."""

    def __init__(self, cluster, narrator):
        super().__init__(daemon=True)
        self.cluster, self.narrator = cluster, narrator
        self.ending = threading.Event()
        self.owner, self.roles, self.last, self.still, self.read_to = None, {}, None, False, 0
        self.lines_seen, self.partial = 0, ""

    def run(self):
        turn = 0
        while not self.ending.wait(0.05):
            self.look_at_address()
            self.look_at_writes()
            if turn % 10 == 0:
                self.look_at_roles()
            turn += 1

    def stop(self):
        self.ending.set()
        self.join()

    def look_at_address(self):
        lines = lines_of(self.cluster.logs / "owners.out")
        for line in lines[self.lines_seen:]:
            words = line.split()
            if len(words) != 2 or "=" in line:
                continue
            nodes = [] if words[1] == "-" else [f"n{int(mac.rsplit(':', 1)[1], 16)}" for mac in words[1].split(",")]
            if len(nodes) > 1:
                self.narrator.say(f"  TWO OWNERS: the address answers from {' and '.join(nodes)} at once")
            elif nodes and nodes[0] != self.owner:
                self.owner = nodes[0]
                self.narrator.say(f"  the address answers from {self.owner}")
        self.lines_seen = len(lines)

    def look_at_writes(self):
        if not self.cluster.ledger.exists():
            return
        with open(self.cluster.ledger) as f:
            f.seek(self.read_to)
            new = f.read()
        self.read_to += len(new)
        *whole, self.partial = (self.partial + new).split("\n")
        for line in whole:
            words = line.split()
            if words[0] == "A" and int(words[1]) >= 1000:
                self.note_write(int(words[3]) / 1e9)
        if self.last and not self.still and time.monotonic() - self.last > STILL:
            self.still = True
            self.narrator.say("  no write is acknowledged")

    def note_write(self, moment):
        if self.still:
            self.still = False
            self.narrator.say(f"  writes are acknowledged again, after {moment - self.last:.2f} s without")
        self.last = moment

    def look_at_roles(self):
        for node in self.cluster.names:
            role = self.cluster.role(node)
            if role != self.roles.get(node, role):
                self.narrator.say(f"  {node}: database {self.roles[node]} -> {role}")
            self.roles[node] = role

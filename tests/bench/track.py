# SPDX-License-Identifier: GPL-2.0-or-later
"""The track on which fail-overs of an address are timed: the field of the guarantees with a client that asks every
2 ms, for any cluster software that has a driver there."""
import pathlib
import secrets
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "cluster" / part) for part in ("force", "kit", "rig")]
import account  # noqa: E402
import cluster as kit  # noqa: E402
from field import Field  # noqa: E402

ASK_EVERY = 2  # ms
CALM = 1.5     # s of one owner alone, before the next blow

# In the node: a change of the configuration every 25 ms, each by a call of its own; when it began and was accepted.
CHANGE_ALL_THE_TIME = """
import subprocess, threading, time
def change(number):
    begun = time.monotonic()
    rc = subprocess.call(["timeout", "5", "crm_attribute", "-t", "crm_config", "-n", "poke", "-v", str(number)],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(begun, time.monotonic(), rc, flush=True)
number = 0
while True:
    number += 1
    threading.Thread(target=change, args=(number,), daemon=True).start()
    time.sleep(0.025)
"""


class Track(Field):
    watch_ms = ASK_EVERY

    def open(self):
        """As the field, but with /var on the machine's own file system: nothing is filled up here."""
        self.lay_out("/opt/systole/boot", secrets.token_hex(32))
        self.start_watch()
        self.guard = threading.Thread(target=self.watch_power, daemon=True)
        self.guard.start()
        for node in self.names:
            self.power_on(node)

    def settled(self):
        self.need_watch()
        owner = account.owner_for(self.seen(), time.monotonic(), CALM)
        return owner if owner and self.driver.settled(self) else None

    def settle(self, seconds=90):
        return kit.wait_until(self.settled, seconds, "for one owner and for all nodes to be members", 0.1)

    def first_answer(self, node, moment, seconds=30):
        """s from the moment to the first answer of the node, and of nobody else."""
        def found():
            return next((at for at, owners in self.seen() if at > moment and owners == (node,)), None)
        return kit.wait_until(found, seconds, f"for {node} to answer", 0.02) - moment

    # -- what is timed
    def power_off_owner(self):
        """s from the pulled cable to the first answer of the other node."""
        owner, other = self.pair()
        with self.switching:
            self.left_on.discard(owner)
            moment = self.rig.poweroff(owner)
        try:
            return self.first_answer(other, moment)
        finally:
            time.sleep(0.5)
            self.power_on(owner)

    def move(self):
        """s without an owner, and s with two, while the address goes to the other node as asked."""
        owner, other = self.pair()
        begin = time.monotonic()
        self.at(owner, "systole", "move", "vip", other)
        self.first_answer(other, begin)
        time.sleep(0.5)
        seen = account.measure(self.seen(), begin, time.monotonic())
        self.at(owner, "systole", "move", "vip", "--clear")
        return seen["gap_ms"] / 1000, seen["two_owners_ms"] / 1000

    def lose_leader(self):
        """s from the pulled cable of the leader, another node than the owner, to the first change of the configuration
        that is accepted after it: then there is a new leader, and it acts."""
        owner, leader = self.owner(), self.driver.leader(self)
        if leader == owner:
            self.move()
            owner = self.settle()
        asker = self.background("changes", owner, "/usr/bin/python3", "-c", CHANGE_ALL_THE_TIME)
        time.sleep(0.6)
        with self.switching:
            self.left_on.discard(leader)
            moment = self.rig.poweroff(leader)
        try:
            return self.first_change(moment + 0.02) + 0.02
        finally:
            asker.poll()
            self.end_children("changes")
            self.power_on(leader)

    def first_change(self, moment):
        def found():
            lines = [line.split() for line in kit.lines_of(self.logs / "changes.out")]
            accepted = [float(words[1]) for words in lines if len(words) == 3 and words[2] == "0"]
            return min((at for at in accepted if at > moment), default=None)
        return kit.wait_until(found, 30, "for a change to be accepted", 0.05) - moment

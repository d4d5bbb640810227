# SPDX-License-Identifier: GPL-2.0-or-later
"""How a story under a real Pacemaker is told: its arguments, its time, its end, and what is shown when it fails."""
import argparse
import os
import pathlib
import signal
import sys
import time

import pacemaker_cluster
from pacemaker_cluster import kit

SKIPPED = 77
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


class Story:
    """Steps with what must hold after them; run() tells it."""

    def __init__(self, cluster):
        self.cluster, self.begin = cluster, time.monotonic()

    def say(self, words):
        print(f"{time.monotonic() - self.begin:7.1f} s  {words}", flush=True)

    def expect(self, truth, words):
        if not truth:
            raise kit.ClusterError(words)

    def wait(self, condition, seconds, what):
        """wait_until, with the state of the cluster in the message as it is at the end of the time, not before."""
        try:
            return kit.wait_until(condition, seconds, what, 0.1)
        except kit.ClusterError as error:
            raise kit.ClusterError(f"{error}; now {self.now()}") from None

    def now(self):
        return self.cluster.summary()


def report(cluster, error):
    print(f"\nFAILED: {error}", flush=True)
    for node in cluster.rig.nodes():
        print(f"\n-- the last lines of {node}'s pacemaker.log")
        print("\n".join(cluster.log_tail(node)))
    print(f"\nall logs: {cluster.logs}", flush=True)


def play(cluster, story):
    try:
        story(cluster).run()
        return 0
    except (kit.ClusterError, kit.rigs.RigError) as error:
        report(cluster, error)
        return 1
    finally:
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        cluster.stop()


def main(usage, story, cluster, prefix, logs, token_ms, seconds):
    """story: a class made of a cluster, with run(). seconds: before ctest's own limit, whose SIGKILL would leave
    namespaces behind. Returns the exit code."""
    parser = argparse.ArgumentParser(description=usage, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--prefix", default=prefix)
    parser.add_argument("--logs", type=pathlib.Path)
    args = parser.parse_args()
    if missing := pacemaker_cluster.missing_packages():
        print(f"skipped: not installed: {' '.join(missing)}")
        return SKIPPED
    if os.geteuid() != 0:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: needs root: it makes network namespaces")

    def interrupted(number, frame):
        raise kit.ClusterError(f"ended by {signal.Signals(number).name}" if number != signal.SIGALRM else
                               f"the whole story took longer than {seconds} s")

    for number in ENDINGS:
        signal.signal(number, interrupted)
    signal.alarm(seconds)
    return play(cluster(args.build, args.prefix, args.logs or args.build / logs, deadtime=token_ms), story)

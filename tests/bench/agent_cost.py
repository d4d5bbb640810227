#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs inside a node: the cost of one call of each of several agents, side by side, in turn.

usage: agent_cost.py JSON     JSON: {"runs": N, "action": A, "agents": {NAME: {"path": P, "env": {…}}}}
Prints JSON: {NAME: [[wall ms, CPU ms of it and all its children, exit code], …]}"""
import json
import os
import sys
import time


def call(path, action, env):
    null = os.open("/dev/null", os.O_RDWR)
    begin = time.perf_counter()
    pid = os.posix_spawn(path, [path, action], env, file_actions=[(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)])
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begin
    os.close(null)
    return [wall * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3, os.waitstatus_to_exitcode(status)]


def main():
    plan = json.loads(sys.argv[1])
    samples = {name: [] for name in plan["agents"]}
    for turn in range(plan["runs"] + 1):
        for name, agent in plan["agents"].items():
            sample = call(agent["path"], plan["action"], agent["env"])
            if turn > 0:  # the first call of each only warms the caches
                samples[name].append(sample)
    print(json.dumps(samples))


main()

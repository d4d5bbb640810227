#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A room of one's own for tests that start resources: mounts and network are private, /run and /mnt are empty, eth0 is
an interface with 192.0.2.1/24. All of it goes when the last process in it ends."""
import os
import shutil
import subprocess
import sys

MARK = "SYSTOLE_TEST_ROOM"


def enter():
    """Begins the program again inside; leaves with 77 (skipped) where that is not possible."""
    if os.environ.get(MARK) == "1":
        furnish()
        return
    if shutil.which("unshare") is None or shutil.which("ip") is None or \
            subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True, check=False).returncode != 0:
        print("skipped: needs unshare(1), ip(8) and the right to make namespaces")
        sys.exit(77)
    os.environ[MARK] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--net", sys.executable, "-B", *sys.argv])


def furnish():
    for folder in ("/run", "/mnt"):
        subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
    os.mkdir("/run/resource-agents")
    os.mkdir("/run/tmp")
    os.environ["TMPDIR"] = "/run/tmp"
    ip("link", "set", "lo", "up")
    ip("link", "add", "eth0", "type", "veth", "peer", "name", "far")
    for name in ("eth0", "far"):
        ip("link", "set", name, "up")
    ip("addr", "add", "192.0.2.1/24", "dev", "eth0")


def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def run(*words, **more):
    """The ended process, its output as text. A test that hangs must not hang all."""
    return subprocess.run([str(w) for w in words], text=True, capture_output=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL, **more)

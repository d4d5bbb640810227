#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""PID 1 of a rig node: lays out the node's file system, starts the node's command, then reaps orphans for ever.

usage: node_init.py NODE_DIR NAME [COMMAND…]        (rig.py runs it in new mount, pid, uts, ipc and net namespaces)

What a power-off must not take away lives in NODE_DIR/disk: the node's whole /etc and /var. What it must take away is
tmpfs: /run, /tmp, /dev/shm. NODE_DIR/shares lists folders of the machine that the node sees elsewhere, one
"source target" per line. Nothing that is mounted here is ever visible outside the node."""
import ctypes
import os
import subprocess
import sys
import time

MS_BIND, MS_MOVE, MS_REC = 4096, 8192, 16384
LIBC = ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind="none", flags=0, options=""):
    if LIBC.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"mount {source} on {target} as {kind}: {os.strerror(code)}")


def tmpfs(target, mode="755"):
    mount("tmpfs", target, "tmpfs", 0, f"mode={mode}")


def open_for_new_names(directory, stage):
    """Lays a tmpfs over the directory in which all its entries are still there, so that new ones can be made."""
    os.makedirs(stage, exist_ok=True)
    tmpfs(stage)
    for entry in os.scandir(directory):
        twin = os.path.join(stage, entry.name)
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), twin)
        elif entry.is_dir():
            os.mkdir(twin)
            mount(entry.path, twin, flags=MS_BIND | MS_REC)
        else:
            open(twin, "w").close()
            mount(entry.path, twin, flags=MS_BIND)
    mount(stage, directory, flags=MS_MOVE)


def share(source, target, stage):
    """Shows the machine's folder `source` at `target`, where the machine itself may have nothing."""
    if not os.path.isdir(target):
        parent = os.path.dirname(target)
        while not os.path.isdir(parent):
            parent = os.path.dirname(parent)
        open_for_new_names(parent, stage)
        os.makedirs(target)
    mount(source, target, flags=MS_BIND | MS_REC)


def mount_var(node_dir):
    """The folder, or the small file system of its own that the rig made of it."""
    image = os.path.join(node_dir, "var.img")
    if not os.path.exists(image):
        mount(os.path.join(node_dir, "disk/var"), "/var", flags=MS_BIND)
        return
    # After a power-off the kernel may still be busy with the old mount: never mount one image twice.
    for _ in range(500):
        if not subprocess.run(["losetup", "-j", image], capture_output=True, text=True, check=True).stdout:
            break
        time.sleep(0.01)
    subprocess.run(["mount", "-t", "ext4", "-o", "loop", image, "/var"], check=True)


def lay_out(node_dir):
    disk = os.path.join(node_dir, "disk")
    try:
        mount("sysfs", "/sys", "sysfs")  # /sys/class/net of this network namespace
    except OSError:
        pass  # some containers forbid it; only programs that read /sys/class/net would notice
    try:
        mount("cgroup2", "/sys/fs/cgroup", "cgroup2")  # the mount that was there is hidden now
    except OSError:
        pass
    tmpfs("/dev/shm", "1777")
    with open(os.path.join(node_dir, "shares")) as lines:
        for line in lines:
            share(*line.split(), os.path.join(node_dir, "stage"))
    mount(os.path.join(disk, "etc"), "/etc", flags=MS_BIND)
    mount_var(node_dir)
    tmpfs("/run")
    for folder in ("lock", "netns", "resource-agents", "mysqld"):
        os.makedirs("/run/" + folder)
    import pwd  # after the bind of /etc: the node's own passwd names mysql
    mysql = pwd.getpwnam("mysql")
    os.chown("/run/mysqld", mysql.pw_uid, mysql.pw_gid)
    tmpfs("/tmp", "1777")  # last: NODE_DIR itself may lie below the machine's /tmp


def main():
    node_dir, name, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    os.umask(0o022)
    LIBC.sethostname(name.encode(), len(name))
    lay_out(node_dir)
    os.chdir("/")
    if command:
        log = open("/var/log/console.log", "ab")
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    print("ready", flush=True)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    # A shell is a third of Python's size and reaps whatever is handed to it.
    os.execv("/bin/bash", ["init", "-c", "trap '' HUP INT TERM; while :; do sleep 86400 & wait $!; done"])


main()

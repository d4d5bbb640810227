# SPDX-License-Identifier: GPL-2.0-or-later
"""Rig nodes on which MariaDB is installed as Debian's packages do it, and a cluster without any resource: what
`systole mysql create` and `join` begin with. There is no systemd in a node, so the server's service is an init
script."""
import os
import pathlib
import sys
import threading
import time

for folder in ("rig", "kit"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / folder))
import cluster as kit  # noqa: E402

MY_CNF = """[client-server]
socket = /run/mysqld/mysqld.sock
!includedir /etc/mysql/conf.d/
!includedir /etc/mysql/mariadb.conf.d/
"""
SERVER_CNF = """[server]
[mysqld]
pid-file = /run/mysqld/mysqld.pid
basedir = /usr
bind-address = 127.0.0.1
expire_logs_days = 10
character-set-server = utf8mb4
[mariadb]
"""
SERVICE = """#!/bin/sh
### BEGIN INIT INFO
# Provides:          mariadb
# Required-Start:    $local_fs
# Required-Stop:     $local_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: MariaDB
### END INIT INFO
PID=/run/mysqld/mysqld.pid
alive() { [ -s $PID ] && kill -0 "$(cat $PID)" 2>/dev/null && grep -qz OLD_SERVICE=yes "/proc/$(cat $PID)/environ"; }
case $1 in
  start)
    alive && exit 0
    OLD_SERVICE=yes setsid mariadbd --user=mysql </dev/null >>/var/log/service.log 2>&1 &
    for i in $(seq 200); do mariadb -e 'SELECT 1' >/dev/null 2>&1 && exit 0; sleep 0.1; done
    exit 1 ;;
  stop)
    alive || exit 0
    pid=$(cat $PID)
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done ;;
  status) alive || exit 3 ;;
esac
"""
# What the demo's clients need, and nothing of replication.
USER_SQL = "".join(line + "\n" for line in kit.DATABASE_SQL.splitlines() if "repl" not in line)


class Debian:
    """For a cluster of any manager."""

    def write_settings(self, node, number, key):
        super().write_settings(node, number, key)
        etc = self.rig.disk(node, "etc")
        for folder in ("conf.d", "mariadb.conf.d"):
            (etc / "mysql" / folder).mkdir(parents=True)
        (etc / "mysql/mariadb.cnf").write_text(MY_CNF)
        (etc / "mysql/my.cnf").unlink()
        (etc / "mysql/my.cnf").symlink_to("/etc/mysql/mariadb.cnf")
        (etc / "mysql/mariadb.conf.d/50-server.cnf").write_text(SERVER_CNF)
        for level in "0123456S":
            (etc / f"rc{level}.d").mkdir(exist_ok=True)
        (etc / "init.d").mkdir(exist_ok=True)
        (etc / "init.d/mariadb").write_text(SERVICE)
        (etc / "init.d/mariadb").chmod(0o755)

    def install(self, node):
        """As the package's scripts do it: a database, and a service that runs and begins at boot."""
        self.at(node, "mariadb-install-db", "--user=mysql", "--skip-test-db")
        self.at(node, "update-rc.d", "mariadb", "defaults")
        self.at(node, "/etc/init.d/mariadb", "start")

    def at_once(self, act):
        """On all nodes."""
        threads = [threading.Thread(target=act, args=(node,)) for node in self.names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def systole(self, node, *words):
        done = self.at(node, "systole", "mysql", *words, check=False)
        return done.returncode, done.stdout + done.stderr

    def file(self, node, path):
        file = self.rig.disk(node, path)
        return file.read_text() if file.exists() else None

    def service_runs(self, node):
        return self.at(node, "/etc/init.d/mariadb", "status", check=False).returncode == 0

    def service_begins_at_boot(self, node):
        return any(self.rig.disk(node, "etc/rc3.d").glob("S??mariadb"))

    def cib(self, node="n1"):
        return self.at(node, "cibadmin", "--query").stdout


class DebianPair(Debian, kit.Cluster):
    """With crmd."""


class Onlooker(threading.Thread):
    """Everything that other users could read of any process while it lives: arguments and environments."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.over = set(), threading.Event()

    def run(self):
        own = os.getpid()
        while not self.over.is_set():
            for entry in os.scandir("/proc"):
                if not entry.name.isdigit() or int(entry.name) == own:
                    continue
                for name in ("cmdline", "environ"):
                    try:
                        self.seen.add(pathlib.Path(entry.path, name).read_bytes())
                    except OSError:
                        pass  # gone meanwhile, or a kernel thread
            time.sleep(0.005)

    def end(self):
        self.over.set()
        self.join()
        return self.seen

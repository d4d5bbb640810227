#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""rig.py - a small data centre on one machine, made of namespaces: a switch, N nodes, a client and a gateway.

usage: rig.py [--prefix P] COMMAND
  up [--nodes N] [--links L] [--share SRC:DST]… [-- CMD…]   build it; each node runs CMD under its own PID 1
  exec NODE CMD…       run CMD in a node (n1, n2, …), in the client (cl) or in the gateway (gw)
  poweroff NODE        pull the cables, then one SIGKILL of the node's PID 1: all its processes end at once
  poweron NODE         boot it again; /etc and /var are as the last write left them, /run and /tmp are empty
  cut NODE [LINK]      the switch drops all frames from and to the node; its own port stays up, so it sees no change
  unplug NODE [LINK]   as cut, but the node loses carrier
  heal NODE [LINK]     undo cut and unplug
  block FROM TO        the switch drops what FROM sends to TO, on all links: a cut in one direction; unblock undoes all
  pause NODE, resume NODE      freeze and thaw all its processes; its kernel still answers ARP and ping
  status               who is on
  down [--all]         end everything that carries the prefix (any prefix) and delete its disks

Each node has its own network, PIDs, mounts, host name and IPC. Link i is the network 10.77.i.0/24: node nK is .K, the
client .250, the gateway .254. MACs are fixed, as real hardware's are. Clusters of different prefixes never meet.
What the rig keeps lies in $SYSTOLE_RIG_DIR (default /var/tmp/systole-rig)."""
import argparse
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = pathlib.Path(os.environ.get("SYSTOLE_RIG_DIR", "/var/tmp/systole-rig"))
PATH = "/opt/systole/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CLIENT, GATEWAY = 250, 254
ETC_FOLDERS = ("alternatives", "iproute2", "ld.so.conf.d", "security")


class RigError(Exception):
    pass


def run(*command, data=None, check=True):
    done = subprocess.run([str(c) for c in command], input=data, text=True, capture_output=True)
    if check and done.returncode != 0:
        words = done.stderr.strip() or done.stdout.strip()
        raise RigError(f"'{' '.join(map(str, command))}' ended with {done.returncode}: {words}")
    return done


def start_time(pid):
    """Kernel ticks at which the process started, or None: tells a process from a later one of the same number."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


class Rig:
    def __init__(self, prefix="sy"):
        self.prefix, self.dir = prefix, ROOT / prefix
        self.lock_file = None
        self.parents = {}  # node → our child that holds its namespaces, when it was we who switched it on

    # -- what is there ---------------------------------------------------------------------------------------------
    def netns(self, name):
        return f"{self.prefix}-{name}"

    def nodes(self):
        return sorted((d.name for d in self.dir.glob("n[0-9]*")), key=lambda n: int(n[1:]))

    def links(self):
        return int((self.dir / "links").read_text())

    def address(self, name, link=0):
        return f"10.77.{link}.{self.octet(name)}"

    @staticmethod
    def octet(name):
        return {"cl": CLIENT, "gw": GATEWAY}.get(name) or int(name[1:])

    def pid(self, node):
        """Host PID of the node's PID 1; None when the node is off."""
        try:
            pid, started = (self.dir / node / "pid").read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if start_time(pid) == started else None

    def disk(self, node, path="/"):
        return self.dir / node / "disk" / path.lstrip("/")

    def node_pids(self, node):
        space = os.readlink(f"/proc/{self.need_on(node)}/ns/pid")
        found = []
        for entry in os.scandir("/proc"):
            try:
                if entry.name.isdigit() and os.readlink(f"/proc/{entry.name}/ns/pid") == space:
                    found.append(int(entry.name))
            except OSError:
                pass  # gone meanwhile, or a kernel thread
        return found

    def need_on(self, node):
        pid = self.pid(node)
        if pid is None:
            raise RigError(f"node '{node}' is off")
        return pid

    # -- building --------------------------------------------------------------------------------------------------
    def lock(self):
        """One living owner per prefix; the lock goes with the process."""
        self.lock_file = open(f"/run/lock/systole-rig.{self.prefix}", "a+")
        try:
            fcntl.flock(self.lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.unlock()
            raise RigError(f"prefix '{self.prefix}' is in use by a running program; choose another or end it") from None

    def unlock(self):
        if self.lock_file:
            self.lock_file.close()
            self.lock_file = None

    def up(self, nodes=2, links=1, shares=(), command=()):
        if self.dir.exists():
            raise RigError(f"'{self.prefix}' is up already, or was not cleaned up: rig.py --prefix {self.prefix} down")
        self.build_wiring(links)
        for number in range(1, nodes + 1):
            self.make_disk(f"n{number}", nodes, shares, command)
        for node in self.nodes():
            self.poweron(node)

    def build_wiring(self, links):
        """Switch, client and gateway; the disks and the nodes come after."""
        self.dir.mkdir(parents=True)
        (self.dir / "links").write_text(str(links))
        run("ip", "netns", "add", self.netns("sw"))
        batch = "".join(f"link add br{i} type bridge forward_delay 0 mcast_snooping 0\nlink set br{i} up\n"
                        for i in range(links))
        run("ip", "-n", self.netns("sw"), "-batch", "-", data=batch)
        for name in ("cl", "gw"):
            self.plug(name, 1)

    def plug(self, name, links):
        run("ip", "netns", "add", self.netns(name))
        switch, inside = "", "link set lo up\n"
        for i in range(links):
            mac = f"02:00:0a:4d:{i:02x}:{self.octet(name):02x}"
            switch += (f"link add p{i}-{name} type veth peer name eth{i} netns {self.netns(name)} address {mac}\n"
                       f"link set p{i}-{name} master br{i} up\n")
            inside += f"addr add {self.address(name, i)}/24 brd + dev eth{i}\nlink set eth{i} up\n"
        if name != "gw":
            inside += f"route add default via {self.address('gw')}\n"
        run("ip", "-n", self.netns("sw"), "-batch", "-", data=switch)
        run("ip", "-n", self.netns(name), "-batch", "-", data=inside)

    def make_disk(self, node, nodes, shares, command):
        home = self.dir / node
        etc, var = home / "disk/etc", home / "disk/var"
        (home / "disk").mkdir(parents=True)
        self.copy_etc(etc)
        for folder in ("etc/systole", "etc/mysql", "var/cache", "var/log", "var/lib/systole", "var/lib/mysql",
                       "var/spool", "var/tmp"):
            (home / "disk" / folder).mkdir(parents=True, exist_ok=True)
        os.chmod(var / "tmp", 0o1777)
        (var / "run").symlink_to("/run")
        (var / "lock").symlink_to("/run/lock")
        (etc / "hostname").write_text(node + "\n")
        names = "".join(f"{self.address(f'n{k}')} n{k}\n" for k in range(1, nodes + 1))
        others = f"{self.address('cl')} cl\n{self.address('gw')} gw\n"
        (etc / "hosts").write_text("127.0.0.1 localhost\n" + names + others)
        user, group = self.mysql_account(etc)
        os.chown(var / "lib/mysql", user, group)
        (home / "shares").write_text("".join(f"{source} {target}\n" for source, target in shares))
        (home / "command").write_text("\0".join(command))

    @staticmethod
    def copy_etc(etc):
        """What programs need of the machine's /etc; its own database and cluster settings do not count here."""
        etc.mkdir()
        for entry in os.scandir("/etc"):
            if entry.is_symlink() or entry.is_file():
                shutil.copy2(entry.path, etc / entry.name, follow_symlinks=False)
            elif entry.name in ETC_FOLDERS:
                shutil.copytree(entry.path, etc / entry.name, symlinks=True)

    @staticmethod
    def mysql_account(etc):
        """Its uid and gid on this disk. mariadb-server would make the account; mariadb-server-core does not."""
        for line in (etc / "passwd").read_text().splitlines():
            if line.startswith("mysql:"):
                return int(line.split(":")[2]), int(line.split(":")[3])
        with open(etc / "passwd", "a") as f:
            f.write("mysql:x:27306:27306:MariaDB:/var/lib/mysql:/usr/sbin/nologin\n")
        with open(etc / "group", "a") as f:
            f.write("mysql:x:27306:\n")
        return 27306, 27306

    def poweron(self, node):
        if self.pid(node) is not None:
            raise RigError(f"node '{node}' is on already")
        home = self.dir / node
        if not home.is_dir():
            raise RigError(f"there is no node '{node}'; there are: {' '.join(self.nodes())}")
        self.plug(node, self.links())
        command = [c for c in (home / "command").read_text().split("\0") if c]
        boot = [*self.into_cgroup(node), "nsenter", f"--net=/run/netns/{self.netns(node)}",
                "unshare", "-m", "-u", "-i", "-p", "-f", "--mount-proc", "--propagation", "private",
                "--kill-child=KILL", str(HERE / "node_init.py"), str(home), node, *command]
        with open(home / "boot.log", "wb") as log:
            parent = subprocess.Popen(boot, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, cwd="/",
                                      start_new_session=True, env=self.environment())
        if parent.stdout.readline().strip() != b"ready":
            parent.stdout.close()
            parent.wait()
            raise RigError(f"node '{node}' did not boot: {(home / 'boot.log').read_text().strip()}")
        parent.stdout.close()
        self.parents[node] = parent
        pid = pathlib.Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()[0]
        (home / "pid").write_text(f"{pid} {start_time(pid)}")

    # -- a cgroup for each node, so that what runs in one is told from what runs in its namesake of another rig
    def cgroup(self, node):
        mounts = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
        for fields in (line.split() for line in mounts):
            if "cgroup2" in fields[fields.index("-") + 1:] and os.access(fields[4], os.W_OK):
                return pathlib.Path(fields[4], f"systole-rig-{self.prefix}-{node}")
        return None

    def into_cgroup(self, node):
        folder = self.cgroup(node)
        if folder is None:
            return []
        try:
            folder.mkdir(exist_ok=True)
        except OSError:  # mounted, but not for us
            return []
        return ["sh", "-c", f'echo 0 > {folder}/cgroup.procs; exec "$@"', "sh"]

    def remove_cgroup(self, node):
        folder = self.cgroup(node)
        if folder is None or not folder.is_dir():
            return
        for path, _, _ in os.walk(folder, topdown=False):
            for _ in range(100):  # who was killed is in it until the kernel has put it away
                try:
                    os.rmdir(path)
                    break
                except OSError:
                    time.sleep(0.005)

    @staticmethod
    def environment():
        return {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb")}

    # -- using -----------------------------------------------------------------------------------------------------
    def enter(self, name, *command):
        """The argument vector that runs the command in the node, the client or the gateway."""
        if name in ("cl", "gw", "sw"):
            return ["nsenter", f"--net=/run/netns/{self.netns(name)}", *map(str, command)]
        # -r: a rig inside a chroot would else find the machine's root. nsenter's own --wd opens the folder before it
        # changes the mounts, hence env.
        return ["nsenter", "-t", str(self.need_on(name)), "-m", "-r", "-u", "-i", "-n", "-p", "env", "-i", "-C", "/",
                *[f"{k}={v}" for k, v in self.environment().items()], *map(str, command)]

    def at(self, name, *command, check=True, data=None):
        return run(*self.enter(name, *command), check=check, data=data)

    # -- breaking --------------------------------------------------------------------------------------------------
    def ports(self, node, link=None):
        return [f"p{i}-{node}" for i in (range(self.links()) if link is None else [int(link)])]

    def poweroff(self, node):
        """Returns the CLOCK_MONOTONIC time (s) at which the cables were out."""
        pid = self.need_on(node)
        # Cable first: the kernel would send FIN or RST for the sockets of the processes that it kills.
        run("ip", "-n", self.netns("sw"), "-batch", "-", data="".join(f"link set {p} down\n" for p in self.ports(node)))
        moment = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        while start_time(pid) is not None:
            time.sleep(0.002)
        (self.dir / node / "pid").unlink()
        self.reap(node)
        self.remove_cgroup(node)
        # The addresses go too, a VIP among them: a switched-off machine answers no ARP.
        run("ip", "-n", self.netns("sw"), "-batch", "-", data="".join(f"link del {p}\n" for p in self.ports(node)))
        run("ip", "netns", "del", self.netns(node))
        return moment

    def cut(self, node, link=None):
        for port in self.ports(node, link):
            self.at("sw", "bridge", "link", "set", "dev", port, "state", "0")

    def block(self, source, target):
        rules = "add table bridge rig; add chain bridge rig forward { type filter hook forward priority 0; }\n"
        for pair in zip(self.ports(source), self.ports(target)):
            rules += "add rule bridge rig forward iifname {} oifname {} drop\n".format(*pair)
        self.at("sw", "nft", "-f", "-", data=rules)

    def unblock(self):
        self.at("sw", "nft", "-f", "-", data="add table bridge rig\ndelete table bridge rig\n")

    def unplug(self, node, link=None):
        for port in self.ports(node, link):
            run("ip", "-n", self.netns("sw"), "link", "set", port, "down")

    def heal(self, node, link=None):
        for port in self.ports(node, link):
            run("ip", "-n", self.netns("sw"), "link", "set", port, "up")
            self.forward(port)

    def forward(self, port, patience=5):
        """The kernel may still have to notice that the cable is in again; until then it refuses."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if self.at("sw", "bridge", "link", "set", "dev", port, "state", "3", check=False).returncode == 0:
                return
            time.sleep(0.02)
        self.at("sw", "bridge", "link", "set", "dev", port, "state", "3")

    def pause(self, node):
        for _ in range(20):  # a process may fork while we walk: again, until a walk finds nothing left to stop
            running = [p for p in self.node_pids(node) if self.process_state(p) not in "TZX"]
            if not running:
                return
            for pid in running:
                self.signal(pid, signal.SIGSTOP)
            time.sleep(0.005)
        raise RigError(f"node '{node}' would not stop: pids {running}")

    def resume(self, node):
        for pid in self.node_pids(node):
            self.signal(pid, signal.SIGCONT)

    @staticmethod
    def signal(pid, number):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    @staticmethod
    def process_state(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return "X"

    def reap(self, node):
        if node in self.parents:
            self.parents.pop(node).wait()

    # -- cleaning up -----------------------------------------------------------------------------------------------
    def down(self):
        """Ends whatever carries the prefix, also what a killed run left half built."""
        for node in self.nodes():
            pid = self.pid(node)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                while start_time(pid) is not None:
                    time.sleep(0.002)
            self.reap(node)
            self.remove_cgroup(node)
        spaces = [line.split()[0] for line in run("ip", "netns", "list").stdout.splitlines() if line.strip()]
        for space in spaces:
            if space.rpartition("-")[0] == self.prefix:
                self.kill_members(space)
                run("ip", "netns", "del", space, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)
        if ROOT.is_dir() and not any(ROOT.iterdir()):
            ROOT.rmdir()

    @staticmethod
    def kill_members(space):
        """A node that died while it booted, or a client's program, may still sit in the namespace."""
        for pid in run("ip", "netns", "pids", space, check=False).stdout.split():
            Rig.signal(int(pid), signal.SIGKILL)


def all_prefixes():
    return [d.name for d in ROOT.iterdir() if d.is_dir()] if ROOT.is_dir() else []


def parser():
    top = argparse.ArgumentParser(prog="rig.py", description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--prefix", default=os.environ.get("SYSTOLE_RIG_PREFIX", "sy"))
    commands = top.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up")
    up.add_argument("--nodes", type=int, default=2)
    up.add_argument("--links", type=int, default=1)
    up.add_argument("--share", action="append", default=[], metavar="SRC:DST")
    up.add_argument("init", nargs="*", metavar="CMD")
    inside = commands.add_parser("exec")
    inside.add_argument("node")
    inside.add_argument("argv", nargs=argparse.REMAINDER)
    for name in ("poweroff", "poweron", "pause", "resume"):
        commands.add_parser(name).add_argument("node")
    for name in ("cut", "unplug", "heal"):
        one = commands.add_parser(name)
        one.add_argument("node")
        one.add_argument("link", nargs="?")
    blocked = commands.add_parser("block")
    blocked.add_argument("node", metavar="FROM")
    blocked.add_argument("link", metavar="TO")
    for name in ("status", "unblock"):
        commands.add_parser(name)
    commands.add_parser("down").add_argument("--all", action="store_true")
    return top


def main():
    args = parser().parse_args()
    rig = Rig(args.prefix)
    if args.command == "up":
        rig.up(args.nodes, args.links, [tuple(s.split(":", 1)) for s in args.share], args.init)
    elif args.command == "exec":
        argv = rig.enter(args.node, *(args.argv or ["bash"]))
        os.execvp(argv[0], argv)
    elif args.command == "status":
        for node in rig.nodes():
            print(node, f"on, PID {rig.pid(node)}" if rig.pid(node) else "off")
    elif args.command == "down":
        for prefix in all_prefixes() if args.all else [args.prefix]:
            Rig(prefix).down()
    elif args.command in ("cut", "unplug", "heal", "block"):
        getattr(rig, args.command)(args.node, args.link)
    elif args.command == "unblock":
        rig.unblock()
    else:
        getattr(rig, args.command)(args.node)


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("rig.py: needs root: it makes namespaces")
    try:
        main()
    except RigError as error:
        sys.exit(f"rig.py: {error}")

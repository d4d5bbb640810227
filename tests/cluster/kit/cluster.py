# SPDX-License-Identifier: GPL-2.0-or-later
"""A Systole cluster on the rig: two nodes with crmd and a private MariaDB each, one address, clients that keep account.

Everything that the demo, the scenarios and the benches have in common. What it says of the cluster it asks the
databases, the kernel and the network; the daemon's own words (`systole status`) are shown, and believed only as one
voice among them."""
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "rig"))
import rig as rigs  # noqa: E402

VIP = "10.77.0.100"
TOOLS = ("crmd", "systole-guardian", "systole", "cibadmin", "crm_attribute", "crm_master", "attrd_updater", "crm_node")
AGENTS = ("IPaddr", "mysql", "mysql-replication")
MARIADB = ("mariadb", "--no-defaults", "-S", "/run/mysqld/mysqld.sock")

CLUSTER_CONF = """totem {{
    version: 2
    cluster_name: {name}
    keepalive: {keepalive}
    deadtime: {deadtime}
    initdead: 5000
}}
nodelist {{
{nodes}}}
quorum {{
{quorum}}}
logging {{
    to_syslog: no
    to_logfile: yes
    logfile: /var/log/systole.log
}}
"""

DATABASE_SQL = """CREATE DATABASE demo;
CREATE TABLE demo.ledger (id BIGINT AUTO_INCREMENT PRIMARY KEY, writer BIGINT NOT NULL, seq BIGINT NOT NULL,
  mark BIGINT NOT NULL, KEY (writer, seq)) ENGINE=InnoDB;
FLUSH PRIVILEGES;
CREATE USER app@'%' IDENTIFIED BY 'app';
GRANT SELECT, INSERT ON demo.* TO app@'%';
CREATE USER repl@'%' IDENTIFIED BY 'repl';
GRANT REPLICATION SLAVE ON *.* TO repl@'%';
"""


EXAMPLES = HERE.parents[2] / "docs/examples"


def configuration(nodes, example="database-and-address.xml"):
    """The example's, with this rig's nodes, address and account."""
    tree = ElementTree.parse(EXAMPLES / example).getroot()
    listed = tree.find("nodes")
    listed.clear()
    for number, node in enumerate(nodes, 1):
        ElementTree.SubElement(listed, "node", id=str(number), uname=node)
    account = {f"{resource}-repl-{word}": "repl" for resource in ("db", "watch") for word in ("user", "passwd")}
    for pair in tree.iter("nvpair"):
        pair.set("value", ({"vip-ip": VIP} | account).get(pair.get("id"), pair.get("value")))
    return ElementTree.tostring(tree, encoding="unicode")


def my_cnf(server_id):
    return re.sub("(?m)^server-id = .*$", f"server-id = {server_id}", (EXAMPLES / "my.cnf").read_text())


class ClusterError(Exception):
    pass


def wait_until(condition, seconds, what, every=0.05):
    """The condition's first true value; ClusterError when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise ClusterError(f"waited {seconds} s in vain: {what}")
        time.sleep(every)


def find_program(build, name):
    for folder, folders, files in os.walk(build):
        folders[:] = [f for f in folders if f not in ("CMakeFiles", "_deps", ".cmake", "Testing")]
        path = pathlib.Path(folder, name)
        if name in files and os.access(path, os.X_OK) and path.is_file():
            return path
    return None


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


class Cluster:
    """Built by start(), taken down by stop(); each step can be taken alone."""

    example = "database-and-address.xml"
    witness = None  # the name of a node that runs nothing
    semi_sync = True  # a primary without a replica that acknowledges is not redundant
    watch_ms = 10   # how often the client asks who owns the address

    def __init__(self, build, prefix, logs, nodes=2, keepalive=200, deadtime=1000):
        self.build, self.logs = pathlib.Path(build).resolve(), pathlib.Path(logs).resolve()
        self.rig = rigs.Rig(prefix)
        self.count, self.keepalive, self.deadtime = nodes, keepalive, deadtime
        self.names = [f"n{i}" for i in range(1, nodes + 1)]
        self.stage = self.rig.dir / "opt"
        self.children = {}
        self.quorum = "    mode: none\n"
        self.wrappers = {}  # agent → text of a script that stands in its place (its own program is then NAME-real)

    # -- building --------------------------------------------------------------------------------------------------
    def prepare(self):
        self.lay_out("/opt/systole/bin/crmd", secrets.token_hex(32))

    def lay_out(self, command, key):
        """Locks the prefix, clears what an earlier killed run left, and lays out programs and disks. Each node will run
        the command; the key goes into its settings."""
        self.rig.lock()
        self.rig.down()
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir(parents=True)
        self.rig.build_wiring(1)
        self.stage_programs()
        shares = [(self.stage, "/opt/systole"), (self.stage / "agents", "/usr/lib/ocf/resource.d/systole")]
        for number, node in enumerate(self.names, 1):
            self.rig.make_disk(node, self.count, shares, [command])
            self.write_settings(node, number, key)

    def stage_programs(self):
        """Copies: a build that goes on meanwhile does not change a running cluster."""
        agents = self.build / "lib/ocf/resource.d/systole"
        for folder, names, where in (("bin", TOOLS, self.build), ("agents", AGENTS, agents)):
            (self.stage / folder).mkdir(parents=True)
            for name in names:
                program = find_program(where, name)
                if program is None:
                    raise ClusterError(f"there is no program '{name}' in {self.build}; build first: ./run build")
                shutil.copy2(program, self.stage / folder / name)
        for agent, script in self.wrappers.items():
            (self.stage / "agents" / agent).rename(self.stage / "agents" / f"{agent}-real")
            (self.stage / "agents" / agent).write_text(script)
            (self.stage / "agents" / agent).chmod(0o755)

    def write_settings(self, node, number, key):
        etc = self.rig.disk(node, "etc")
        nodes = ""
        for i, name in enumerate(self.names, 1):
            role = "        witness: yes\n" if name == self.witness else ""
            nodes += (f"    node {{\n        nodeid: {i}\n        name: {name}\n"
                      f"        ring0_addr: {self.rig.address(name)}\n{role}    }}\n")
        (etc / "systole/cluster.conf").write_text(CLUSTER_CONF.format(
            name=self.rig.prefix, keepalive=self.keepalive, deadtime=self.deadtime, nodes=nodes, quorum=self.quorum))
        (etc / "systole/authkey").write_text(key + "\n")
        (etc / "systole/authkey").chmod(0o400)
        (etc / "mysql/my.cnf").write_text(my_cnf(number))
        log = self.rig.disk(node, "var/log/mysql.log")
        log.touch()
        shutil.chown(log, *self.rig.mysql_account(etc))

    def make_databases(self):
        """One template, copied to each node: the same empty history everywhere."""
        template = self.rig.dir / "template"
        log = open(self.logs / "mariadb-install-db.log", "wb")
        # A server that starts deletes the temporary tables that it finds, also those of another one.
        own = os.environ | {"TMPDIR": str(self.rig.dir)}
        subprocess.run(["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={template}", "--skip-test-db",
                        "--auth-root-authentication-method=socket", "--innodb-log-file-size=16M"],
                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True, env=own)
        subprocess.run(["mariadbd", "--no-defaults", "--user=root", "--bootstrap", f"--datadir={template}",
                        "--innodb-log-file-size=16M"],
                       input=DATABASE_SQL.encode(), stdout=log, stderr=log, check=True, env=own)
        for node in self.names:
            datadir = self.rig.disk(node, "var/lib/mysql")
            subprocess.run(["cp", "-a", "--sparse=always", f"{template}/.", datadir], check=True)
            user, group = self.rig.mysql_account(self.rig.disk(node, "etc"))
            subprocess.run(["chown", "-R", f"{user}:{group}", datadir], check=True)
        shutil.rmtree(template)

    def configuration(self):
        return configuration(self.names, self.example)

    def configure(self, seconds=30):
        """Hands the configuration in, once a leader is there to take it."""
        text = self.configuration()
        last = []

        def replace():
            done = self.at("n1", "cibadmin", "--replace", "--scope", "configuration", "--xml-pipe", data=text,
                           check=False)
            last[:] = [done.stderr.strip() or done.stdout.strip()]
            return done.returncode == 0

        try:
            wait_until(replace, seconds, "for cibadmin to take the configuration", 0.2)
        except ClusterError as error:
            raise ClusterError(f"{error}: {last[0]}") from None

    def at(self, node, *command, **more):
        return self.rig.at(node, *command, **more)

    # -- looking ---------------------------------------------------------------------------------------------------
    def ask(self, node, *words, seconds=3):
        """What the client prints; None when the node is off, or its server does not answer. By the socket's path from
        outside: to enter the node's namespaces for each question would cost more than the answer."""
        pid = self.rig.pid(node)
        if pid is None:
            return None
        client = ["mariadb", "--no-defaults", "-S", f"/proc/{pid}/root/run/mysqld/mysqld.sock", *words]
        try:
            done = subprocess.run(client, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 else None

    def sql(self, node, statement, seconds=3):
        """Rows as lists of texts; None when the server does not answer."""
        said = self.ask(node, "-BNe", statement, seconds=seconds)
        return None if said is None else [line.split("\t") for line in said.splitlines()]

    def role(self, node):
        """off, down (no server), primary, replica (both threads run), or alone (read-only, not replicating)."""
        if self.rig.pid(node) is None:
            return "off"
        said = self.ask(node, "-e", "SELECT @@global.read_only AS closed\\G SHOW SLAVE STATUS\\G")
        if said is None:
            return "off" if self.rig.pid(node) is None else "down"
        if "closed: 0" in said:
            return "primary"
        return "replica" if "Slave_IO_Running: Yes" in said and "Slave_SQL_Running: Yes" in said else "alone"

    def holds_address(self, node):
        if self.rig.pid(node) is None:
            return False
        shown = subprocess.run(["ip", "-n", self.rig.netns(node), "-4", "-o", "addr", "show", "dev", "eth0"],
                               capture_output=True, text=True)
        return f" {VIP}/" in shown.stdout

    def primary(self):
        """The node that is writable and has the address; None while there is no single one."""
        found = [n for n in self.names if self.holds_address(n) and self.role(n) == "primary"]
        return found[0] if len(found) == 1 else None

    def others(self, node):
        return [n for n in self.names if n != node]

    def other(self, node):
        return self.others(node)[0]

    def healthy(self):
        """One primary with the address, every other node a running replica."""
        primary = self.primary()
        if primary is None:
            return None
        return primary if all(self.role(n) == "replica" for n in self.names if n != primary) else None

    def semi_sync_clients(self, primary):
        rows = self.sql(primary, "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_master_%'", 2)
        status = dict(rows or [])
        return int(status.get("Rpl_semi_sync_master_clients", 0)) if (
            status.get("Rpl_semi_sync_master_status") == "ON") else 0

    def acknowledges(self, node):
        """Whether this replica acknowledges what it receives; None when it does not answer."""
        rows = self.sql(node, "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_slave_status'", 2)
        return rows[0][1] == "ON" if rows else None

    def lineage(self, node=None):
        """The agents' own record of who is in sync, as a dictionary, as this node knows it; None where none is kept."""
        node = node or next((n for n in self.names if self.rig.pid(n) is not None), None)
        if node is None:
            return None
        done = self.at(node, "timeout", "5", "cibadmin", "--query", "--scope", "crm_config", check=False)
        try:
            listed = ElementTree.fromstring(done.stdout)
        except ElementTree.ParseError:
            return None
        found = listed.find(".//cluster_property_set[@id='systole-lineage']/nvpair[@name='db']")
        return None if found is None else dict(w.split("=", 1) for w in found.get("value").split() if "=" in w)

    def redundant(self):
        """The primary, once a commit on it waits for another node, by everybody's account; else None."""
        primary = self.healthy()
        if primary is None or any(self.holds_address(n) for n in self.others(primary)):
            return None
        if self.semi_sync and self.semi_sync_clients(primary) < 1:  # a dead connection may be counted for a while
            return None
        record = self.lineage()
        if record and (record.get("p") != primary or record.get("s") not in self.others(primary)):
            return None
        return primary if len(self.names) == 2 or self.one_acknowledges(primary, record) else None

    def one_acknowledges(self, primary, record):
        """Of several replicas only the one that the record names: an acknowledgement does not say whose it is."""
        if not record or self.semi_sync_clients(primary) != 1:
            return False
        return all(self.acknowledges(n) == (n == record["s"]) for n in self.others(primary))

    def status(self, node):
        """The daemon's own view, or None."""
        done = self.at(node, "timeout", "3", "systole", "status", "--json", check=False)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return None

    def summary(self):
        words = []
        for node in self.names:
            role = self.role(node)
            words.append(f"{node} {role}{' + address' if self.holds_address(node) else ''}")
        return ", ".join(words)

    # -- clients ---------------------------------------------------------------------------------------------------
    def client(self, name, *command):
        return self.background(name, "cl", *command)

    def background(self, name, where, *command):
        """A program in a node or of the client machine; its output goes to the logs."""
        out, err = open(self.logs / f"{name}.out", "wb"), open(self.logs / f"{name}.err", "wb")
        # A session of its own: Ctrl-C reaches only us, and a signal to the group reaches what nsenter forks.
        child = subprocess.Popen(self.rig.enter(where, *command), stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                 cwd="/", start_new_session=True)
        self.children[name] = child
        return child

    @property
    def ledger(self):
        return self.logs / "ledger"

    def start_writers(self, host=VIP, name="writers", writers=8, rate=400, first=0):
        program = find_program(self.build, "ledger")
        return self.client(name, program, "write", "--ledger", self.ledger, "--host", host, "--writers", writers,
                           "--rate", rate, "--first-writer", first)

    def start_watch(self):
        return self.client("owners", find_program(self.build, "owner_watch"), "eth0", VIP, self.watch_ms)

    def end_children(self, *names, seconds=10):
        """SIGTERM, and their ends: what they had to write is written."""
        for name in names:
            os.killpg(self.children[name].pid, signal.SIGTERM)
        for name in names:
            self.children.pop(name).wait(seconds)

    def acknowledged(self, probes_only=False):
        """Times (s, CLOCK_MONOTONIC) of all acknowledged writes so far, in order."""
        times = []
        for line in lines_of(self.ledger):
            words = line.split()
            if len(words) == 4 and words[0] == "A" and (not probes_only or int(words[1]) >= 1000):
                times.append(int(words[3]) / 1e9)
        return times

    def gap(self, begin, end):
        """Longest time (s) between acknowledged commits of the probes, from the last one before `begin` to `end`."""
        times = self.acknowledged(probes_only=True)
        before = [t for t in times if t <= begin][-1:]
        inside = [t for t in times if begin < t <= end]
        marks = before + inside
        if not inside:
            return end - (before[0] if before else begin)
        return max([b - a for a, b in zip(marks, marks[1:])] + [end - marks[-1]])

    def first_write_after(self, moment):
        return next((t for t in self.acknowledged(probes_only=True) if t > moment), None)

    def verify(self, settle=20, nodes=None):
        """node → counts of the audit; a database that could not be asked has no entry. Without `nodes`: of all."""
        nodes = [w for n in nodes or self.names for w in ("--node", f"{n}={self.rig.address(n)}")]
        audit = [find_program(self.build, "ledger"), "verify", "--ledger", self.ledger, "--settle", settle, *nodes]
        done = subprocess.run(self.rig.enter("cl", *audit), capture_output=True, text=True)
        (self.logs / "verify.out").write_text(done.stdout + done.stderr)
        found = {}
        for line in done.stdout.splitlines():
            pairs = dict(w.split("=", 1) for w in line.split())
            found[pairs.pop("node")] = {k: int(v) for k, v in pairs.items() if v.isdigit()}
        return found

    # -- the end ---------------------------------------------------------------------------------------------------
    def save_node_logs(self, node):
        for source in (self.rig.disk(node, "var/log"), self.rig.disk(node, "var/lib/systole")):
            if source.is_dir():
                shutil.copytree(source, self.logs / node / source.name, dirs_exist_ok=True)

    def stop(self, keep=False):
        for child in self.children.values():
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        self.children.clear()
        for node in self.rig.nodes():
            self.save_node_logs(node)
        if keep:
            return
        self.rig.down()
        self.rig.unlock()

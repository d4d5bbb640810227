# SPDX-License-Identifier: GPL-2.0-or-later
"""The clusters in which writes are tried to be lost: databases and an address, under crmd or under Pacemaker, by our
agents or by the shell agents. Of two databases, n1 and n2, a third node only votes, where there is one; under crmd it
may have a database too."""
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "kit"), str(HERE.parents[1] / "agents/pacemaker")]
import cluster as kit  # noqa: E402
import fencing  # noqa: E402
import pacemaker_cluster  # noqa: E402
from cluster import rigs  # noqa: E402
import small_var  # noqa: E402

# mode → (nodes, no-quorum-policy)
MODES = {"witness": (3, "stop"), "majority": (3, "stop"), "none": (2, "ignore")}
SMALL_VAR_MB = 512


def parameters(tree, pairs):
    """Adds instance attributes to the database, or changes them."""
    place = tree.find(".//primitive[@id='db']/instance_attributes")
    for name, value in pairs.items():
        found = place.find(f"nvpair[@name='{name}']")
        if found is None:
            found = xml.SubElement(place, "nvpair", id=f"db-set-{name}", name=name)
        found.set("value", value)


class Grounds:
    """What a trial needs of any of them, beside kit.Cluster."""
    names = ("n1", "n2")
    voter = None          # a node that only votes
    databases = 2
    small_disk = False
    ledger_name = "ledger"
    settings = {}         # further parameters of the database's agent

    @property
    def ledger(self):
        return self.logs / self.ledger_name

    def build_up(self):
        """From nothing to a running cluster that has its configuration."""
        self.prepare()
        self.make_databases()
        for node in self.names if self.small_disk else ():
            small_var.give(self.rig, node, SMALL_VAR_MB)
        for node in (*self.names, *([self.voter] if self.voter else [])):
            self.rig.poweron(node)
        self.load_configuration()

    def configuration_tree(self, nodes):
        tree = xml.fromstring(kit.configuration(nodes))
        parameters(tree, {"enable_creation": "true", **self.settings})
        return tree

    def in_sync(self, primary):
        """The replica for which commits on the primary wait."""
        record = self.lineage() if self.databases > 2 else None
        return record["s"] if record else self.other(primary)

    # -- the servers -----------------------------------------------------------------------------------------------
    def server(self, node):
        """The database server's pid on this machine; None where none runs."""
        if self.rig.pid(node) is None:
            return None
        for pid in self.rig.node_pids(node):
            try:
                program = pathlib.Path(f"/proc/{pid}/exe").readlink().name
            except OSError:
                continue
            if program.removesuffix(" (deleted)") in ("mariadbd", "mysqld"):
                return pid
        return None

    def signal_server(self, node, number):
        pid = self.server(node)
        if pid is None:
            raise kit.ClusterError(f"no server runs on {node}")
        self.rig.signal(pid, number)
        return pid

    # -- the end ---------------------------------------------------------------------------------------------------
    def save_node_logs(self, node):
        """From inside when the node is on: a /var of its own cannot be seen from here."""
        if self.rig.pid(node) is None:
            return super().save_node_logs(node)
        (self.logs / node).mkdir(parents=True, exist_ok=True)
        tar = subprocess.run(self.rig.enter(node, "tar", "-C", "/var", "-cf", "-", "log"), capture_output=True)
        subprocess.run(["tar", "-C", self.logs / node, "-xf", "-"], input=tar.stdout, capture_output=True)

    def stop(self, keep=False):
        for node in self.rig.nodes():
            pid = self.server(node)
            if pid is not None:
                self.rig.signal(pid, signal.SIGCONT)
        super().stop(keep)


class CrmdGrounds(Grounds, kit.Cluster):
    manager, shell = "crmd", False

    def __init__(self, build, prefix, logs, mode, deadtime, databases):
        count, self.policy = MODES[mode]
        super().__init__(build, prefix, logs, count, max(20, min(200, deadtime // 5)), deadtime)
        self.quorum, self.databases = f"    mode: {mode}\n", databases
        self.mode = f"{mode}, three databases" if databases == 3 else mode
        self.voter = "n3" if count > databases else None
        self.witness = self.voter if mode == "witness" else None

    def missing(self):
        absent = [name for name in (*kit.TOOLS, "ledger") if kit.find_program(self.build, name) is None]
        return f"{self.build} has no '{absent[0]}'; build first: ./run build" if absent else None

    def prepare(self):
        """The voter has a disk like the others, and no database."""
        self.names = [f"n{i}" for i in range(1, self.count + 1)]
        self.lay_out("/opt/systole/bin/crmd", secrets.token_hex(32))
        self.names = self.names[:self.databases]

    def load_configuration(self):
        nodes = [*self.names, *([self.voter] if self.voter and not self.witness else [])]
        tree = self.configuration_tree(nodes)
        tree.find(".//nvpair[@name='no-quorum-policy']").set("value", self.policy)
        if len(nodes) == 3:  # the agent has to know how many databases there are
            parameters_of_clone = tree.find(".//clone[@id='db-clone']/meta_attributes")
            xml.SubElement(parameters_of_clone, "nvpair", id="db-clone-max", name="clone-max",
                           value=str(self.databases))
        for resource in ("db-clone", "vip") if self.voter in nodes else ():
            xml.SubElement(tree.find("constraints"), "rsc_location", id=f"{resource}-not-on-{self.voter}",
                           rsc=resource, node=self.voter, score="-INFINITY")
        hand_in(self, xml.tostring(tree, encoding="unicode"), lambda: True, 30)

    def log_of(self, node):
        return self.at(node, "cat", "/var/log/systole.log", check=False).stdout

    def words_of_manager(self, node):
        done = self.at(node, "timeout", "5", "systole", "status", check=False)
        return done.stdout + done.stderr

    def move(self, source, target):
        self.at(source, "timeout", "90", "systole", "mysql", "switch", "--to", target)

    def move_is_over(self, node):
        """`systole mysql switch` has taken its order back."""

    def forget_failures(self, node):
        self.at(node, "timeout", "20", "systole", "cleanup", check=False)


class PacemakerGrounds(Grounds, pacemaker_cluster.PacemakerCluster):
    """Two nodes, two_node: 1, no fencing."""
    manager, shell, mode = "pacemaker", False, "no fencing"
    tool = "/opt/systole/tools/systole"  # not in PATH: the manager's own tools have to do for the agents

    def __init__(self, build, prefix, logs, deadtime):
        super().__init__(build, prefix, logs, deadtime=deadtime)
        self.names = list(Grounds.names)

    def missing(self):
        packages = pacemaker_cluster.missing_packages()
        if packages:
            return f"not installed: apt-get install --no-install-recommends {' '.join(packages)}"
        absent = [name for name in ("systole", "ledger") if kit.find_program(self.build, name) is None]
        return f"{self.build} has no '{absent[0]}'; build first: ./run build" if absent else None

    def stage_programs(self):
        super().stage_programs()
        (self.stage / "tools").mkdir()
        shutil.copy2(kit.find_program(self.build, "systole"), self.stage / "tools/systole")

    def load_configuration(self):
        text = xml.tostring(self.configuration_tree(self.names), encoding="unicode")
        hand_in(self, text, lambda: self.has_members(2), 90)

    def log_of(self, node):
        return self.at(node, "cat", "/var/log/pacemaker/pacemaker.log", check=False).stdout

    def words_of_manager(self, node):
        return self.at(node, "timeout", "5", "crm_mon", "-1", "-A", check=False).stdout

    def move(self, source, target):
        self.at(source, "timeout", "90", self.tool, "mysql", "switch", "--to", target)

    def move_is_over(self, node):
        """`systole mysql switch` has taken its order back."""

    def forget_failures(self, node):
        self.at(node, "timeout", "30", "crm_resource", "--cleanup", check=False)


class FencedGrounds(PacemakerGrounds):
    """The same with fencing: a lost node is cut from power before anything is recovered."""
    mode = "fencing"
    switch = None

    def stage_programs(self):
        super().stage_programs()
        fencing.stage(self.stage)

    def prepare(self):
        super().prepare()
        self.switch = fencing.PowerSwitch(self.rig, self.stage / "power")
        self.switch.start()

    def configuration_tree(self, nodes):
        tree = super().configuration_tree(nodes)
        fencing.configure(tree, nodes)
        return tree

    def stop(self, keep=False):
        if self.switch:
            self.switch.end()
        super().stop(keep)


SHELL_ACCOUNTS = "".join(f"CREATE USER repl@{host} IDENTIFIED BY 'repl';\nGRANT ALL ON *.* TO repl@{host};\n"
                         for host in ("'%'", "localhost"))
# ocf:heartbeat:mariadb promotes nobody as long as a node has no GTID: the same first one for both. (gtid_current_pos,
# which it reads, does not count a transaction of another server's in the binary log, hence the second statement.)
FIRST_TRANSACTION = ("SET SESSION server_id=1, gtid_domain_id=0, gtid_seq_no=1; CREATE DATABASE first; "
                     "SET GLOBAL gtid_slave_pos='0-1-1'")
ADVISED = {"start": "120s", "stop": "120s", "promote": "120s", "demote": "120s", "notify": "90s"}


class ShellGrounds(PacemakerGrounds):
    """ocf:heartbeat:mysql or ocf:heartbeat:mariadb and IPaddr2, as the package brings them, with the parameters that
    they need and the operations that they advise."""
    shell = True
    folder = pathlib.Path("/usr/lib/ocf/resource.d/heartbeat")

    def __init__(self, build, prefix, logs, deadtime, agent):
        super().__init__(build, prefix, logs, deadtime)
        self.agent, self.semi_sync = agent, agent == "mariadb"
        self.mode = f"no fencing, ocf:heartbeat:{agent}"

    def missing(self):
        absent = [name for name in (self.agent, "IPaddr2") if not (self.folder / name).exists()]
        return super().missing() or ("not installed: apt-get install resource-agents" if absent else None)

    def stage_programs(self):
        (self.stage / "agents").mkdir(parents=True)
        shutil.copy2(pathlib.Path(pacemaker_cluster.__file__).parent / "boot", self.stage / "boot")

    def write_settings(self, node, number, key):
        super().write_settings(node, number, key)
        shutil.copytree("/etc/pam.d", self.rig.disk(node, "etc") / "pam.d")  # they start the server through runuser

    def move(self, source, target):
        self.at(source, "timeout", "60", "crm_resource", "--move", "--promoted", "--resource", "db-clone", "--node",
                target)

    def move_is_over(self, node):
        self.at(node, "timeout", "20", "crm_resource", "--clear", "--resource", "db-clone", check=False)

    def database_sql(self):
        head, _, _ = kit.DATABASE_SQL.partition("CREATE USER repl")
        return head + SHELL_ACCOUNTS

    def make_databases(self):
        """With the account that these agents use for everything."""
        original, kit.DATABASE_SQL = kit.DATABASE_SQL, self.database_sql()
        try:
            super().make_databases()
        finally:
            kit.DATABASE_SQL = original

    def load_configuration(self):
        super().load_configuration()
        for node in self.names if self.agent == "mariadb" else ():
            kit.wait_until(lambda: self.sql(node, FIRST_TRANSACTION) is not None, 60,
                           f"for a server on {node} that takes its first transaction", 0.3)

    def configuration_tree(self, nodes):
        tree = super().configuration_tree(nodes)
        database, address = tree.find(".//primitive[@id='db']"), tree.find(".//primitive[@id='vip']")
        database.set("provider", "heartbeat")
        database.set("type", self.agent)
        address.set("provider", "heartbeat")
        address.set("type", "IPaddr2")
        parameters(tree, {"binary": "/usr/sbin/mariadbd", "client_binary": "mariadb"} |
                   ({"node_list": " ".join(nodes)} if self.agent == "mariadb" else {}))
        operations = database.find("operations")
        operations.clear()
        for name, timeout in ADVISED.items():
            xml.SubElement(operations, "op", id=f"db-op-{name}", name=name, interval="0", timeout=timeout)
        for role, interval in (("Promoted", "10s"), ("Unpromoted", "20s")):
            xml.SubElement(operations, "op", id=f"db-op-monitor-{role}", name="monitor", role=role, interval=interval,
                           timeout="30s")
        return tree


def hand_in(cluster, text, ready, seconds):
    """The configuration, once the cluster takes it."""
    last = ["its nodes do not see each other"]

    def taken():
        if not ready():
            return False
        done = cluster.at("n1", "cibadmin", "--replace", "--scope", "configuration", "--xml-pipe", data=text,
                          check=False)
        last[0] = done.stderr.strip() or done.stdout.strip()
        return done.returncode == 0

    try:
        kit.wait_until(taken, seconds, "for cibadmin to take the configuration", 0.3)
    except kit.ClusterError as error:
        raise kit.ClusterError(f"{error}: {last[0]}") from None


def make(args, logs):
    """The cluster that the command line asks for."""
    if args.agent != "systole":
        return ShellGrounds(args.build, args.prefix, logs, args.deadtime, args.agent)
    if args.manager == "pacemaker":
        kind = FencedGrounds if args.mode == "fencing" else PacemakerGrounds
        return kind(args.build, args.prefix, logs, args.deadtime)
    return CrmdGrounds(args.build, args.prefix, logs, args.mode, args.deadtime, args.databases)


__all__ = ["Grounds", "MODES", "kit", "make", "rigs", "small_var"]

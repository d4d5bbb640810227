# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo's cluster with Corosync and Pacemaker in crmd's place: same disks, databases, clients and configuration.

Of our programs only the two agents are on these nodes; the tools that they call are Pacemaker's."""
import pathlib
import shutil
import sys
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "cluster/kit"))
import cluster as kit  # noqa: E402

PROGRAMS = {"corosync": ("corosync", "corosync-cmapctl"), "pacemaker": ("pacemakerd",),
            "pacemaker-cli-utils": ("cibadmin", "crm_mon", "crm_resource", "crm_attribute", "attrd_updater")}
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

COROSYNC_CONF = """totem {{
    version: 2
    cluster_name: {name}
    transport: knet
    crypto_cipher: none
    crypto_hash: none
    token: {token}
}}
nodelist {{
{nodes}}}
quorum {{
    provider: corosync_votequorum
    two_node: 1
}}
logging {{
    to_syslog: no
    to_stderr: yes
    to_logfile: yes
    logfile: /var/log/corosync.log
    timestamp: hires
}}
"""


def missing_packages():
    """Debian packages whose programs are not on this machine."""
    return [package for package, programs in PROGRAMS.items()
            if any(shutil.which(program, path=SYSTEM_PATH) is None for program in programs)]


class PacemakerCluster(kit.Cluster):
    """deadtime is Corosync's token time: Pacemaker hears of a lost node 2.2 times that later."""

    agents = kit.AGENTS

    def prepare(self):
        self.lay_out("/opt/systole/boot", None)

    def stage_programs(self):
        """The agents alone. /opt/systole/bin comes first in a node's PATH, so none of our tools may be there."""
        (self.stage / "agents").mkdir(parents=True)
        for name in self.agents:
            program = kit.find_program(self.build / "lib/ocf/resource.d/systole", name)
            if program is None:
                raise kit.ClusterError(f"there is no agent '{name}' in {self.build}; build first: ./run build")
            shutil.copy2(program, self.stage / "agents" / name)
        shutil.copy2(HERE / "boot", self.stage / "boot")

    def write_settings(self, node, number, key):
        etc, var = self.rig.disk(node, "etc"), self.rig.disk(node, "var")
        nodes = "".join(f"    node {{\n        nodeid: {i}\n        name: {n}\n"
                        f"        ring0_addr: {self.rig.address(n)}\n    }}\n" for i, n in enumerate(self.names, 1))
        (etc / "corosync").mkdir()
        (etc / "corosync/corosync.conf").write_text(
            COROSYNC_CONF.format(name=self.rig.prefix, token=self.deadtime, nodes=nodes))
        (var / "lib/corosync").mkdir()
        for folder in ("log/pacemaker", "lib/pacemaker", *(f"lib/pacemaker/{f}" for f in
                                                           ("blackbox", "cib", "cores", "pengine"))):
            (var / folder).mkdir()
            shutil.chown(var / folder, "hacluster", "haclient")
            (var / folder).chmod(0o770)
        (etc / "mysql/my.cnf").write_text(kit.my_cnf(number))
        log = var / "log/mysql.log"
        log.touch()
        shutil.chown(log, *self.rig.mysql_account(etc))

    # -- what Pacemaker says ---------------------------------------------------------------------------------------
    def view(self, node=None):
        """crm_mon's account as an element; None while the node's Pacemaker does not answer."""
        node = node or next(n for n in self.names if self.rig.pid(n) is not None)
        done = self.at(node, "timeout", "5", "crm_mon", "-1", "-A", "--output-as=xml", check=False)
        try:
            return ElementTree.fromstring(done.stdout) if done.returncode == 0 else None
        except ElementTree.ParseError:
            return None

    def has_members(self, count):
        """A controller is elected and exactly so many nodes are in."""
        view = self.view()
        if view is None or view.find("./summary/current_dc[@present='true']") is None:
            return False
        return len(view.findall("./nodes/node[@online='true'][@pending='false']")) == count

    def promoted(self, view):
        return [n.get("name") for n in view.findall(".//clone[@id='db-clone']/resource[@role='Promoted']/node")]

    def failures(self, view):
        """(operation, node, reason) of every failed action that Pacemaker remembers."""
        return [(f.get("op_key"), f.get("node"), f.get("exitreason") or f.get("exitstatus") or f.get("status"))
                for f in view.findall("./failures/failure")]

    def attribute(self, view, node, name):
        found = view.find(f"./node_attributes/node[@name='{node}']/attribute[@name='{name}']")
        return None if found is None else found.get("value")

    def idle(self):
        """The controller has nothing left to do."""
        view = self.view()
        dc = None if view is None else view.find("./summary/current_dc")
        if dc is None or dc.get("name") is None:
            return False
        done = self.at(dc.get("name"), "timeout", "5", "crmadmin", "-S", dc.get("name"), check=False)
        return "S_IDLE" in done.stdout

    def log_tail(self, node, lines=25):
        path = self.rig.disk(node, "var/log/pacemaker/pacemaker.log")
        text = path.read_text(errors="replace").splitlines() if path.exists() else ["(no pacemaker.log)"]
        return text[-lines:]


class WithTool:
    """Comes before the classes of the cluster: `systole` is on its nodes as well."""

    endpoint_folder = "."  # not the folder that comes first in PATH: our cibadmin and its like must not be there
    systole = "/opt/systole/systole"

    def stage_programs(self):
        super().stage_programs()
        shutil.copy2(kit.find_program(self.build, "systole"), self.stage / "systole")

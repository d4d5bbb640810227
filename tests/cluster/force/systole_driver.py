# SPDX-License-Identifier: GPL-2.0-or-later
"""Systole: crmd of a build folder and our agent for the address; no database."""
import shutil
import subprocess

import cluster as kit
from driver import Driver

PROGRAMS = ("crmd", "systole", "cibadmin", "crm_attribute")
GUARDIAN = "systole-guardian"

# mode → (nodes, the lines of cluster.conf's section quorum). A further mode is a further line.
MODES = {
    "none": (2, ("mode: none",)),
    "majority": (3, ("mode: majority",)),
    "witness": (3, ("mode: witness",)),
    "ping": (2, ("mode: ping", "ping_target: 10.77.0.254")),
}

CIB = """<configuration>
  <crm_config>
    <cluster_property_set id="options">
      <nvpair id="options-stonith" name="stonith-enabled" value="false"/>
      <nvpair id="options-quorum" name="no-quorum-policy" value="{policy}"/>
    </cluster_property_set>
  </crm_config>
  <nodes>{nodes}</nodes>
  <resources>
    <primitive id="vip" class="ocf" provider="{provider}" type="{agent}">
      <instance_attributes id="vip-params">
        <nvpair id="vip-ip" name="ip" value="{vip}"/>
        <nvpair id="vip-mask" name="cidr_netmask" value="24"/>
        <nvpair id="vip-nic" name="nic" value="eth0"/>
      </instance_attributes>
      <operations>
        <op id="vip-start" name="start" interval="0" timeout="20s"/>
        <op id="vip-stop" name="stop" interval="0" timeout="20s"/>
        <op id="vip-monitor" name="monitor" interval="{monitor}" timeout="20s"/>
      </operations>
    </primitive>
  </resources>
  <constraints>{constraints}</constraints>
  <rsc_defaults>
    <meta_attributes id="defaults">
      <nvpair id="default-stickiness" name="resource-stickiness" value="100"/>
    </meta_attributes>
  </rsc_defaults>
</configuration>
"""


def configuration(names, away, policy, provider, agent, monitor="2s"):
    """One address, anywhere but on the node that is to stay away."""
    nodes = "".join(f'<node id="{i}" uname="{n}"/>' for i, n in enumerate(names, 1))
    rule = f'<rsc_location id="vip-stays-away" rsc="vip" node="{away}" score="-INFINITY"/>' if away else ""
    return CIB.format(nodes=nodes, constraints=rule, policy=policy, provider=provider, agent=agent, vip=kit.VIP,
                      monitor=monitor)


class Systole(Driver):
    name, daemon, guardian = "systole", "crmd", GUARDIAN
    monitor = "2s"

    def __init__(self, build, mode, deadtime):
        self.build, self.mode, self.deadtime = build, mode, deadtime
        self.node_count, words = MODES[mode]
        self.quorum = "".join(f"    {word}\n" for word in words)

    def program(self, name):
        return kit.find_program(self.build, name)

    def missing(self):
        absent = [name for name in PROGRAMS if self.program(name) is None]
        if absent:
            return f"there is no program '{absent[0]}' in {self.build}; build first: ./run build"
        return None

    def version(self):
        said = subprocess.run([self.program("crmd"), "--version"], capture_output=True, text=True).stdout.strip()
        git = ["git", "-C", self.build, "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(git, capture_output=True, text=True)
        return f"{said}, commit {commit.stdout.strip()}" if commit.returncode == 0 else said

    def stage(self, field):
        for name in (*PROGRAMS, GUARDIAN):
            if self.program(name):
                shutil.copy2(self.program(name), field.stage / "bin" / name)
        agent = kit.find_program(self.build / "lib/ocf/resource.d/systole", "IPaddr")
        shutil.copy2(agent, field.stage / "agents/IPaddr")

    def mounts(self):
        return ""

    def start_script(self):
        return "#!/bin/sh\npidof crmd >/dev/null || exec /opt/systole/bin/crmd\n"

    def write_settings(self, field, node, number, key):
        field.write_own_settings(node, number, key)
        if self.mode == "majority":  # there the third one is a node like the others
            conf = field.rig.disk(node, "etc/systole/cluster.conf")
            conf.write_text(conf.read_text().replace("        witness: yes\n", ""))

    def configure(self, field):
        policy = "stop" if self.mode in ("majority", "witness") else "ignore"
        # A node like the others that is only to vote must be told so; a witness runs nothing by itself.
        away = field.witness if self.mode == "majority" else None
        names = [n for n in field.names if n != field.witness or away]
        text = configuration(names, away, policy, "systole", "IPaddr", self.monitor)
        last = [""]

        def replaced():
            done = field.at("n1", "cibadmin", "--replace", "--scope", "configuration", "--xml-pipe", data=text,
                            check=False)
            last[0] = done.stderr.strip() or done.stdout.strip()
            return done.returncode == 0

        try:
            kit.wait_until(replaced, 30, "for cibadmin to take the configuration", 0.3)
        except kit.ClusterError as error:
            raise kit.ClusterError(f"{error}: {last[0]}") from None

    def refusal(self, field):
        """Why this crmd does not know the mode; None when it does."""
        done = field.at("n1", "/opt/systole/bin/crmd", "--check", check=False)
        return None if done.returncode == 0 else done.stderr.strip()

    def settled(self, field):
        for node in ("n1", "n2"):
            view = field.status(node)
            if not view or not view["settled"]:
                return False
            if not all(n["up"] and (n["joined"] or n.get("witness")) for n in view["nodes"]):
                return False
        return True

    def leader(self, field):
        view = field.status("n1")
        return view["leader"] if view else None

    def move_address(self, field, node):
        field.at("n1", "timeout", "20", "systole", "move", "vip", node)
        kit.wait_until(lambda: field.owners_now() == (node,), 20, f"for the address to be on {node}")
        field.at("n1", "timeout", "20", "systole", "move", "vip", "--clear")

    def begin_again(self, field, node):
        field.at(node, "timeout", "30", "systole", "daemon", "reexec")
        return True

    def poke(self, field, node):
        field.at(node, "timeout", "10", "crm_attribute", "-t", "crm_config", "-n", "poke", "-v", "1", check=False)

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The exit code of every situation: ocf:systole:IPaddr beside ocf:heartbeat:IPaddr2, each on a host of its own.

Managers decide by these codes, so a difference is either a fault or written down below with its reason.
usage: codes_test.py AGENT [--show] [unittest arguments]; --show prints what both say instead of judging it; leaves with
77 (skipped) when it may not make namespaces or IPaddr2 (Debian package resource-agents) is not installed.
"""
import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True  # the source tree stays clean
from case import VIP, Case, main  # noqa: E402

SHELL_AGENT = "/usr/lib/ocf/resource.d/heartbeat/IPaddr2"
V6 = "2001:db8:77::100"
ACTIONS = ("probe", "monitor", "start", "stop", "validate-all")
SHOW = False


@dataclasses.dataclass
class Situation:
    """codes: of probe, recurring monitor, start, stop and validate-all, in this order. differs: the action's code of
    IPaddr2 and why ours is another one."""
    name: str
    codes: tuple
    given: dict = dataclasses.field(default_factory=dict)
    before: tuple = ()  # ip(8) commands on the host
    cable: str = "up"
    meta: dict = dataclasses.field(default_factory=dict)
    nobody: bool = False
    differs: dict = dataclasses.field(default_factory=dict)


SERVED = f"addr add {VIP}/24 brd + dev eth0"
ON_ETH0 = {"nic": "eth0", "cidr_netmask": "24"}
V6_ON_ETH0 = {"ip": V6, "nic": "eth0", "cidr_netmask": "64"}

# Reasons for codes of our own. IPaddr2 here is that of resource-agents 4.12; "newer" is upstream's of 2026.
NEWER = "newer IPaddr2 does the same"
SERVES = "it serves, whatever its netmask is"
EARLY = "wrong on every machine: probe and monitor tell it, not only start"
UNLIKE = "no such address can have been started: a stop that fails gets the node fenced"
NO_EFFECT = "the parameter has no effect here"
UNSUPPORTED = "one address on several nodes at once is not offered; IPaddr2 looks for iptables, which are not here"
BY_NOBODY = "nothing to do that would need a privilege"


def at_all(code, why, actions=ACTIONS):
    return {action: (code, why) for action in actions}


FAULTY = {"probe": (7, EARLY), "monitor": (7, EARLY)}
FAULTY_IP = {"probe": (7, EARLY), "monitor": (1, EARLY)}
SITUATIONS = (
    Situation("the address is not there", (7, 7, 0, 0, 0)),
    Situation("it is there", (0, 0, 0, 0, 0), before=(SERVED,)),
    Situation("there with another netmask", (0, 0, 0, 0, 0), {"cidr_netmask": "24"}, (f"addr add {VIP}/32 dev eth0",),
              differs=at_all(7, SERVES, ("probe", "monitor"))),
    Situation("there with another label", (1, 1, 0, 0, 0), {"nic": "eth0", "iflabel": "db"}, (SERVED,),
              differs=at_all(0, NEWER, ("probe", "monitor"))),
    Situation("on another interface", (7, 7, 0, 0, 0), ON_ETH0,
              ("link add eth1 type veth peer name peer1", "link set eth1 up", f"addr add {VIP}/32 dev eth1")),
    Situation("no such interface", (7, 1, 5, 0, 6), {"nic": "eth9"}, differs={"start": (6, NEWER)}),
    Situation("no such interface, but a netmask", (7, 1, 5, 0, 6), {"nic": "eth9", "cidr_netmask": "24"},
              differs={"monitor": (7, NEWER), "start": (6, NEWER)}),
    Situation("the link is down", (7, 7, 5, 0, 0), ON_ETH0, cable="down", differs={"start": (0, NEWER)}),
    Situation("there, but the link is down", (7, 7, 5, 0, 0), ON_ETH0, (SERVED,), "down",
              differs=at_all(0, NEWER, ("probe", "monitor", "start"))),
    Situation("the interface is switched off", (7, 7, 0, 0, 0), ON_ETH0, ("link set eth0 down",)),
    Situation("a network without route, neither interface nor netmask", (7, 1, 5, 0, 1), {"ip": "192.0.2.7"},
              differs={"start": (1, NEWER)}),
    Situation("a network without route, no netmask", (7, 1, 5, 0, 1), {"ip": "192.0.2.7", "nic": "eth0"},
              differs={"start": (1, NEWER)}),
    Situation("a network without route, both given", (7, 7, 0, 0, 0), {"ip": "192.0.2.7", **ON_ETH0}),
    Situation("nobody asks", (7, 7, 4, 0, 0), nobody=True, differs={"stop": (4, BY_NOBODY)}),
    Situation("nobody asks, it is there", (0, 0, 4, 4, 0), before=(SERVED,), nobody=True),
    Situation("no address given", (6, 6, 6, 0, 6), {"ip": ""}),
    Situation("an address beyond 255", (6, 6, 6, 0, 6), {"ip": "10.77.0.300"}, differs=FAULTY_IP),
    Situation("a word as address", (6, 6, 6, 0, 6), {"ip": "vip"}, differs=FAULTY_IP),
    Situation("netmask 33", (6, 6, 6, 0, 6), {"cidr_netmask": "33"}, differs=FAULTY_IP),
    Situation("a word as netmask", (6, 6, 6, 0, 6), {"nic": "eth0", "cidr_netmask": "wide"}, differs=FAULTY),
    Situation("a netmask with holes", (6, 6, 6, 0, 6), {"nic": "eth0", "cidr_netmask": "255.0.255.0"}, differs=FAULTY),
    Situation("a dotted netmask", (7, 7, 0, 0, 0), {"nic": "eth0", "cidr_netmask": "255.255.255.0"}),
    Situation("the old name netmask", (7, 7, 0, 0, 0), {"nic": "eth0", "netmask": "24"}),
    Situation("IPv6 is not there", (7, 7, 0, 0, 0), V6_ON_ETH0),
    Situation("IPv6 is there, written otherwise", (0, 0, 0, 0, 0), {**V6_ON_ETH0, "ip": "2001:DB8:77:0::0100"},
              (f"addr add {V6}/64 dev eth0 nodad",)),
    Situation("IPv6's netmask for IPv4", (6, 6, 6, 0, 6), {"nic": "eth0", "cidr_netmask": "64"}, differs=FAULTY),
    Situation("IPv4's netmask for IPv6", (6, 6, 6, 0, 6), {**V6_ON_ETH0, "cidr_netmask": "255.255.255.0"},
              differs=FAULTY | at_all(0, "IPaddr2 leaves it out; it is a mistake", ("start", "validate-all"))),
    Situation("lvs_support with IPv6", (6, 6, 6, 0, 6), {**V6_ON_ETH0, "lvs_support": "true"},
              differs={"stop": (6, UNLIKE)}),
    Situation("an address label for IPv4", (7, 7, 0, 0, 0), {"lvs_ipv6_addrlabel": "true"},
              differs=at_all(6, "newer IPaddr2 has it on by default and leaves it out for IPv4")),
    Situation("a negative address label", (6, 6, 6, 0, 6),
              {**V6_ON_ETH0, "lvs_ipv6_addrlabel": "true", "lvs_ipv6_addrlabel_value": "-1"},
              differs={"stop": (6, UNLIKE)}),
    Situation("a clone without unique addresses", (6, 6, 6, 0, 6), meta={"clone_max": 2, "clone": 0},
              differs=at_all(5, UNSUPPORTED)),
    Situation("unique addresses without globally-unique", (6, 6, 6, 0, 6), {"unique_clone_address": "true"},
              meta={"clone_max": 2, "clone": 0}, differs={"stop": (6, UNLIKE)}),
    Situation("unique addresses", (7, 7, 0, 0, 0), {"unique_clone_address": "true"},
              meta={"clone_max": 2, "clone": 1, "globally_unique": "true"}),
    Situation("arp_count 0", (6, 6, 6, 0, 6), {"arp_count": "0"}, differs={"stop": (6, UNLIKE)}),
    Situation("a word as arp_count", (6, 6, 6, 0, 6), {"arp_count": "some"}, differs={"stop": (6, UNLIKE)}),
    Situation("a word as arp_interval", (6, 6, 6, 0, 6), {"arp_interval": "often"}, differs={"stop": (6, UNLIKE)}),
    Situation("a word as arp_count_refresh", (6, 6, 6, 0, 6), {"arp_count_refresh": "some"},
              differs=FAULTY | at_all(0, "IPaddr2 fails at the first monitor then", ("start", "validate-all"))),
    Situation("an unknown arp_sender", (7, 7, 0, 0, 0), {"arp_sender": "pigeon"}, differs=at_all(6, NO_EFFECT)),
    Situation("a label that is too long", (6, 6, 6, 0, 6), {"nic": "eth0", "iflabel": "database-server"},
              differs={"stop": (6, UNLIKE)}),
    Situation("an empty preferred lifetime", (7, 7, 0, 0, 0), {"preferred_lft": ""},
              differs=at_all(6, "what is empty is as if not given")),
    Situation("a word as preferred lifetime", (6, 6, 6, 0, 6), {"ip": V6, "preferred_lft": "long"},
              differs=FAULTY | {"start": (1, EARLY), "validate-all": (0, EARLY)}),
    Situation("a faulty broadcast address", (6, 6, 6, 0, 6), {**ON_ETH0, "broadcast": "all"}, differs=FAULTY),
)


@unittest.skipUnless(os.path.exists(SHELL_AGENT), f"{SHELL_AGENT} (Debian package resource-agents) is not installed")
class Codes(Case):
    """Host a is ours, host b is IPaddr2's."""

    def code(self, host, agent, action, situation):
        env = self.environment(host, situation.meta | ({"interval": 10000} if action == "monitor" else {}),
                               situation.given)
        env.update(OCF_ROOT="/usr/lib/ocf", HA_LOGFILE="/dev/null", LC_ALL="C", OCF_RESOURCE_TYPE="IPaddr2",
                   OCF_RESOURCE_PROVIDER="heartbeat", OCF_RA_VERSION_MAJOR="1", OCF_RA_VERSION_MINOR="0")
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if situation.nobody else []
        self.last = self.net.run(host, [*nobody, agent, "monitor" if action == "probe" else action], env=env)
        return self.last.returncode

    def as_before(self, host):
        name, number = self.net.name(host), {"a": 1, "b": 2}[host]
        left = subprocess.run(["ip", "netns", "pids", name], check=True, capture_output=True, text=True).stdout
        for pid in left.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        steps = ("link del eth1", "addr flush dev eth0 scope global", "addr flush dev lo scope global",
                 f"addr add 10.77.0.{number}/24 dev eth0", f"addr add 2001:db8:77::{number}/64 dev eth0 nodad",
                 "link set eth0 up")
        subprocess.run(["ip", "-n", name, "-force", "-batch", "-"], input="\n".join(steps), text=True,
                       capture_output=True, check=False)  # there is not always an eth1
        self.net.cable(host, "up")

    def prepare(self, host, situation):
        self.as_before(host)
        for words in situation.before:
            self.net.ip(self.net.name(host), *words.split())
        if situation.cable == "down":
            self.net.cable(host, "down")

    def codes(self, host, agent, situation):
        found = {}
        for actions in (("probe", "monitor", "validate-all", "stop"), ("start",)):
            self.prepare(host, situation)
            found.update((action, self.code(host, agent, action, situation)) for action in actions)
        self.as_before(host)
        return tuple(found[action] for action in ACTIONS)

    def test_every_situation_has_the_code_that_managers_know(self):
        for situation in SITUATIONS:
            theirs = tuple(situation.differs.get(action, (code,))[0] for action, code in zip(ACTIONS, situation.codes))
            found = {"ours": self.codes("a", self.AGENT, situation), "theirs": self.codes("b", SHELL_AGENT, situation)}
            if SHOW:
                print(f"{situation.name:60}{found['ours']} {found['theirs']}", flush=True)
                continue
            with self.subTest(situation=situation.name):
                self.assertEqual(found, {"ours": situation.codes, "theirs": theirs})

    def test_what_is_no_action_has_the_codes_of_the_standard(self):
        situation = SITUATIONS[0]
        for action, theirs in (("promote", 3), ("notify", 3), ("", 3)):
            with self.subTest(action=action):
                self.assertEqual([self.code("a", self.AGENT, action, situation),
                                  self.code("b", SHELL_AGENT, action, situation)], [3, theirs])
        for action in ("meta-data", "usage"):
            with self.subTest(action=action):
                self.assertEqual([self.code("a", self.AGENT, action, situation),
                                  self.code("b", SHELL_AGENT, action, situation)], [0, 0])


if __name__ == "__main__":
    if "--show" in sys.argv:
        sys.argv.remove("--show")
        SHOW = True
    main(__doc__)

# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done to a settled cluster, and what each software promised about it. A scenario only breaks things: healing,
waiting and counting are done for all alike by trial.py."""
import dataclasses
import time
import typing

import cluster as kit

FREEZE = 12.0   # s
FLAP = 0.3      # s on, s off
FLAPPING = 6.0  # s
COLD_LIMIT = 30.0


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    run: typing.Callable
    needs: str = ""  # "witness" or "guardian": without it there is nothing to do
    prepare: typing.Callable = None  # brings about what is to be broken; the counting begins after it


class NothingToDo(Exception):
    """The cluster has nothing that this scenario could break."""


def power_off_owner(field):
    owner, _ = field.pair()
    field.power_off(owner)
    field.hold()


def cut_both_ways(field):
    owner, other = field.pair()
    field.rig.block(owner, other)
    field.rig.block(other, owner)
    field.hold()


def owner_is_mute(field):
    owner, other = field.pair()
    field.rig.block(owner, other)
    field.hold()


def owner_is_deaf(field):
    owner, other = field.pair()
    field.rig.block(other, owner)
    field.hold()


def cut_that_flaps(field):
    owner, other = field.pair()
    end = time.monotonic() + FLAPPING
    while time.monotonic() < end:
        field.rig.block(owner, other)
        field.rig.block(other, owner)
        time.sleep(FLAP)
        field.rig.unblock()
        time.sleep(FLAP)


def isolate(field, node):
    """From all nodes and the gateway. The client still reaches it, and so sees what it goes on to claim."""
    for name in (*field.names, "gw"):
        if name != node:
            field.rig.block(node, name)
            field.rig.block(name, node)


def owner_isolated(field):
    isolate(field, field.pair()[0])
    field.hold()


def part_owner_and_leader(field):
    """Who leads is the cluster's own matter; where the address is can be asked for."""
    owner, other = field.pair()
    leader = field.driver.leader(field)
    if leader is None:
        raise NothingToDo("no node leads")
    if leader == owner:
        field.driver.move_address(field, other)
        field.note(f"the address was moved from {owner}, which leads, to {other}")


def leader_isolated(field):
    owner, leader = field.owner(), field.driver.leader(field)
    if leader in (None, owner):
        raise kit.ClusterError(f"{leader} leads and {owner} has the address: there is no other leader to isolate")
    isolate(field, leader)
    field.hold()


def owner_unreachable(field):
    field.rig.cut(field.pair()[0])
    field.hold()


def witness_isolated(field):
    isolate(field, field.witness)
    field.hold()


def freeze_machine(field):
    """A virtual machine that does not run answers nothing; then it goes on as if no time had passed."""
    owner, _ = field.pair()
    field.rig.cut(owner)
    field.rig.pause(owner)
    field.hold(FREEZE)
    field.rig.heal(owner)
    field.rig.resume(owner)


def freeze_processes(field):
    owner, _ = field.pair()
    field.rig.pause(owner)
    field.hold(FREEZE)
    field.rig.resume(owner)


def freeze_daemon(field):
    owner, _ = field.pair()
    field.driver.pause_daemon(field, owner)
    field.hold(FREEZE)
    field.rig.resume(owner)


def freeze_guardian(field):
    owner, _ = field.pair()
    field.driver.pause_guardian(field, owner)
    field.hold(FREEZE)
    field.rig.resume(owner)


def freeze_both(field):
    owner, _ = field.pair()
    field.driver.pause_guardian(field, owner)
    field.driver.pause_daemon(field, owner)
    field.hold(FREEZE)
    field.rig.resume(owner)


def kill_daemon(field):
    field.driver.kill_daemon(field, field.pair()[0])
    field.hold()


def kill_daemon_back_at_once(field):
    owner, _ = field.pair()
    field.driver.kill_daemon(field, owner)
    time.sleep(0.1)
    field.driver.start(field, owner)
    field.hold()


def kill_guardian(field):
    field.driver.kill_guardian(field, field.pair()[0])
    field.hold()


def disk_full(field):
    owner, _ = field.pair()
    field.fill_disk(owner)
    field.driver.poke(field, owner)
    field.hold(10)


def cold_start_alone(field):
    """Both off; each alone. What one node may do alone after a cold start is a matter of its mode, so only noted."""
    field.power_off("n1", "n2")
    for node in ("n1", "n2"):
        time.sleep(1)
        field.power_on(node)
        begun = time.monotonic()
        try:
            kit.wait_until(lambda: field.owners_now() == (node,), COLD_LIMIT, "for the address", 0.02)
            field.note(f"{node} alone answers after {time.monotonic() - begun:.1f} s")
        except kit.ClusterError:
            field.note(f"{node} alone does not answer within {COLD_LIMIT:.0f} s")
        time.sleep(1)
        field.power_off(node)


def rolling_restart(field):
    for node in field.names:
        field.driver.stop(field, node)
        time.sleep(1)
        field.driver.start(field, node)
        field.settle()


def upgrade_in_place(field):
    owner, _ = field.pair()
    for node in field.names:
        if not field.driver.begin_again(field, node):
            raise NothingToDo("its daemon cannot begin again as its successor")
        field.settle()
    if field.owners_now() != (owner,):
        raise kit.ClusterError(f"the address was with {owner}, and now {field.owners_now()} have it")


ALL = (
    Scenario("power-off", "the owner loses power", power_off_owner),
    Scenario("cut", "cut between the two nodes", cut_both_ways),
    Scenario("owner-mute", "one-way cut: the owner is not heard", owner_is_mute),
    Scenario("owner-deaf", "one-way cut: the owner does not hear", owner_is_deaf),
    Scenario("flapping", "cut that flaps, 0.3 s each, for 6 s", cut_that_flaps),
    Scenario("owner-isolated", "the owner is cut from all nodes and the gateway", owner_isolated),
    Scenario("leader-isolated", "the leader, another node than the owner, is cut from all", leader_isolated,
             prepare=part_owner_and_leader),
    Scenario("owner-unreachable", "the owner is cut from everyone, the client too", owner_unreachable),
    Scenario("witness-isolated", "the witness is cut from all", witness_isolated, "witness"),
    Scenario("freeze-machine", "the owner's machine stands still for 12 s", freeze_machine),
    Scenario("freeze-processes", "all processes of the owner stand still for 12 s", freeze_processes),
    Scenario("freeze-daemon", "the owner's daemon stands still for 12 s", freeze_daemon),
    Scenario("freeze-guardian", "the owner's guardian stands still for 12 s", freeze_guardian, "guardian"),
    Scenario("freeze-both", "the owner's daemon and guardian stand still for 12 s", freeze_both, "guardian"),
    Scenario("kill-daemon", "kill -9 of the owner's daemon, for good", kill_daemon),
    Scenario("kill-daemon-back", "kill -9 of the owner's daemon, started again after 0.1 s", kill_daemon_back_at_once),
    Scenario("kill-guardian", "kill -9 of the owner's guardian", kill_guardian, "guardian"),
    Scenario("disk-full", "the owner's /var is full", disk_full),
    Scenario("cold-start", "both lose power; each is started alone", cold_start_alone),
    Scenario("rolling-restart", "the daemons are restarted one after the other", rolling_restart),
    Scenario("reexec", "the daemons become their successors one after the other", upgrade_in_place),
)

CUTS = {"cut", "owner-mute", "owner-deaf", "owner-isolated", "leader-isolated", "owner-unreachable"}
BETWEEN = {"cut", "owner-mute", "owner-deaf"}  # both still reach everybody else
STANDSTILL = {"freeze-machine", "freeze-processes", "freeze-both"}  # only a hardware watchdog ends these
DAEMON_GONE = {"freeze-daemon", "kill-daemon"}  # a guardian ends these


def possible(mode, guarded):
    """The scenarios in which a mode of Systole does not promise a single owner."""
    found = set(STANDSTILL) | (set() if guarded else DAEMON_GONE)
    if mode == "none":
        return found | CUTS | DAEMON_GONE
    return found | BETWEEN if mode == "ping" else found


def expectation(driver, mode, scenario, guarded):
    if driver != "systole":
        return "measured"
    return "possible" if scenario in possible(mode, guarded) else "never two"


def gap_limit_ms(driver, scenario, deadtime_ms):
    """The longest silence of the address that is promised; None: nothing is. Twice: leases may take as long again."""
    return 2 * deadtime_ms + 200 if driver == "systole" and scenario == "power-off" else None

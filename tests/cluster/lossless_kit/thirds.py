# SPDX-License-Identifier: GPL-2.0-or-later
"""Three databases, of which one replica at a time is in sync: what becomes of the other one, the third.

No cluster of three serves with two of its machines off: whoever is lost first returns before the next one is lost."""
import contextlib
import time

import harm
from grounds import kit, rigs

MOMENT = 0.5       # s, shorter than writers wait before their replica is given up
SHORT = 3.0        # s for which the third receives nothing
HELD = 6.0         # s of received writes that wait to be applied
NO_MAJORITY = 5.0  # s for which the third is alone
MAJORITY = 20.0    # s for which it has a majority, and no other database runs
MOVE_LIMIT = 60.0  # s until the third is brought in sync
RETURNED = 15.0    # s for which whoever has returned is watched
INSTANT = 1.0      # s for which two may say that they acknowledge: one of them is just being told
STATUS = ("timeout", "10", "systole", "mysql", "status")


@contextlib.contextmanager
def disks_away(trial, *nodes):
    """The databases' disks of machines that are off; in the end they are there again, and a person says so. A file in
    the place of each keeps a node from making a new database there."""
    places = [trial.cluster.rig.disk(node, "var/lib/mysql") for node in nodes]
    for place in places:
        place.rename(place.with_name("mysql.away"))
        place.touch()
    try:
        yield
    finally:
        for place in places:
            place.unlink()
            place.with_name("mysql.away").rename(place)
        trial.cluster.forget_failures(trial.third)


def never_promoted(trial, node, seconds):
    """Watches; a promotion is wrong whether something was lost by it or not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if trial.cluster.sql(node, "SELECT @@global.read_only") == [["0"]]:
            trial.wrong(f"{node} was promoted ({record_words(trial, node)})")
            return trial.look_for_stale(node)
        time.sleep(0.2)


def record_words(trial, node):
    record = trial.cluster.lineage(node) or {}
    return " ".join(f"{name}={value}" for name, value in record.items()) or "no record"


def says_why(trial, node):
    """The database's own words, for the person who wonders why nobody serves."""
    said = trial.cluster.at(node, *STATUS, check=False).stdout
    reasons = [line.strip() for line in said.splitlines() if "true database" in line or "may lack" in line]
    if reasons:
        trial.note(f"{node} says: {reasons[0]}")
    else:
        trial.wrong(f"{node} does not say why it is not promoted, but: {' / '.join(said.split(chr(10)))[-300:]}")


def lacks_writes(trial, node):
    """One that has everything could be promoted and nothing be lost: that would prove nothing."""
    audit = trial.cluster.verify(settle=0, nodes=[node]).get(node)
    if not audit or not audit["lost"]:
        raise kit.ClusterError(f"{node} lacks no acknowledged write, or does not say")
    trial.note(f"{node} lacks {audit['lost']:,} acknowledged writes")


def waits(trial):
    """Primary and in-sync replica lose power; the third lacks their last writes. Their machines return, and give the
    third a majority, before their disks do."""
    trial.harm()
    with harm.replication_cut(trial, [trial.third]):
        trial.hold(SHORT)
        trial.power_off(trial.primary, trial.replica)
    with disks_away(trial, trial.primary, trial.replica):
        never_promoted(trial, trial.third, NO_MAJORITY)
        trial.power_on(trial.primary, trial.replica)
        never_promoted(trial, trial.third, MAJORITY)
        lacks_writes(trial, trial.third)
        says_why(trial, trial.third)
    trial.served = False
    trial.healed()


def position(trial, node, name):
    """What this replica has received (Gtid_IO_Pos) or applied (gtid_slave_pos): the number of its last transaction."""
    if name == "gtid_slave_pos":
        text = trial.ask(node, "SELECT @@global.gtid_slave_pos")[0][0]
    else:
        rows = trial.cluster.at(node, "timeout", "3", *kit.MARIADB, "-e", "SHOW SLAVE STATUS\\G").stdout.splitlines()
        text = next((row.split(":", 1)[1] for row in rows if row.strip().startswith(f"{name}:")), "")
    return max((int(gtid.rsplit("-", 1)[1]) for gtid in text.strip().split(",") if gtid.strip()), default=0)


def ahead_of_the_in_sync(trial):
    """The third has applied more than the in-sync replica, which has received more. Then the primary's machine dies."""
    trial.harm()
    lock = harm.lock_table(trial, trial.replica, "READ", HELD + 60)
    harm.backlog(trial, trial.replica, HELD)
    with harm.replication_cut(trial, [trial.third]):
        trial.hold(SHORT)
        applied = [position(trial, node, "gtid_slave_pos") for node in (trial.replica, trial.third)]
        received = [position(trial, node, "Gtid_IO_Pos") for node in (trial.replica, trial.third)]
        trial.note(f"{trial.replica} in sync: received {received[0]}, applied {applied[0]}; "
                   f"{trial.third}: received {received[1]}, applied {applied[1]}")
        if not applied[0] < applied[1] <= received[1] < received[0]:
            raise kit.ClusterError(f"{trial.third} is not ahead of {trial.replica} in one way and behind in the other")
        trial.power_off(trial.primary)
    never_promoted(trial, trial.third, HELD)
    harm.release(trial, lock)
    trial.someone_serves([trial.replica], 40)
    never_promoted(trial, trial.third, SHORT)
    trial.power_on(trial.primary)
    trial.healed()


def third_has_too_much(trial):
    """The in-sync replica hears nothing for a moment, so nothing is acknowledged; the third receives and applies it all
    the same. Then the primary's machine dies."""
    trial.harm()
    with harm.replication_cut(trial, [trial.replica]):
        trial.hold(MOMENT)
        trial.power_off(trial.primary)
        received = position(trial, trial.replica, "Gtid_IO_Pos")
        applied = position(trial, trial.third, "gtid_slave_pos")
    trial.note(f"{trial.replica} in sync received {received}, {trial.third} applied {applied}")
    if applied <= received:
        raise kit.ClusterError(f"{trial.third} has nothing that {trial.replica} has not")
    trial.someone_serves([trial.replica], 40)
    trial.hold(3)
    trial.power_on(trial.primary)
    trial.healed()


def third_is_brought_in_sync(trial, since):
    """By its own account, the record's and the primary's."""
    def done():
        record = trial.cluster.lineage(trial.primary)
        return (record is not None and (record["p"], record["s"]) == (trial.primary, trial.third)
                and trial.cluster.acknowledges(trial.third))
    try:
        kit.wait_until(done, MOVE_LIMIT, f"for {trial.third} to be brought in sync", 0.1)
    except kit.ClusterError as error:
        clients = trial.cluster.semi_sync_clients(trial.primary)
        raise kit.ClusterError(f"{error}: {record_words(trial, trial.primary)}, {clients} acknowledge") from None
    trial.note(f"{trial.third} in sync {time.monotonic() - since:.1f} s later ({record_words(trial, trial.primary)})")


def third_takes_over(trial):
    """The first one lost is back; now the primary's machine dies."""
    kit.wait_until(lambda: trial.cluster.role(trial.replica) == "replica", MOVE_LIMIT,
                   f"for {trial.replica} to replicate again", 0.1)
    trial.power_off(trial.primary)
    trial.someone_serves([trial.third])
    trial.hold(3)
    trial.power_on(trial.primary)
    trial.healed()


def lose_the_in_sync(trial):
    """Its machine dies, the third takes its place in sync, and then the primary's."""
    trial.harm()
    trial.power_off(trial.replica)
    trial.someone_serves([trial.primary])
    third_is_brought_in_sync(trial, trial.began)
    trial.power_on(trial.replica)
    third_takes_over(trial)


def one_acknowledges(trial, seconds):
    """Watches whoever has returned: two that acknowledge are one too many, and in the end the primary counts one."""
    begin = time.monotonic()
    both_since, longest = None, 0.0
    while time.monotonic() < begin + seconds:
        both = all(trial.cluster.acknowledges(node) for node in (trial.replica, trial.third))
        now = time.monotonic()
        both_since = (both_since or now) if both else None
        longest = max(longest, now - both_since if both_since else 0.0)
        time.sleep(0.05)
    clients = trial.cluster.semi_sync_clients(trial.primary)
    trial.note(f"{trial.replica} is back: both said for {longest:.1f} s that they acknowledge; in the end {clients} do")
    if longest > INSTANT:
        trial.wrong(f"{trial.replica} and {trial.third} acknowledged for {longest:.1f} s")
    if clients != 1:
        trial.wrong(f"{trial.primary} counts {clients} replicas that acknowledge")


def returning_in_sync(trial):
    """It is cut off from everything until the third has taken its place in sync; then it returns."""
    trial.harm()
    trial.cluster.rig.cut(trial.replica)
    trial.someone_serves([trial.primary])
    third_is_brought_in_sync(trial, trial.began)
    trial.cluster.rig.heal(trial.replica)
    one_acknowledges(trial, RETURNED)
    third_takes_over(trial)


def unheard_in_sync(trial):
    """The same, but it stays a member all the time, and its server runs on: replication alone is cut."""
    trial.harm()
    with harm.replication_cut(trial, [trial.replica]):
        trial.someone_serves([trial.primary])
        third_is_brought_in_sync(trial, trial.began)
    one_acknowledges(trial, RETURNED)
    third_takes_over(trial)


def waking_in_sync(trial):
    """The same, but its machine stands still and wakes with the connection that it had."""
    trial.harm()
    trial.cluster.rig.pause(trial.replica)
    try:
        trial.someone_serves([trial.primary])
        third_is_brought_in_sync(trial, trial.began)
    finally:
        with contextlib.suppress(rigs.RigError):
            trial.cluster.rig.resume(trial.replica)
    one_acknowledges(trial, RETURNED)
    third_takes_over(trial)

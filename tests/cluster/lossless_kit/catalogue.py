# SPDX-License-Identifier: GPL-2.0-or-later
"""All scenarios, and what each may cost. See promise.py for the words.

lossless: no acknowledged write is lost, whatever happens. crash-safe: none is lost by a crash or the power-off of one
machine; what a cut of all links may cost is only counted. available: a primary does not wait for its replica."""
import dataclasses
import typing

import cold
import crashes
import cuts
import returns
import strain
import thirds
from promise import COUNTED, KEPT, REFUSE, Promise, always


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    run: typing.Callable
    promise: Promise
    small_disk: bool = False  # needs nodes whose /var is a small file system of its own
    spoils: bool = False      # leaves a cluster that nobody should go on with
    databases: tuple = (2,)   # with how many it is tried


ANY = (2, 3)
ALL = (
    Scenario("kill-server", "kill -9 of the primary's server", crashes.kill_primary_server, Promise(KEPT, KEPT),
             databases=ANY),
    Scenario("power-primary", "the primary's machine loses power", crashes.power_off_primary, Promise(KEPT, KEPT),
             databases=ANY),
    Scenario("power-replica", "the replica's machine loses power", crashes.power_off_replica, always(KEPT),
             databases=ANY),
    Scenario("stop-replica-server", "the replica's server stands still for 12 s", crashes.freeze_replica_server,
             always(KEPT, stays=True), databases=ANY),
    Scenario("flap-replica", "kill -9 of the replica's server, 5 times in 20 s", crashes.flap_replica_server,
             always(KEPT, stays=True), databases=ANY),
    Scenario("drain", "the replica has 10 s to apply when the primary's machine dies", crashes.drain,
             Promise(KEPT, KEPT), databases=ANY),
    Scenario("drain-restart", "the same, and then the replica's server dies too", crashes.drain_restart,
             Promise(REFUSE, COUNTED)),
    Scenario("drain-restarted", "the replica's server was just restarted when the primary's machine dies",
             crashes.drain_restarted, Promise(REFUSE, REFUSE)),
    Scenario("kill-both", "kill -9 of both servers at once", crashes.kill_both_servers, Promise(KEPT, KEPT),
             databases=ANY),
    Scenario("cut-replication-then-kill", "replication alone is cut for 3 s, then the primary's machine dies",
             cuts.cut_replication_then_power_off, Promise(REFUSE, REFUSE)),
    Scenario("cut-all", "all links of the primary are cut for 10 s", cuts.cut_everything, Promise(REFUSE, COUNTED)),
    Scenario("isolated-returns", "the primary loses all nodes but not its clients for 10 s, three times",
             cuts.isolated_returns, Promise(REFUSE, COUNTED)),
    Scenario("cold-start-a-alone", "A off, B promoted, B off, A returns alone, then B", cold.old_primary_alone,
             Promise(KEPT, KEPT)),
    Scenario("cold-start-primary-first", "both lose power; the primary returns 8 s before the replica",
             cold.primary_first, Promise(KEPT, KEPT)),
    Scenario("cold-start-replica-first", "both lose power; the replica returns 8 s before the primary",
             cold.replica_first, Promise(KEPT, KEPT)),
    Scenario("kill-query", "KILL QUERY of commits that wait for the replica", cuts.kill_query,
             Promise(KEPT, KEPT, says=True)),
    Scenario("switch-over", "planned switch-overs", strain.switch_overs, always(KEPT), databases=ANY),
    Scenario("switch-over-helpers-killed", "the same, and the helpers are killed in each",
             strain.switch_overs_without_helpers, always(KEPT)),
    Scenario("sigstop-primary-server", "the primary's server stands still for 12 s", crashes.freeze_primary_server,
             Promise(KEPT, KEPT, gap_limit_ms=20_000)),
    Scenario("disk-full", "the primary's disk is full", strain.disk_full, Promise(REFUSE, REFUSE), small_disk=True,
             spoils=True),
    Scenario("too-many-connections", "idle clients hold all connections for 15 s", strain.too_many_connections,
             always(KEPT, stays=True)),
    Scenario("metadata-lock", "the table is locked on the primary for 15 s", strain.metadata_lock,
             always(KEPT, stays=True)),
    Scenario("broken-replica", "the replica's applier has stopped when the primary's machine dies",
             crashes.broken_replica, Promise(REFUSE, REFUSE), spoils=True),
    Scenario("errant-rows", "rows are written to the replica, which the primary never had", returns.errant_rows,
             always(KEPT, stays=True), databases=ANY),
    Scenario("errant-table", "a table is made on the replica, which the primary never had", returns.errant_table,
             always(KEPT, stays=True), databases=ANY),
    Scenario("donor-dies", "the same, and the primary's machine loses power while it gives the replica a new copy",
             returns.donor_dies, Promise(REFUSE, REFUSE)),
    Scenario("empty-disk", "the replica's machine comes back with an empty disk", returns.empty_disk, always(KEPT),
             databases=ANY),
    Scenario("third-waits", "primary and in-sync replica lose power, and return without their disks", thirds.waits,
             Promise(REFUSE, REFUSE), databases=(3,)),
    Scenario("ahead-of-the-in-sync", "the third has applied more, the in-sync replica received more; the primary dies",
             thirds.ahead_of_the_in_sync, Promise(KEPT, KEPT), databases=(3,)),
    Scenario("third-has-too-much", "the third has what the in-sync replica never received; the primary dies",
             thirds.third_has_too_much, Promise(KEPT, KEPT), databases=(3,)),
    Scenario("lose-the-in-sync", "the in-sync replica's machine dies, the third takes its place, the primary's dies",
             thirds.lose_the_in_sync, Promise(KEPT, KEPT), databases=(3,)),
    Scenario("returning-in-sync", "the in-sync replica is cut off, loses its place, returns; the primary dies",
             thirds.returning_in_sync, Promise(KEPT, KEPT), databases=(3,)),
    Scenario("unheard-in-sync", "the same, but its replication alone is cut", thirds.unheard_in_sync,
             Promise(KEPT, KEPT), databases=(3,)),
    Scenario("waking-in-sync", "the same, but its machine stands still and wakes", thirds.waking_in_sync,
             Promise(KEPT, KEPT), databases=(3,)),
)


def chosen(names, databases=2):
    """In the order of ALL; KeyError names what there is not with so many databases. Without names: all."""
    fit = [s for s in ALL if databases in s.databases]
    unknown = sorted(set(names) - {s.name for s in fit})
    if unknown:
        raise KeyError(unknown[0])
    return [s for s in fit if not names or s.name in names]

# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways to lose data on purpose, to show that the demo's audit can fail. None of them is in the product: each is done to
it from outside, as a careless person could. The faults that come with them are harmless to an untouched cluster."""

# Stands in the place of the agent on every node: forgets the received but unapplied part of the relay log just before
# the real agent promotes.
NO_DRAIN_WRAPPER = """#!/bin/sh
if [ "$1" = promote ]; then
  timeout 30 mariadb --no-defaults -S /run/mysqld/mysqld.sock -e 'STOP SLAVE; RESET SLAVE ALL'
fi
exec "$0-real" "$@"
"""

KEEP_ASYNC = """while :; do
  mariadb --no-defaults -S /run/mysqld/mysqld.sock -e 'SET GLOBAL rpl_semi_sync_master_enabled=OFF'
  sleep 0.05
done"""

KEEP_WRITABLE = """while :; do
  mariadb --no-defaults -S /run/mysqld/mysqld.sock -e 'SET GLOBAL read_only=OFF'
  ip addr add {vip}/24 dev eth0
  sleep 0.05
done"""

ABOUT = {
    "async": "the primary no longer waits for its replica, and the replica's last second is lost with it",
    "no-drain": "the replica is promoted without applying what it has received",
    "two-writers": "the replica is made writable and takes the address too, beside the primary",
}


def wrappers(kind):
    return {"mysql": NO_DRAIN_WRAPPER} if kind == "no-drain" else {}


def drop_replication(cluster, replica, primary):
    """The replica no longer hears the primary's database; the cluster's own packets pass."""
    rules = (f"table inet sabotage {{\n chain input {{\n  type filter hook input priority 0;\n"
             f"  ip saddr {cluster.rig.address(primary)} tcp sport {{ 3306, 3307 }} drop\n }}\n}}\n")
    cluster.at(replica, "nft", "-f", "-", data=rules)


def hold_applier(cluster, replica, seconds):
    """The replica receives, and for so many seconds applies nothing."""
    cluster.background(f"hold-{replica}", replica, "mariadb", "--no-defaults", "-S", "/run/mysqld/mysqld.sock", "-e",
                       f"LOCK TABLES demo.ledger WRITE; DO SLEEP({seconds})")


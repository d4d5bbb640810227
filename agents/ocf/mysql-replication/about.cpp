// SPDX-License-Identifier: GPL-2.0-or-later
// The parameter table. Its texts are the manual: they say what a value costs.
#include "agents/ocf/mysql-replication/settings.hpp"

namespace systole::mysql_replication {

namespace {

using agents::About;
using agents::Action;
using agents::Param;
using agents::ParamType;

std::vector<Param> server_params() {
  return {
      {.name = "state",
       .unique = true,
       .brief = "State file",
       .about = "Is there while the resource runs, and holds what the agent remembers from one monitor to the next. "
                "Without it: systole-mysql-replication-NAME.state in /run/resource-agents."},
      {.name = "socket",
       .unique = true,
       .brief = "The server's unix socket",
       .about = "Without it the first that exists of /run/mysqld/mysqld.sock, /var/lib/mysql/mysql.sock, "
                "/var/run/mysql/mysql.sock and /tmp/mysql.sock."},
      {.name = "pid",
       .brief = "The server's pid file",
       .about = "Not needed. With it a server that is not there and one that does not listen are told apart in words."},
      {.name = "user",
       .fallback = "root",
       .reloadable = true,
       .brief = "User of local statements",
       .about =
           "User with which the agent asks its own server over the unix socket. It needs SLAVE MONITOR, BINLOG MONITOR "
           "and PROCESS; to repair, REPLICATION SLAVE ADMIN, CONNECTION ADMIN and RELOAD as well; with heartbeat=true "
           "SELECT, INSERT, UPDATE, DELETE and CREATE on the table's database and BINLOG ADMIN. Better not READ_ONLY "
           "ADMIN: without it the server itself guards a replica against our heartbeat."},
      {.name = "password",
       .reloadable = true,
       .brief = "Password of user",
       .about = "It stands in the cluster's configuration for all who may read that; root with the plugin unix_socket "
                "needs none, and credentials keeps it on the node."},
      {.name = "credentials",
       .reloadable = true,
       .brief = "File with users and passwords",
       .about = "Option file of this node with the sections [systole-control] (in place of user and password) and "
                "[systole-replication] (replication_user and replication_passwd), each with user= and password=. It "
                "must belong to root and nobody else may have rights on it (chmod 600).",
       .example = "/etc/mysql/systole.cnf"},
      {.name = "client_binary",
       .brief = "No effect: the agent needs no client program",
       .about = "Understood so that configurations of mysql_monitor can be taken over."},
      {.name = "sql_timeout",
       .type = ParamType::time,
       .fallback = "5s",
       .reloadable = true,
       .brief = "Longest wait for the server's answers",
       .about = "A server that does not answer for so long loses its readers."},
  };
}

std::vector<Param> attribute_params() {
  return {
      {.name = "cluster_type",
       .fallback = "replication",
       .reloadable = true,
       .brief = "replication, read-only or pxc",
       .about =
           "replication: a writable server serves readers, a read-only one while it replicates, is not too far behind "
           "and has no error that puts its data in doubt. read-only: every server that answers serves readers. pxc: a "
           "Galera node serves readers and writers while its group counts it as synced.",
       .choices = {"replication", "read-only", "pxc"}},
      {.name = "reader_attribute",
       .fallback = "readable",
       .unique = true,
       .brief = "Node attribute that says whether clients may read here",
       .about = "reader_failcount where they may, else 0; for location rules of reader addresses. Beside "
                "ocf:systole:mysql, which sets one of its own, give one of the two another name."},
      {.name = "writer_attribute",
       .fallback = "writable",
       .unique = true,
       .brief = "Node attribute that says whether the server is writable",
       .about = "1 where read_only is off, else 0."},
      {.name = "reader_failcount",
       .type = ParamType::integer,
       .fallback = "1",
       .reloadable = true,
       .brief = "Value of reader_attribute of a good server",
       .about = "Each monitor that finds a fault takes one off, down to 0: with 3, readers go at the third.",
       .least = 1,
       .greatest = 1000},
      {.name = "promotion_score_of",
       .brief = "The promotable resource whose scores are set",
       .about = "The promotion score of that resource on this node becomes 1000 for a writable server, 100 for a good "
                "replica, 5 for one that is too far behind, and -INFINITY for one whose data is in doubt. Not for a "
                "resource of ocf:systole:mysql, which keeps its scores itself. Without it no score is set."},
      {.name = "fault_code",
       .fallback = "degraded",
       .reloadable = true,
       .brief = "What a monitor returns when the server is down or its data in doubt",
       .about =
           "degraded: 190, which the manager shows and takes for running. ok: 0, as mysql_monitor; only the log and "
           "the attributes tell. failed: 1; the manager restarts this resource, which does not mend the server, and "
           "may ban it from the node. An error of the connection to the primary is never a fault of the replica.",
       .choices = {"degraded", "ok", "failed"}},
  };
}

std::vector<Param> lag_params() {
  return {
      {.name = "max_slave_lag",
       .type = ParamType::time,
       .fallback = "3600",
       .reloadable = true,
       .brief = "How far a replica with readers may be behind",
       .about =
           "In seconds or with a unit (800ms). A replica further behind loses its readers, unless it is the last one "
           "that has any: readers of old rows are better off than readers of none. Below a second heartbeat is "
           "needed. While the primary is not reached, the time since then counts.",
       .example = "30s"},
      {.name = "return_slave_lag",
       .type = ParamType::time,
       .reloadable = true,
       .brief = "From which lag on readers return",
       .about = "Without it four fifths of max_slave_lag."},
      {.name = "dwell",
       .type = ParamType::time,
       .fallback = "10s",
       .reloadable = true,
       .brief = "Shortest time between two changes",
       .about =
           "Readers that went return after so long at the earliest, and lag takes them away again after so long at the "
           "earliest; a thread that stands still without an error is started after so long. Errors act at once."},
      {.name = "heartbeat",
       .type = ParamType::boolean,
       .fallback = "false",
       .reloadable = true,
       .brief = "Measure lag by a row that the primary writes",
       .about =
           "On the writable server a resident process writes the time into heartbeat_table; a replica's lag is the age "
           "of the row that it has applied, in milliseconds, also where the server's own Seconds_Behind_Master is "
           "0 or NULL. Its price is a transaction each heartbeat_interval: a flush of the primary's disk, some 360 "
           "bytes of binary log and a GTID, day and night; where commits wait for a replica, it waits with them. The "
           "same on all nodes."},
      {.name = "heartbeat_interval",
       .type = ParamType::time,
       .fallback = "500ms",
       .reloadable = true,
       .brief = "How often the row is written",
       .about = "A lag below it cannot be told from none. At least 100ms."},
      {.name = "heartbeat_table",
       .fallback = "systole.heartbeat",
       .brief = "Table of the heartbeat",
       .about = "Database and table; made on the primary where it is missing. One row for each server_id."},
      {.name = "read_delayed",
       .type = ParamType::boolean,
       .fallback = "false",
       .reloadable = true,
       .brief = "Readers on replicas that are late on purpose",
       .about = "A replica with MASTER_DELAY serves readers too; its lag then counts from that delay on."},
      {.name = "promote_delayed",
       .type = ParamType::boolean,
       .fallback = "false",
       .reloadable = true,
       .brief = "Replicas that are late on purpose may be promoted",
       .about = "With promotion_score_of. Without it their score is -INFINITY."},
      {.name = "semi_sync",
       .fallback = "ignore",
       .reloadable = true,
       .brief = "Whether a replica must acknowledge commits",
       .about = "expected: a replica that follows its primary and does not acknowledge is told of, and its promotion "
                "score is 5. ignore: it is not. Semi-synchronous replication is never switched by this agent.",
       .choices = {"ignore", "expected"}},
  };
}

std::vector<Param> repair_params() {
  return {
      {.name = "repair",
       .fallback = "reconnect",
       .reloadable = true,
       .brief = "none, reconnect or setup",
       .about =
           "reconnect: threads that stand still are started again, in the order that loses nothing of what was "
           "received, with growing pauses; a relay log that is damaged is fetched again when the primary is known to "
           "have all of it; an account that the primary refuses is replaced by replication_user; and see repair_rows. "
           "setup: also "
           "replication is set up, by GTID, from the partner that is writable, where there is none or it follows "
           "somebody else; refused where the histories differ. none: nothing is touched. A transaction is never "
           "skipped.",
       .choices = {"none", "reconnect", "setup"}},
      {.name = "repair_rows",
       .fallback = "identical",
       .reloadable = true,
       .brief = "Whether an applier that met a duplicate or missing row may go on",
       .about =
           "identical: where the relay log proves that the row that is there equals, in every column, the one to be "
           "inserted, it is removed, unlogged, so that the transaction inserts it; a missing row that is to be deleted "
           "is put back for that. Only for transactions that do nothing else, InnoDB tables with a primary key and "
           "without triggers and foreign keys, complete row images, and columns of whole numbers, strings and blobs. "
           "user needs BINLOG ADMIN, READ_ONLY ADMIN and rights on the table, and the agent must be able to read the "
           "relay log. none: a person has to look each time.",
       .choices = {"identical", "none"}},
      {.name = "repair_limit",
       .type = ParamType::integer,
       .fallback = "10",
       .reloadable = true,
       .brief = "Repairs in an hour",
       .about = "After so many a person has to look.",
       .least = 0,
       .greatest = 1000},
  };
}

std::vector<Param> partner_params() {
  return {
      {.name = "partners",
       .reloadable = true,
       .brief = "Addresses of the servers among which the primary is",
       .about = "Blank-separated, the same on all nodes; with repair=setup. The one that is writable is followed, and "
                "nobody when there are two.",
       .example = "192.0.2.1 192.0.2.2"},
      {.name = "primary_from",
       .reloadable = true,
       .brief = "A resource that publishes the primary's address",
       .about = "With repair=setup: a resource of ocf:systole:mysql, ocf:heartbeat:mysql or ocf:heartbeat:mariadb, "
                "which keeps its primary's address in the cluster's configuration as NAME_REPL_INFO."},
      {.name = "replication_user",
       .reloadable = true,
       .brief = "Replication user",
       .about = "User with which a replica connects to the primary (REPLICATION SLAVE). With it the agent itself asks "
                "the primary, each minute: how far the clocks differ, and whether this replica has transactions that "
                "the primary never had. Repairs other than a start of threads need it."},
      {.name = "replication_passwd", .reloadable = true, .brief = "Password of replication_user"},
      {.name = "replication_port",
       .type = ParamType::integer,
       .fallback = "3306",
       .reloadable = true,
       .brief = "TCP port of the partners",
       .least = 1,
       .greatest = 65535},
      {.name = "replication_require_ssl",
       .type = ParamType::boolean,
       .fallback = "false",
       .reloadable = true,
       .brief = "Replication connections must be encrypted"},
      {.name = "replication_master_ssl_ca",
       .reloadable = true,
       .brief = "File of the authority that signed the primary's certificate"},
      {.name = "replication_master_ssl_cert", .reloadable = true, .brief = "File of the replica's certificate"},
      {.name = "replication_master_ssl_key", .reloadable = true, .brief = "File of the replica's private key"},
  };
}

About make_about() {
  About about{
      .name = "mysql-replication",
      .version = "0.1",
      .brief = "Whether a MariaDB server's replication can be relied upon",
      .about =
          "Watches the replication of a MariaDB server (10.5 or later; experimental: MySQL 5.7 to 8.4) that somebody "
          "else starts and stops: init, systemd or another agent. Best run as a clone. It sets a node attribute that "
          "says whether clients may read "
          "here, and on demand promotion scores; measures lag; takes readers away from a replica that is too far "
          "behind, but never the last ones for lag alone; keeps replicas whose data is in doubt from readers and "
          "promotion; and starts again what stands still where that can lose nothing. It never starts or stops the "
          "server: start begins to watch, stop ends it and withdraws what was said.",
      .params = server_params(),
      .actions = {{.name = "start", .timeout = "20s"},
                  {.name = "stop", .timeout = "20s"},
                  {.name = "reload-agent", .timeout = "20s"},
                  {.name = "status", .timeout = "20s"},
                  {.name = "monitor", .timeout = "20s", .interval = "2s", .depth = "0"},
                  {.name = "validate-all", .timeout = "5s"},
                  {.name = "meta-data", .timeout = "5s"}}};
  for (auto* const more : {attribute_params, lag_params, repair_params, partner_params})
    for (Param& param : more()) about.params.push_back(std::move(param));
  return about;
}

}  // namespace

const About& about_replication() {
  static const About about = make_about();
  return about;
}

}  // namespace systole::mysql_replication

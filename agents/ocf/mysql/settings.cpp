// SPDX-License-Identifier: GPL-2.0-or-later
// The parameter table. Its texts are the manual: they say what a value costs.
#include "agents/ocf/mysql/settings.hpp"

#include <unistd.h>

#include <array>
#include <limits>

#include "agents/ocf/mysql/options.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

using agents::About;
using agents::Action;
using agents::Param;
using agents::ParamType;

std::vector<Param> server_params() {
  return {
      {.name = "binary",
       .brief = "MariaDB server binary",
       .about = "The server, mariadbd or mysqld; without it the first of /usr/sbin/mariadbd, /usr/sbin/mysqld, "
                "/usr/libexec/mariadbd and /usr/libexec/mysqld. mysqld_safe is replaced by the server itself, with a "
                "warning: it would restart a dead server behind the cluster's back."},
      {.name = "config",
       .fallback = "/etc/my.cnf",
       .brief = "Configuration file",
       .about = "The server's configuration file (--defaults-file). When the default does not exist, "
                "/etc/mysql/my.cnf is used."},
      {.name = "datadir", .fallback = "/var/lib/mysql", .unique = true, .brief = "Directory of the databases"},
      {.name = "user", .fallback = "mysql", .brief = "User that the server runs as"},
      {.name = "group", .fallback = "mysql", .brief = "Group that owns the directories made for the server"},
      {.name = "log", .fallback = "/var/log/mysqld.log", .brief = "The server's error log"},
      {.name = "pid", .fallback = "/var/run/mysql/mysqld.pid", .unique = true, .brief = "The server's pid file"},
      {.name = "socket", .fallback = "/var/lib/mysql/mysql.sock", .unique = true, .brief = "The server's unix socket"},
      {.name = "additional_parameters",
       .brief = "Further options of the server",
       .about =
           "Words added to the server's command line. What keeps the data safe (read-only at start, skip-slave-start, "
           "gtid-strict-mode, log-slave-updates, sync-binlog, the semi-sync options) cannot be overruled here."},
      {.name = "test_user",
       .fallback = "root",
       .brief = "User of local statements",
       .about = "User with which the agent works on its own server over the unix socket. It needs what root has; with "
                "the authentication plugin unix_socket it needs no password. When it is refused, replication_user is "
                "tried."},
      {.name = "test_passwd", .brief = "Password of test_user"},
      {.name = "test_table",
       .fallback = "mysql.user",
       .brief = "Table to read in a deep monitor",
       .about = "A monitor with OCF_CHECK_LEVEL 10 or more reads one row of this table; failing to is a failure."},
      {.name = "sql_timeout",
       .type = ParamType::time,
       .fallback = "5s",
       .brief = "Longest wait for one answer",
       .about = "How long the agent waits for one answer of the server. A monitor whose server does not answer for "
                "so long fails."},
  };
}

std::vector<Param> replication_params() {
  return {
      {.name = "replication_user",
       .fallback = "root",
       .brief = "Replication user",
       .about =
           "User with which a replica connects to the primary. It must exist, with the same password and REPLICATION "
           "SLAVE, for connections from every node."},
      {.name = "replication_passwd", .brief = "Password of replication_user"},
      {.name = "replication_port",
       .type = ParamType::integer,
       .fallback = "3306",
       .brief = "TCP port of the primary",
       .least = 1,
       .greatest = 65535},
      {.name = "replication_require_ssl",
       .type = ParamType::boolean,
       .fallback = "false",
       .brief = "Replication connections must be encrypted"},
      {.name = "replication_master_ssl_ca", .brief = "File of the authority that signed the primary's certificate"},
      {.name = "replication_master_ssl_cert", .brief = "File of the replica's certificate"},
      {.name = "replication_master_ssl_key", .brief = "File of the replica's private key"},
      {.name = "max_slave_lag",
       .type = ParamType::integer,
       .fallback = "3600",
       .brief = "Seconds a replica may be behind",
       .about =
           "A replica further behind than this many seconds loses its reader attribute, and is promoted only when no "
           "better one is left (it then first applies all that it has received).",
       .least = 0,
       .greatest = 31'536'000},
      {.name = "reader_attribute",
       .fallback = "readable",
       .unique = true,
       .brief = "Node attribute that says whether clients may read here",
       .about =
           "1 on the primary and on replicas that follow it closely, else 0; for location rules of reader addresses."},
      {.name = "durability",
       .fallback = "auto",
       .brief = "lossless, crash-safe, available or auto",
       .about =
           "lossless: a write that was acknowledged is never lost; a primary whose replica is lost lets writers wait "
           "until it is proven that the replica is out. crash-safe: the same for every single crash and power-off, but "
           "the silence of a node counts as proof, so that a cut of all links may cost writes. available: writers wait "
           "semi_sync_timeout for a replica, then the primary works alone, and a primary that dies in that time loses "
           "what no replica received. auto: lossless where three or more votes or fencing can prove that a node is "
           "out, else crash-safe.",
       .choices = {"auto", "lossless", "crash-safe", "available"}},
      {.name = "ack_timeout",
       .type = ParamType::time,
       .fallback = "1s",
       .brief = "How long a commit waits before a way out is looked for",
       .about =
           "With durability lossless or crash-safe: a commit that waits longer than this for its replica makes the "
           "primary look for proof that the replica is out, and go on without it then."},
      {.name = "semi_sync",
       .type = ParamType::boolean,
       .fallback = "true",
       .brief = "Commits wait for a replica",
       .about = "The primary acknowledges a commit only after a connected replica has received it (semi-synchronous, "
                "AFTER_SYNC). Without it durability is available at best, and nothing waits for a replica."},
      {.name = "semi_sync_timeout",
       .type = ParamType::time,
       .fallback = "1s",
       .brief = "How long a commit waits for a replica",
       .about =
           "With durability=available. When a replica dies, commits wait this long, then the primary goes on alone and "
           "replication is "
           "asynchronous until a replica is back. That is a choice for availability: a cluster of two must survive the "
           "replica's death, and what is committed after it is on one machine only. A primary that dies within that "
           "time of asynchronous work loses what no replica received."},
  };
}

std::vector<Action> actions() {
  return {
      {.name = "start", .timeout = "120s"},
      {.name = "stop", .timeout = "120s"},
      {.name = "status", .timeout = "60s"},
      {.name = "monitor", .timeout = "30s", .interval = "20s"},
      {.name = "monitor", .timeout = "30s", .interval = "10s", .role = "Promoted"},
      {.name = "monitor", .timeout = "30s", .interval = "11s", .role = "Unpromoted"},
      {.name = "promote", .timeout = "120s"},
      {.name = "demote", .timeout = "120s"},
      {.name = "notify", .timeout = "90s"},
      {.name = "validate-all", .timeout = "5s"},
      {.name = "meta-data", .timeout = "5s"},
  };
}

About make_about() {
  About about{
      .name = "mysql",
      .version = "0.1",
      .brief = "MariaDB server, alone or as primary and replicas",
      .about =
          "Runs one MariaDB server (10.11 or later). As a promotable clone with notify=true it keeps one "
          "primary and its replicas: replication by GTID is set up by the agent, a replica applies all it has "
          "received before it is promoted, and a primary that comes back joins as a replica when its history "
          "allows it. A node's replication address is its permanent node attribute "
          "<resource>_mysql_master_IP, or else its name. The agent gives its server a new server_id at each start "
          "and promotion. What the settings here do not promise: after the loss of a replica, commits are on "
          "one machine until it is back (see semi_sync_timeout).",
      .params = server_params(),
      .actions = actions()};
  for (Param& param : replication_params()) about.params.push_back(std::move(param));
  return about;
}

std::string first_existing(const std::vector<std::string>& paths) {
  for (const std::string& path : paths)
    if (::access(path.c_str(), X_OK) == 0) return path;
  return paths.front();
}

std::string default_binary() {
  return first_existing({"/usr/sbin/mariadbd", "/usr/sbin/mysqld", "/usr/libexec/mariadbd", "/usr/libexec/mysqld"});
}

}  // namespace

const About& about_mysql() {
  static const About about = make_about();
  return about;
}

long Settings::commit_wait_ms() const {
  // The helper decides when a commit has waited long enough, never the server.
  return keeps_record() ? std::numeric_limits<long>::max() : semi_sync_timeout_ms;
}

Settings settings_from(const agents::Values& values) {
  Settings settings;
  settings.binary = values.given("binary") ? values.text("binary") : default_binary();
  if (is_safe_wrapper(settings.binary)) {
    settings.binary_was_wrapper = true;
    settings.binary = default_binary();
  }
  settings.config = values.text("config");
  if (!values.given("config") && ::access(settings.config.c_str(), F_OK) != 0) settings.config = "/etc/mysql/my.cnf";
  const std::array<std::pair<std::string_view, std::string*>, 8> texts{
      {{"datadir", &settings.datadir},
       {"user", &settings.user},
       {"group", &settings.group},
       {"log", &settings.log},
       {"pid", &settings.pid},
       {"socket", &settings.socket},
       {"test_table", &settings.test_table},
       {"reader_attribute", &settings.reader_attribute}}};
  for (const auto& [name, target] : texts) *target = values.text(name);
  settings.additional = words(values.text("additional_parameters"));
  settings.control = {.user = values.text("test_user"), .password = values.text("test_passwd")};
  settings.replication = {.user = values.text("replication_user"), .password = values.text("replication_passwd")};
  settings.replication_port = static_cast<unsigned>(values.number("replication_port"));
  settings.tls = {.required = values.flag("replication_require_ssl"),
                  .ca = values.text("replication_master_ssl_ca"),
                  .cert = values.text("replication_master_ssl_cert"),
                  .key = values.text("replication_master_ssl_key")};
  settings.max_slave_lag_s = static_cast<long>(values.number("max_slave_lag"));
  settings.semi_sync = values.flag("semi_sync");
  settings.semi_sync_timeout_ms = static_cast<long>(to_ms(values.time("semi_sync_timeout")));
  settings.sql_timeout = values.time("sql_timeout");
  settings.durability = parse_durability(values.text("durability"));
  settings.ack_timeout = std::max<Duration>(values.time("ack_timeout"), 100ms);
  return settings;
}

Settings settings_of(const agents::Call& call) {
  Settings settings = settings_from(call.params());
  settings.promotable = call.meta().is_promotable();
  return settings;
}

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// The parameter table. Its texts are the manual: they say what a value costs.
#include "agents/ocf/mysql/settings.hpp"

#include <fmt/format.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <limits>

#include "agents/ocf/mysql/credentials.hpp"
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
       .about = "The server, mariadbd or mysqld, by path or name; without it the first of /usr/sbin/mariadbd, "
                "/usr/sbin/mysqld, /usr/libexec/mariadbd and /usr/libexec/mysqld. mysqld_safe is replaced by the "
                "server itself, with a "
                "warning: it would restart a dead server behind the cluster's back."},
      {.name = "client_binary",
       .fallback = "mysql",
       .brief = "No effect: the agent needs no client program",
       .about = "Understood so that configurations of ocf:heartbeat:mysql and ocf:heartbeat:mariadb can be taken over. "
                "It has no effect: the agent speaks to the server itself."},
      {.name = "config",
       .fallback = "/etc/my.cnf",
       .brief = "Configuration file",
       .about = "The server's configuration file (--defaults-file). When the default does not exist, "
                "/etc/mysql/my.cnf is used."},
      {.name = "datadir",
       .fallback = "/var/lib/mysql",
       .unique = true,
       .brief = "Directory of the databases",
       .about = "Directory of the databases. When it, user, log, pid, socket or replication_port is not given, what "
                "config sets (datadir, user, log-error, pid-file, socket, port) is taken, and the default here only "
                "where that says nothing either."},
      {.name = "user", .fallback = "mysql", .brief = "User that the server runs as"},
      {.name = "group", .fallback = "mysql", .brief = "Group that owns the directories made for the server"},
      {.name = "log", .fallback = "/var/log/mysqld.log", .brief = "The server's error log"},
      {.name = "pid", .fallback = "/var/run/mysql/mysqld.pid", .unique = true, .brief = "The server's pid file"},
      {.name = "socket", .fallback = "/var/lib/mysql/mysql.sock", .unique = true, .brief = "The server's unix socket"},
      {.name = "enable_creation",
       .type = ParamType::boolean,
       .fallback = "false",
       .brief = "Make a database where there is none",
       .about = "start runs mariadb-install-db when datadir holds no database, and makes datadir when it is missing. A "
                "directory that holds a part of a database is left alone. Where the cluster had a primary before, "
                "such a new database is not promoted until it has followed one: an empty database is what an "
                "unmounted disk looks like, too."},
      {.name = "additional_parameters",
       .brief = "Further options of the server",
       .about =
           "Words added to the server's command line. What keeps the data safe (read-only at start, skip-slave-start, "
           "gtid-strict-mode, log-slave-updates, sync-binlog, the semi-sync options) cannot be overruled here."},
  };
}

std::vector<Param> control_params() {
  return {
      {.name = "test_user",
       .fallback = "root",
       .brief = "User of local statements",
       .about = "User with which the agent works on its own server over the unix socket. It needs what root has; with "
                "the authentication plugin unix_socket it needs no password. When it is refused, replication_user is "
                "tried."},
      {.name = "test_passwd",
       .brief = "Password of test_user",
       .about = "Password of test_user. It stands in the cluster's configuration for all who may read that; "
                "test_user=root with the plugin unix_socket needs none, and credentials keeps it on the node."},
      {.name = "credentials",
       .brief = "File with users and passwords",
       .about = "Option file of this node with the sections [systole-control] (in place of test_user and test_passwd) "
                "and [systole-replication] (replication_user and replication_passwd), each with user= and password=, "
                "so that passwords need not stand in the cluster's configuration. What it names counts before those "
                "parameters. It must belong to root and nobody else may have rights on it (chmod 600).",
       .example = "/etc/mysql/systole.cnf"},
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
      {.name = "extra_port",
       .type = ParamType::integer,
       .fallback = "0",
       .brief = "A second TCP port, for replicas alone",
       .about =
           "A port of the server beside replication_port that has room when clients have taken all connections, as "
           "they do when commits wait: replicas connect to it. The same on all nodes, and open between them. Not "
           "given: "
           "extra-port of the server's own configuration; 0: none.",
       .least = 0,
       .greatest = 65535},
      {.name = "replicate_by",
       .fallback = "auto",
       .brief = "How a replica says where it is: auto, gtid or file",
       .about = "gtid: by global transaction ids. file: by file and position of the primary's binary log, as "
                "ocf:heartbeat:mysql; wants durability=available, and who stands where the next primary's log has no "
                "known place needs a new copy. auto: gtid on MariaDB and with MySQL's gtid_mode=ON, else file.",
       .choices = {"auto", "gtid", "file"}},
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
      {.name = "evict_outdated_slaves",
       .type = ParamType::boolean,
       .fallback = "false",
       .brief = "Ban replicas that are too far behind",
       .about =
           "The monitor of a replica that is further behind than max_slave_lag, or whose lag is unknown because its "
           "replication stands still, returns 5, which makes the cluster stop it and ban it from the node until its "
           "failures are cleaned up. A replica that finds no primary is not evicted: it may be needed as the next one. "
           "Without this such a replica only loses its readers."},
      {.name = "node_list",
       .brief = "No effect: the nodes are known from the cluster",
       .about = "Understood so that configurations of ocf:heartbeat:mariadb can be taken over. It has no effect: which "
                "nodes take part is known from the cluster."},
      {.name = "reader_attribute",
       .fallback = "readable",
       .unique = true,
       .brief = "Node attribute that says whether clients may read here",
       .about =
           "1 on the primary and on replicas that follow it closely, else 0; for location rules of reader addresses."},
  };
}

/// How much a client may rely upon an acknowledgement.
std::vector<Param> durability_params() {
  return {
      {.name = "durability",
       .fallback = "auto",
       .brief = "lossless, crash-safe, available or auto",
       .about =
           "lossless: a write that was acknowledged is never lost; a primary whose replica is lost lets writers wait "
           "until it is proven that the replica is out. crash-safe: the same for every single crash and power-off, but "
           "the silence of a node counts as proof, so that a cut of all links may cost writes. available: writers wait "
           "semi_sync_timeout for a replica, then the primary works alone, and a primary that dies in that time loses "
           "what no replica received. auto: lossless where a majority of three or more votes stores the record "
           "(Systole's modes majority and witness), or where Pacemaker fences lost nodes (stonith-enabled), else "
           "crash-safe.",
       .choices = {"auto", "lossless", "crash-safe", "available"}},
      {.name = "ack_timeout",
       .type = ParamType::time,
       .fallback = "1s",
       .brief = "How long a commit waits before a way out is looked for",
       .about =
           "With durability lossless or crash-safe: a commit that waits longer than this for its replica makes the "
           "primary look for proof that the replica is out, and go on without it then."},
      {.name = "apply_lag_max",
       .type = ParamType::time,
       .fallback = "10s",
       .brief = "How far a replica may be behind with applying",
       .about =
           "What a replica has received and not applied is applied before it is promoted, so that a take-over takes as "
           "much longer. One that is further behind than this is not brought in sync, and 'systole mysql status' tells "
           "of one that is. 0: no bound."},
      {.name = "watch_report",
       .fallback = "fail",
       .brief = "Tell Pacemaker of the server's end at once",
       .about =
           "fail: when the server ends by itself, the resident helper runs crm_resource --fail once, unless the "
           "resource is unmanaged or in maintenance; recovery begins at once instead of at the next monitor. none: it "
           "does not. Systole's own manager needs no telling.",
       .choices = {"fail", "none"}},
      {.name = "sync_relay_log",
       .fallback = "auto",
       .brief = "A replica acknowledges what is on its disk: on, off or auto",
       .about =
           "on: a replica flushes its relay log before it acknowledges, so that an acknowledged write survives when "
           "all nodes lose power at once; a commit takes about as much longer as the replica's disk needs for a "
           "flush. off: it survives that only if the primary's own disk comes back. auto: on with durability "
           "lossless. A replica flushes from the moment at which it knows that it is in sync, not "
           "while it catches up.",
       .choices = {"auto", "on", "off"}},
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

/// How a server that comes back gets equal to the primary again.
std::vector<Param> return_params() {
  return {
      {.name = "rejoin",
       .fallback = "auto",
       .brief = "A former primary that has more than the primary: auto or never",
       .about =
           "A server that comes back may have transactions that the primary never received and that nobody was told "
           "of, or, where durability could not promise more, that were acknowledged. auto: they are saved below "
           "/var/lib/systole/rejoin, as binary log, as text and with a receipt ('systole mysql receipts'), undone, and "
           "the server follows the primary again; meanwhile its monitor returns 190. What cannot be undone by rows, "
           "such as a new table, is left alone, and the monitor says that the node needs a new copy. never: start and "
           "monitor fail, and a person decides.",
       .choices = {"auto", "never"}},
      {.name = "reseed",
       .fallback = "auto",
       .brief = "A new copy for a database that cannot follow: auto, ask or never",
       .about =
           "A server that has transactions which the primary does not have, and which cannot be undone, needs a new "
           "copy "
           "of the primary's database. auto: it is fetched from the primary's node beside the running server "
           "(mariadb-backup on both nodes, TLS, a key of its own for each copy), takes the datadir's place when the "
           "server is started again; what the old database has too much is kept in a receipt, and the old datadir "
           "(DATADIR.systole-old) goes when the copy follows the primary, or stays if it could not be kept. ask: "
           "only "
           "when 'systole mysql reseed' was said on the node. never: the monitor says so, and a person makes the copy.",
       .choices = {"auto", "ask", "never"}},
      {.name = "copy_port",
       .type = ParamType::integer,
       .fallback = "0",
       .brief = "TCP port where a node waits for a copy",
       .about = "While a copy is made, the node that needs it listens on this port of its replication address, and the "
                "primary's node connects to it. 0: any free port. With a firewall between the nodes: one that is open.",
       .least = 0,
       .greatest = 65535},
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
      {.name = "watch", .timeout = "20s"},
      {.name = "preflight", .timeout = "20s"},
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
          "Runs one MariaDB server (10.5 or later), or, experimental, a MySQL server (5.7 to 8.4). As a promotable "
          "clone with notify=true it keeps one "
          "primary and its replicas: replication by GTID is set up by the agent, a replica applies all it has "
          "received before it is promoted, and a primary that comes back joins as a replica when its history "
          "allows it. A node's replication address is its permanent node attribute "
          "<resource>_mysql_master_IP, or else its name. The agent gives its server a new server_id at each start "
          "and promotion. What an acknowledged write is worth says the parameter durability; after the loss of "
          "a replica commits are on one machine until it is back.",
      .params = server_params(),
      .actions = actions()};
  for (Param& param : control_params()) about.params.push_back(std::move(param));
  for (Param& param : replication_params()) about.params.push_back(std::move(param));
  for (Param& param : durability_params()) about.params.push_back(std::move(param));
  for (Param& param : return_params()) about.params.push_back(std::move(param));
  return about;
}

std::string first_existing(const std::vector<std::string>& paths) {
  for (const std::string& path : paths)
    if (::access(path.c_str(), X_OK) == 0) return path;
  return paths.front();
}

/// A name without a path, as people may give one to the shell agents.
std::string found_binary(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (const char* const folder : {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/usr/libexec"})
    if (const std::string path = fmt::format("{}/{}", folder, name); ::access(path.c_str(), X_OK) == 0) return path;
  return name;
}

std::string default_binary() {
  return first_existing({"/usr/sbin/mariadbd", "/usr/sbin/mysqld", "/usr/libexec/mariadbd", "/usr/libexec/mysqld"});
}

constexpr std::size_t user_bytes_max = 128;

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// "db.table" or "table", plain or between backquotes: it becomes a part of a statement.
bool is_table_name(std::string_view text) {
  const auto part = [](std::string_view name) {
    const bool quoted = name.size() > 2 && name.front() == '`' && name.back() == '`';
    if (quoted) return std::ranges::count(name, '`') == 2 && !has_control_character(name);
    return !name.empty() && std::ranges::all_of(name, is_word_character);
  };
  const std::size_t dot = text.find('.');
  if (text.size() > 300) return false;
  return dot == std::string_view::npos ? part(text) : part(text.substr(0, dot)) && part(text.substr(dot + 1));
}

bool is_attribute_name(std::string_view text) {
  return !text.empty() && text.size() <= 255 && text.front() != '-' &&
         std::ranges::all_of(text, [](char c) { return is_word_character(c) || c == '-' || c == '.' || c == ':'; });
}

void take_credentials(const std::string& path, Settings& settings) {
  const auto found = load_credentials(path);
  if (!found) {
    settings.credentials_fault = found.error();
    return;
  }
  for (const auto& [from, into] :
       {std::pair{&found->control, &settings.control}, std::pair{&found->replication, &settings.replication}}) {
    if (from->user) into->user = *from->user;
    if (from->password) into->password = *from->password;
  }
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
  settings.binary = values.given("binary") ? found_binary(values.text("binary")) : default_binary();
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
  settings.extra_port = static_cast<unsigned>(values.number("extra_port"));
  settings.tls = {.required = values.flag("replication_require_ssl"),
                  .ca = values.text("replication_master_ssl_ca"),
                  .cert = values.text("replication_master_ssl_cert"),
                  .key = values.text("replication_master_ssl_key")};
  settings.max_slave_lag_s = static_cast<long>(values.number("max_slave_lag"));
  settings.semi_sync = values.flag("semi_sync");
  settings.semi_sync_timeout_ms = static_cast<long>(to_ms(values.time("semi_sync_timeout")));
  settings.sql_timeout = values.time("sql_timeout");
  settings.durability = parse_durability(values.text("durability"));
  if (const std::string& flush = values.text("sync_relay_log"); flush != "auto")
    settings.sync_relay_log = flush == "on";
  settings.ack_timeout = std::max<Duration>(values.time("ack_timeout"), 100ms);
  settings.rejoin = values.text("rejoin") != "never";
  const std::string& by = values.text("replicate_by");
  settings.replicate_by = by == "file"   ? Settings::Positions::file
                          : by == "gtid" ? Settings::Positions::gtid
                                         : Settings::Positions::automatic;
  const std::string& reseed = values.text("reseed");
  settings.reseed = reseed == "auto"  ? Settings::Copies::automatic
                    : reseed == "ask" ? Settings::Copies::asked_for
                                      : Settings::Copies::never;
  settings.copy_port = static_cast<unsigned>(values.number("copy_port"));
  settings.report_faults = values.text("watch_report") != "none";
  settings.apply_lag_max = values.time("apply_lag_max");
  settings.enable_creation = values.flag("enable_creation");
  settings.evict_outdated = values.flag("evict_outdated_slaves");
  if (values.given("credentials")) take_credentials(values.text("credentials"), settings);
  return settings;
}

Settings settings_of(const agents::Call& call) {
  Settings settings = settings_from(call.params());
  settings.promotable = call.meta().is_promotable();
  return settings;
}

std::vector<std::string> value_faults(const Settings& settings, const agents::Values& values) {
  std::vector<std::string> all;
  const std::array<std::pair<std::string_view, const std::string*>, 5> paths{{{"config", &settings.config},
                                                                              {"datadir", &settings.datadir},
                                                                              {"log", &settings.log},
                                                                              {"pid", &settings.pid},
                                                                              {"socket", &settings.socket}}};
  for (const auto& [name, path] : paths)
    if (!path->starts_with('/') || has_control_character(*path) || path->size() >= PATH_MAX)
      all.push_back(fmt::format("parameter '{}' must be an absolute path of at most {} bytes", name, PATH_MAX - 1));
  if (settings.socket.size() >= sizeof(sockaddr_un::sun_path))
    all.push_back(fmt::format("parameter 'socket' has {} bytes; a socket's path has at most {}", settings.socket.size(),
                              sizeof(sockaddr_un::sun_path) - 1));
  for (const std::string_view name :
       {"binary", "user", "group", "test_user", "replication_user", "credentials", "additional_parameters",
        "replication_master_ssl_ca", "replication_master_ssl_cert", "replication_master_ssl_key"})
    if (has_control_character(values.text(name)))
      all.push_back(fmt::format("parameter '{}' has a line break or another control character in it", name));
  for (const auto& [name, account] :
       {std::pair{"test_user", &settings.control}, std::pair{"replication_user", &settings.replication}})
    if (account->user.size() > user_bytes_max)
      all.push_back(fmt::format("parameter '{}' has {} bytes; the server's users have at most {}", name,
                                account->user.size(), user_bytes_max));
  if (settings.extra_port == settings.replication_port)
    all.emplace_back("parameter 'extra_port' must be another port than replication_port");
  if (settings.replicate_by == Settings::Positions::file && settings.durability != Durability::available)
    all.push_back(fmt::format(
        "parameter 'replicate_by' is file, and 'durability' is {}: without GTIDs nobody can prove that a replica has "
        "all that was acknowledged; set durability=available, or replicate_by=gtid",
        settings.durability ? to_string(*settings.durability) : "auto"));
  if (!is_table_name(settings.test_table))
    all.emplace_back("parameter 'test_table' must name a table, as in mysql.user");
  if (!is_attribute_name(settings.reader_attribute))
    all.emplace_back("parameter 'reader_attribute' must be a name: letters, digits and - _ . :");
  return all;
}

}  // namespace systole::mysql

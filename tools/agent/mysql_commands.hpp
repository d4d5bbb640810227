// SPDX-License-Identifier: GPL-2.0-or-later
// `systole mysql status`, `force` and `switch` (mysql_switch.hpp): which database is the true one, what is safe now and
// why, and the operator's word where nothing else can prove that a node is out. They work under Systole's manager and
// Pacemaker's. The command line of `create`, `join` (mysql_setup.hpp) and `endpoint` (mysql_endpoint.hpp) is here, too.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "agents/ocf/mysql/helper_state.hpp"
#include "agents/ocf/mysql/rejoin_state.hpp"
#include "common/log/log.hpp"
#include "tools/endpoint/options.hpp"
#include "tools/program.hpp"

namespace CLI {
class App;
}

namespace systole::tools {

/// Of `create` and `join`, see mysql_setup.hpp.
struct SetupOptions {
  std::string resource = "db";
  std::string ip, nic;              // create: the address that follows the primary; "": none
  std::string replication_network;  // create: from where replicas may come; "": the network of this node's address
  std::string address;              // where this node's server is reached by the others; "": as the cluster is told
  std::string password_file;        // "": the password is computed from the cluster's key
  bool yes = false;
  bool discard_data = false;  // join: the datadir that is here may be moved aside
};

struct MysqlOptions {
  std::string resource;  // "": the only one
  std::string to;        // switch: "" the in-sync replica's node
  bool yes = false;
  SetupOptions setup;
  endpoint::Options endpoint;
};

void describe_mysql(CLI::App& app, MysqlOptions& options);
/// Exit code of status: 0 two copies of every acknowledged write, 1 one copy, 2 writers wait or nobody is primary.
int mysql_command(Surroundings& here, const CLI::App& verb, const MysqlOptions& options);

/// What status has gathered.
struct MysqlView {
  std::string resource = {}, self = {};
  mysql::Record record = {};                 // the higher of both copies
  std::optional<mysql::Record> shared = {};  // nullopt: the cluster could not be asked
  mysql::Record own = {};
  std::map<std::string, mysql::Notice> notices = {};
  std::optional<mysql::HelperState> helper = {};  // of this node
  std::optional<mysql::RejoinState> rejoin = {};  // of this node
  std::set<std::string> receipts = {};            // names, on this node
};
MysqlView look_at_database(const std::string& resource, const agents::Environment& env, Log& log);
/// Does whom the record names serve as primary, by its own word?
bool is_primary(const MysqlView& view);
/// Does it say that its writers wait?
bool is_stalled(const MysqlView& view);
std::string mysql_status_text(const MysqlView& view);
int mysql_status_code(const MysqlView& view);

}  // namespace systole::tools

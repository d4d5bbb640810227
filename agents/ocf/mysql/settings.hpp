// SPDX-License-Identifier: GPL-2.0-or-later
// The agent's parameters: one table (names and meanings as people know them from ocf:heartbeat:mysql and mariadb) and
// their typed form.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/kit/agent.hpp"
#include "agents/ocf/mysql/process.hpp"
#include "agents/ocf/mysql/promotion.hpp"
#include "agents/sql/connection.hpp"

namespace systole::mysql {

const agents::About& about_mysql();

struct Settings {
  std::string binary, config, datadir, user, group, log, pid, socket, test_table;
  std::vector<std::string> additional;
  sql::Account control;      // test_user: local statements
  sql::Account replication;  // replication_user: the replicas' account on the primary
  unsigned replication_port = 3306;
  unsigned extra_port = 0;  // 0: none
  sql::Tls tls;
  long max_slave_lag_s = 3600;
  std::string reader_attribute;
  bool semi_sync = true;
  std::optional<Durability> durability = {};  // nullopt: the best that this cluster can keep
  std::optional<bool> sync_relay_log = {};    // nullopt: where durability is lossless
  Duration ack_timeout = 1s;
  enum class Positions { automatic, gtid, file };
  Positions replicate_by = Positions::automatic;
  bool report_faults = true;  // to Pacemaker
  bool rejoin = true;         // undo what the primary does not have
  enum class Copies { automatic, asked_for, never };
  Copies reseed = Copies::automatic;  // when is a database that cannot follow replaced by a copy
  unsigned copy_port = 0;             // where a copy is waited for; 0: any
  Duration apply_lag_max = 10s;       // zero: no bound
  bool promotable = false;
  long semi_sync_timeout_ms = 1000;
  Duration sql_timeout = 5s;
  bool enable_creation = false;                 // start makes a database where there is none
  bool evict_outdated = false;                  // a replica that is too far behind fails its monitor
  std::optional<Error> credentials_fault = {};  // why the file of the parameter credentials counts for nothing
  bool binary_was_wrapper = false;              // mysqld_safe was asked for and replaced

  /// The protocol of lineage.hpp is followed.
  bool keeps_record() const { return promotable && semi_sync && durability != Durability::available; }
  /// What rpl_semi_sync_master_timeout is set to.
  long commit_wait_ms() const;

  ServerPlace place() const { return {.binary = binary, .datadir = datadir, .pid_file = pid}; }
  /// Where servers speak to each other: at the port that has room when clients have taken all connections.
  unsigned peer_port() const { return extra_port != 0 ? extra_port : replication_port; }
  sql::Endpoint local() const { return {.socket = socket, .host = {}, .port = 0, .tls = {}}; }
};

Settings settings_from(const agents::Values& values);
/// The same, and what the manager says of the call.
Settings settings_of(const agents::Call& call);

/// What is wrong with the values wherever they are used: one sentence each. Beyond the table's own checks.
std::vector<std::string> value_faults(const Settings& settings, const agents::Values& values);

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// The agent's parameters: one table (the names of Percona's mysql_monitor, with what it lacks) and their typed form.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/kit/agent.hpp"
#include "agents/ocf/mysql/settings.hpp"

namespace systole::mysql_replication {

const agents::About& about_replication();

enum class ClusterType {
  replication,  // a read-only server serves readers while it replicates and is not too far behind
  read_only,    // every server that answers serves readers
  galera,       // a node that the group counts as synced serves everybody
};

enum class RepairMode {
  none,
  reconnect,  // threads that stand still are started, where that can lose nothing
  setup,      // and replication is set up from the partner where there is none, or it follows somebody else
};

struct Settings {
  mysql::Settings server;  // how to reach it, and the account of its replication
  std::string state;       // file: there while the resource runs; holds the memory
  std::string reader_attribute, writer_attribute;
  int reader_failcount = 1;
  ClusterType type = ClusterType::replication;
  Duration max_lag{}, return_lag{}, dwell = 10s;
  bool heartbeat = false;
  Duration heartbeat_interval = 500ms;
  std::string heartbeat_table;
  bool read_delayed = false, promote_delayed = false;
  std::string score_of;  // the resource whose promotion score is ours to set; "": none
  bool semi_sync_expected = false;
  agents::Ocf fault_code = agents::Ocf::degraded;
  RepairMode repair = RepairMode::reconnect;
  bool compare_rows = true;
  int repair_limit = 10;  // per hour
  std::vector<std::string> partners;
  std::string primary_from;  // a resource that publishes the primary's address
  bool has_account = false;  // replication_user, or the file of credentials, names one
};

/// Where nothing else is said: ours in HA_RSCTMP, named after the resource.
std::string state_file(const agents::Call& call);

Settings settings_of(const agents::Call& call);

/// What is wrong with the values wherever they are used: one sentence each. Beyond the table's own checks.
std::vector<std::string> value_faults(const Settings& settings);

}  // namespace systole::mysql_replication

// SPDX-License-Identifier: GPL-2.0-or-later
// What the agent knows of its server at one moment. Gathered once per action, then judged by pure functions, so that
// no decision hangs on an answer that came later or not at all. What could not be read is absent, never guessed.
#pragma once

#include <optional>
#include <string>

#include "agents/ocf/mysql/coordinates.hpp"
#include "agents/ocf/mysql/gtid.hpp"
#include "agents/ocf/mysql/gtid_set.hpp"

namespace systole::mysql {

enum class IoThread { stopped, connecting, running };

/// One row of SHOW SLAVE STATUS, or SHOW REPLICA STATUS.
struct Replication {
  std::string host = {};
  unsigned port = 0;
  IoThread io = IoThread::stopped;
  bool sql_running = false;
  bool by_gtid = true;  // false: by file and position, as while a relay log is being applied from its files
  unsigned io_errno = 0, sql_errno = 0;
  std::string io_error = {}, sql_error = {};
  GtidList received = {};             // Gtid_IO_Pos; empty after a restart of the server, whatever the relay log holds
  std::optional<long> behind_s = {};  // Seconds_Behind_Master; NULL when a thread stands still
  GtidSet received_set = {};          // MySQL's Retrieved_Gtid_Set; it survives a restart of the server
  // In the log of the primary, also where GTIDs say more. No file: nothing yet.
  Coordinates received_to = {}, applied_to = {};
};

/// The variables that we read in one statement.
struct Variables {
  bool read_only = true;
  bool log_bin = false;
  std::uint32_t server_id = 0;
  GtidList binlog_position = {}, binlog_state = {},
           replicated = {};       // gtid_binlog_pos, gtid_binlog_state, gtid_slave_pos
  bool semi_sync_source = false;  // rpl_semi_sync_master_enabled
  unsigned dump_threads = 0;      // connected replicas
  std::string relay_log_index = {};
  // MySQL only.
  bool has_gtids = true;               // gtid_mode is ON; MariaDB always has them
  bool has_semi_sync = true;           // the plugin is loaded; MariaDB always has it
  GtidSet executed = {}, purged = {};  // gtid_executed, gtid_purged

  /// Everything that is applied here.
  GtidList applied() const { return merged(replicated, binlog_position); }
  /// The same with everything known of who wrote it: for diverged(), as the history of a primary.
  GtidList history() const {
    GtidList all = binlog_state;
    all.insert(all.end(), replicated.begin(), replicated.end());
    return all;
  }
};

struct Facts {
  bool alive = false;        // the server's process exists
  std::string silence = {};  // why SQL was not answered; "" when it was
  std::optional<Variables> variables = {};
  bool replication_known = false;               // its status was answered
  std::optional<Replication> replication = {};  // none configured, or not known
  bool must_follow = false;       // started in the replica's role and has not caught up with a primary since
  std::string primary_host = {};  // where the last notification or start said that the primary is; "" unknown
  unsigned primary_port = 0;
};

}  // namespace systole::mysql

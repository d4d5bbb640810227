// SPDX-License-Identifier: GPL-2.0-or-later
// The end of our own binary log that the primary does not have: transactions that were written here and that no
// primary's history contains. Where it begins, what is in it, and whether undoing its rows undoes all of it. Pure.
//
// Undoing (mariadb-binlog --flashback) turns each row change around. What is no row change – a new table, a TRUNCATE,
// a statement logged as text – it passes over in silence, and a row that was not logged whole it cannot restore. So
// every event is looked at here, and one that is not known to be safe is an obstacle.
//
// Format: besides log_events.hpp, "Table_map_event" {table 6, flags 2, length 1, schema, 0, length 1, name, 0, …} and
// "Rows_event_v1" {table 6, flags 2, columns (packed), one bit per column that is there (twice for an update), …}.
#pragma once

#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agents/ocf/mysql/log_events.hpp"

namespace systole::mysql {

using TableName = std::pair<std::string, std::string>;  // schema, table

struct TailTransaction {
  Gtid gtid;
  std::uint32_t time_s = 0;        // since 1970
  std::uint32_t thread = 0;        // the client's connection; 0: the log does not say (it does for statements only)
  std::set<TableName> tables{};    // whose rows it changes
  std::vector<std::string> sql{};  // what the client said, as far as the log keeps it
};

struct Tail {
  GtidList base = {};                              // up to here both have the same
  std::optional<LogPlace> begin = {};              // of its first transaction; nullopt: there is no tail
  std::vector<TailTransaction> transactions = {};  // in their order
  std::string obstacle = {};                       // why undoing its rows does not undo it; "": it does
  std::set<TableName> tables() const;
};

/// `files`: this server's binary logs, oldest first. `primary`: its gtid_binlog_state with its gtid_slave_pos.
/// Errors: not_found: the logs do not reach back to where both parted; corrupt or invalid: no log, or encrypted.
Result<Tail> scan_tail(std::span<const LogFile> files, const GtidList& primary);
/// The same of relay logs: what was received that the primary does not have. An obstacle says nothing here.
Result<Tail> scan_received(std::span<const LogFile> files, const GtidList& primary);

}  // namespace systole::mysql

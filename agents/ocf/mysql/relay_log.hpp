// SPDX-License-Identifier: GPL-2.0-or-later
// Reading relay logs ourselves. A replica that was restarted has forgotten what it had received (Gtid_IO_Pos is empty),
// and the next START SLAVE deletes the relay log, though its events may be the only copy of acknowledged transactions.
// So before any START SLAVE we look for the first transaction that is not yet applied and tell the server to begin
// there (CHANGE MASTER TO MASTER_USE_GTID=NO, RELAY_LOG_FILE=…, RELAY_LOG_POS=…). relay-log.info may be stale after
// a crash, therefore the place is found by GTID.
#pragma once

#include "agents/ocf/mysql/log_events.hpp"

namespace systole::mysql {

/// Between what is applied and what the files hold of a domain, transactions are missing, as far as anybody can tell.
/// A server that flushes its commits later than its relay log (innodb_flush_log_at_trx_commit is not 1) forgets in a
/// crash what it had applied, and its position with it; the relay logs which held that are deleted by then.
struct RelayGap {
  std::optional<Gtid> applied;  // nullopt: nothing of this domain
  Gtid next;                    // first in the files that is not applied; it does not follow `applied`
};

struct RelayScan {
  GtidList received = {};               // last complete transaction of each domain in the files
  std::optional<LogPlace> resume = {};  // first complete transaction that `applied` does not contain
  std::optional<Gtid> first = {};       // which one that is
  std::uint64_t unapplied = 0;          // complete transactions from there on
  bool torn = false;                    // the last file ends within an event or a transaction
  std::optional<RelayGap> gap = {};     // applying from `resume` would leave transactions out
};

/// The files in order, oldest first. Errors: a file that is no relay log, or an encrypted one.
Result<RelayScan> scan_relay_log(std::span<const LogFile> files, const GtidList& applied);

/// The relay log's name without its number, from the text of relay-log.info; "mysql-relay-bin" when there is none in
/// it.
std::string relay_log_name(std::string_view info);

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// Following a primary, and finishing what was received before ceasing to follow. The one law here: both replication
// threads are never started from a standstill while the relay log holds transactions that are not applied, because that
// start deletes it, and they may exist nowhere else.
#pragma once

#include <string>

#include "agents/kit/agent.hpp"
#include "agents/ocf/mysql/judge.hpp"
#include "agents/ocf/mysql/receipt_folder.hpp"
#include "agents/ocf/mysql/relay_log.hpp"
#include "agents/ocf/mysql/server.hpp"

namespace systole::mysql {

struct PrimaryAddress {
  std::string host = {};
  unsigned port = 3306;
};

/// What another server says of its history.
struct PeerHistory {
  GtidList state = {};     // gtid_binlog_state with gtid_slave_pos appended: for diverged()
  GtidList position = {};  // all it has applied or written
  bool writable = false;   // it is a primary, not just a server that answers
};

/// Asks over TCP as replication_user.
Result<PeerHistory> ask_peer(const Settings& settings, const PrimaryAddress& peer, Deadline deadline);

/// The relay log on disk, read against `applied`. not_found: there is none.
Result<RelayScan> read_relay_log(const Variables& variables, const GtidList& applied, const std::string& datadir);

/// A crash took from the tables what the binary log still has, as the server does not flush its commits
/// (innodb_flush_log_at_trx_commit is not 1). Told only where the relay log proves it, in words, else ""; both threads
/// must stand still.
Result<std::string> forgot_in_crash(const Variables& variables, const std::string& datadir);

/// Everything that this server has received, applied or not, whether or not it was restarted since.
Result<GtidList> received_here(Server& server, const Settings& settings, Deadline deadline);

/// The same with everything known of who wrote it: gtid_binlog_state, gtid_slave_pos, received.
Result<GtidList> history_here(Server& server, const Settings& settings, Deadline deadline);

/// Stops receiving, then applies everything received. Afterwards no thread receives; the applier may still run.
/// Returns what is applied now. Error: something received could not be applied by the deadline; nothing is deleted
/// then. Errc::corrupt: it cannot be at all, as a crash has taken what comes before it (RelayGap).
Result<GtidList> drain_received(Server& server, const Settings& settings, Deadline deadline);

/// Follows the primary by GTID. Errors: refused when this server's history is not a part of the primary's (nothing is
/// changed); any other: the primary cannot be asked now, or is read-only (an address in the CIB may be older than the
/// last change of roles): try again later. What was received and cannot be applied, as the primary does not have it, is
/// kept in a receipt. Returns the primary's position as it was asked.
Result<GtidList> follow(Server& server, const Settings& settings, const PrimaryAddress& primary,
                        const ReceiptPlace& receipts, Deadline deadline, Log& log);

/// What stands in the relay log and the primary does not have, into a receipt; nullopt: there is nothing of that kind.
Result<std::optional<std::string>> keep_received(Server& server, const Settings& settings, const PeerHistory& peer,
                                                 const std::string& primary, const ReceiptPlace& receipts,
                                                 Deadline deadline);

/// CHANGE MASTER TO, or what it is called on this server, with the account of replication; `position` says where to
/// begin, in this server's words.
std::string change_primary(Server& server, const Settings& settings, const PrimaryAddress& primary,
                           std::string_view position);

/// Until the receiver runs and `position` is applied here, or the deadline: true when reached.
bool caught_up(Server& server, const GtidList& position, Deadline deadline);

}  // namespace systole::mysql

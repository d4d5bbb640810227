// SPDX-License-Identifier: GPL-2.0-or-later
// A server that has transactions which the primary does not have is made equal to it again: what it has too much is
// saved (receipt.hpp), then undone, row by row, in one transaction; then its positions are set to where both parted,
// and it follows. The steps are made so that each may be interrupted, and the whole be begun again:
//
//   mark        datadir/systole_rejoin: until it is gone this server follows nobody else and is not promoted
//   save        into a folder that gets its name only when it is whole
//   undo        together with the row systole.rejoin, so that the database itself tells whether it was done
//   positions   RESET MASTER, gtid_slave_pos, gtid_binlog_state: may be done again and again while the row is there
//   follow      the row and the mark are removed before
//
// The server is read-only all the time.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>

#include "agents/ocf/mysql/receipt_folder.hpp"
#include "agents/ocf/mysql/rejoin_mark.hpp"
#include "agents/ocf/mysql/replication.hpp"
#include "agents/ocf/mysql/tail.hpp"

namespace systole::mysql {

/// What this server's history is to the primary's, by who wrote what.
enum class Relation {
  stranger,  // they have nothing in common: another database, which nobody but a person may give up
  part,      // the primary has all of it
  ahead,     // it has what the primary does not have
};
Result<Relation> relation_to(Server& server, const Settings& settings, const PrimaryAddress& primary,
                             Deadline deadline);

class Rejoin {
 public:
  struct Surroundings {
    ReceiptPlace place;
    std::function<void(const std::string&)> tell;  // what it is at
  };
  Rejoin(const Settings& settings, Surroundings surroundings, Log& log)
      : settings_(settings), at_(std::move(surroundings)), log_(log) {}

  /// Up to where the server can follow. Errors: refused: its tail cannot be undone (the text says why; nothing was
  /// changed), the node needs a new copy; any other: try again.
  Result<void> run(const PrimaryAddress& primary, Deadline deadline);

 private:
  Result<void> undo_tail(Server& server, const PrimaryAddress& primary, const PeerHistory& peer, Deadline deadline);
  Result<std::string> obstacle_in_schema(Server& server, const Tail& tail, Deadline deadline);
  Result<void> apply_undo(Server& server, const std::string& file, const GtidList& state, Deadline deadline);
  Result<void> run_all(Server& server, std::initializer_list<std::string> statements, Deadline deadline);
  Result<void> set_positions(Server& server, Deadline deadline);

  const Settings& settings_;
  Surroundings at_;
  Log& log_;
};

}  // namespace systole::mysql

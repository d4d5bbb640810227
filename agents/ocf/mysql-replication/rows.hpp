// SPDX-License-Identifier: GPL-2.0-or-later
// An applier that stopped because a row is there already, or is not there any more: where it is proven that this is the
// whole difference, the transaction is made applicable as it is. It is never skipped.
//
//   1062, and the transaction does nothing but insert: each row that is there already under a key of the transaction
//     equals the transaction's row in every column, byte for byte. Those rows are removed, unlogged, and the
//     transaction inserts them again, with its own GTID.
//   1032, and the transaction does nothing but delete: each row that is missing is put there as the transaction says
//     that it was (complete images), unlogged, and the transaction deletes it again; each that is there equals it.
//
// One row that differs, a trigger, a foreign key, another engine, a column that is not compared here: nothing is
// changed, and a person has to look.
#pragma once

#include "agents/ocf/mysql-replication/row_events.hpp"
#include "agents/ocf/mysql/server.hpp"

namespace systole::mysql_replication {

/// The applier has stopped at that transaction; afterwards it can be started. What was done, for the log.
Result<std::string> make_applicable(mysql::Server& server, const RowTransaction& transaction, Deadline deadline);

}  // namespace systole::mysql_replication

// SPDX-License-Identifier: GPL-2.0-or-later
// What a replication error means and what is done about it: one table, from the server's error numbers (and, where a
// number means several things, its words) to a class, and from a class to a reaction. Pure.
//
// The first question of each class is whether the data can be trusted. A replica that cannot reach its primary is old
// but right, and may be the next primary; one whose rows are not those of the primary is wrong, and starting it again
// would either meet the same transaction or leave the difference behind for good.
#pragma once

#include <string_view>

namespace systole::mysql_replication {

enum class Thread { receiver, applier };  // the server calls them IO and SQL thread

enum class ErrorClass {
  none,
  connection,      // the primary is not reached, or has no place for us
  credentials,     // it refuses the replication account
  purged,          // it has deleted binary logs that are needed here
  diverged,        // it never had transactions that are here
  primary_log,     // it cannot read its own binary log
  same_server_id,  // two servers have one server_id
  duplicate_row,   // an insert finds a row there
  missing_row,     // an update or delete finds none
  out_of_order,    // a GTID that is not above the last one: somebody wrote here
  schema,          // a table or column is not as on the primary
  interrupted,     // lock wait, deadlock, a limit of time: the same transaction may succeed next time
  disk_full,
  relay_log,  // what was received cannot be read
  unknown,
};

enum class Reaction {
  none,
  wait,         // the server itself tries again
  start_again,  // the thread, with growing pauses and a limit
  account,      // the account of our parameters is tried, and set where the primary takes it
  fetch_again,  // once the primary is known to have all that was received
  reseed,       // a new copy is needed: a person's decision
  quarantine,   // no reader and no promotion until a person has looked
};

ErrorClass classify(Thread thread, unsigned number, std::string_view text);

Reaction reaction_to(Thread thread, ErrorClass found);
/// May what is here be served, and this server be promoted, apart from its age?
bool data_is_right(Thread thread, ErrorClass found);

std::string_view to_string(ErrorClass found);
/// For people: what it is and what helps, in one sentence; "" for none.
std::string_view advice(ErrorClass found);

}  // namespace systole::mysql_replication

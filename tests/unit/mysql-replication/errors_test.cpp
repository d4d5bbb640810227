// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers and words of the server, and what they mean. The words are those of MariaDB 10.11.
#include "agents/ocf/mysql-replication/errors.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace systole::mysql_replication {
namespace {

struct Row {
  Thread thread;
  unsigned number;
  const char* text;
  ErrorClass found;
  Reaction reaction;
  bool right;
};

constexpr const char* not_there =
    "Got fatal error 1236 from master when reading data from binary log: 'Error: connecting slave requested to start "
    "from GTID 0-131-4, which is not in the master's binlog. Since the master's binlog contains GTIDs with higher "
    "sequence numbers, it probably means that the slave has diverged due to executing extra erroneous transactions'";
constexpr const char* too_old =
    "Got fatal error 1236 from master when reading data from binary log: 'Could not find GTID state requested by slave "
    "in any binlog files. Probably the slave state is too old and required binlog files have been purged.'";
constexpr const char* equal_ids =
    "Fatal error: The slave I/O thread stops because master and slave have equal MySQL server ids";

std::vector<Row> rows() {
  using enum ErrorClass;
  const Thread io = Thread::receiver, sql = Thread::applier;
  return {
      {io, 0, "", none, Reaction::none, true},
      {io, 2003, "error connecting to master", connection, Reaction::wait, true},
      {io, 2013, "Lost connection", connection, Reaction::wait, true},
      {io, 2005, "Unknown host", connection, Reaction::wait, true},
      {io, 1040, "Too many connections", connection, Reaction::wait, true},
      {io, 1129, "Host is blocked", connection, Reaction::wait, true},
      {io, 1218, "Error connecting to master", connection, Reaction::wait, true},
      {io, 1045, "Access denied", credentials, Reaction::account, true},
      {io, 1130, "Host is not allowed", credentials, Reaction::account, true},
      {io, 1236, not_there, diverged, Reaction::quarantine, false},
      {io, 1236, too_old, purged, Reaction::reseed, false},
      {io, 1236, "Could not find first log file name in binary log index file", purged, Reaction::reseed, false},
      {io, 1236, "binlog truncated in the middle of event", primary_log, Reaction::wait, true},
      {io, 1236, "A slave with the same server_uuid/server_id as this slave", same_server_id, Reaction::wait, true},
      {io, 1236, "something new", unknown, Reaction::start_again, true},
      // As MySQL 8 says it; made by hand from its manual and from what people have posted.
      {io, 13114,
       "Got fatal error 1236 from source when reading data from binary log: 'Replica has more GTIDs than the source "
       "has, using the source's SERVER_UUID.'",
       diverged, Reaction::quarantine, false},
      {io, 13114,
       "Got fatal error 1236 from source when reading data from binary log: 'Cannot replicate because the source "
       "purged "
       "required binary logs.'",
       purged, Reaction::reseed, false},
      {io, 13117, "Fatal error: The replica I/O thread stops because source and replica have equal MySQL server UUIDs",
       same_server_id, Reaction::wait, true},
      {sql, 13121, "Relay log read failure: Could not parse relay log event entry", relay_log, Reaction::fetch_again,
       true},
      {io, 1593, equal_ids, same_server_id, Reaction::wait, true},
      {io, 1593, "Fatal error: something else", unknown, Reaction::start_again, true},
      {io, 1595, "Relay log write failure", relay_log, Reaction::fetch_again, true},
      {io, 31'337, "?", unknown, Reaction::start_again, true},
      {sql, 1062, "Duplicate entry", duplicate_row, Reaction::quarantine, false},
      {sql, 1032, "Can't find record", missing_row, Reaction::quarantine, false},
      {sql, 1452, "foreign key", missing_row, Reaction::quarantine, false},
      {sql, 1950, "out-of-order", out_of_order, Reaction::quarantine, false},
      {sql, 1146, "Table doesn't exist", schema, Reaction::quarantine, false},
      {sql, 1054, "Unknown column", schema, Reaction::quarantine, false},
      {sql, 1677, "cannot be converted", schema, Reaction::quarantine, false},
      {sql, 1205, "Lock wait timeout", interrupted, Reaction::start_again, true},
      {sql, 1213, "Deadlock", interrupted, Reaction::start_again, true},
      {sql, 1114, "The table is full", disk_full, Reaction::start_again, true},
      {sql, 1030, "Got error 168 (Errcode: 28 \"No space left on device\")", disk_full, Reaction::start_again, true},
      {sql, 1594, "Relay log read failure", relay_log, Reaction::fetch_again, true},
      {sql, 31'337, "?", unknown, Reaction::quarantine, false},
      // A number of the other thread means nothing here.
      {sql, 2003, "?", unknown, Reaction::quarantine, false},
  };
}

TEST(Errors, have_a_class_and_a_class_has_a_reaction) {
  for (const Row& row : rows()) {
    const ErrorClass found = classify(row.thread, row.number, row.text);
    EXPECT_EQ(to_string(found), to_string(row.found)) << row.number << " " << row.text;
    EXPECT_EQ(reaction_to(row.thread, found), row.reaction) << row.number << " " << row.text;
    EXPECT_EQ(data_is_right(row.thread, found), row.right) << row.number << " " << row.text;
    EXPECT_EQ(advice(found).empty(), row.number == 0);
  }
}

TEST(Errors, nothing_that_puts_the_data_in_doubt_is_started_again) {
  for (unsigned number = 1; number < 5000; ++number)
    for (const Thread thread : {Thread::receiver, Thread::applier}) {
      const ErrorClass found = classify(thread, number, "");
      if (data_is_right(thread, found)) continue;
      const Reaction reaction = reaction_to(thread, found);
      EXPECT_TRUE(reaction == Reaction::quarantine || reaction == Reaction::reseed) << number;
    }
}

}  // namespace
}  // namespace systole::mysql_replication

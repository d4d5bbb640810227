// SPDX-License-Identifier: GPL-2.0-or-later
// The tables. A number that is in none of them is unknown: of the applier that means quarantine, of the receiver one
// more try.
#include "agents/ocf/mysql-replication/errors.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace systole::mysql_replication {

namespace {

struct Row {
  unsigned number;
  ErrorClass found;
};

// Both threads.
constexpr std::array either{
    Row{3, ErrorClass::disk_full},
    Row{1021, ErrorClass::disk_full},
    Row{1114, ErrorClass::disk_full},
    Row{1026, ErrorClass::disk_full},
    Row{1205, ErrorClass::interrupted},
    Row{1213, ErrorClass::interrupted},
    Row{1317, ErrorClass::interrupted},
    Row{1969, ErrorClass::interrupted},
    Row{1927, ErrorClass::interrupted},
    Row{1594, ErrorClass::relay_log},
    Row{1595, ErrorClass::relay_log},
    // MySQL 8 counts these two, and some below, among the messages of its log (its "Server Error Message Reference").
    Row{13121, ErrorClass::relay_log},
    Row{13122, ErrorClass::relay_log},
};

constexpr std::array receiver{
    Row{1040, ErrorClass::connection},     Row{1042, ErrorClass::connection},  Row{1043, ErrorClass::connection},
    Row{1053, ErrorClass::connection},     Row{1129, ErrorClass::connection},  Row{1158, ErrorClass::connection},
    Row{1159, ErrorClass::connection},     Row{1160, ErrorClass::connection},  Row{1161, ErrorClass::connection},
    Row{1189, ErrorClass::connection},     Row{1190, ErrorClass::connection},  Row{1203, ErrorClass::connection},
    Row{1218, ErrorClass::connection},     Row{1226, ErrorClass::connection},  Row{2002, ErrorClass::connection},
    Row{2003, ErrorClass::connection},     Row{2005, ErrorClass::connection},  Row{2006, ErrorClass::connection},
    Row{2013, ErrorClass::connection},     Row{2026, ErrorClass::connection},  Row{2055, ErrorClass::connection},
    Row{1044, ErrorClass::credentials},    Row{1045, ErrorClass::credentials}, Row{1130, ErrorClass::credentials},
    Row{1142, ErrorClass::credentials},    Row{1227, ErrorClass::credentials}, Row{1251, ErrorClass::credentials},
    Row{1698, ErrorClass::credentials},    Row{1820, ErrorClass::credentials}, Row{1862, ErrorClass::credentials},
    Row{2049, ErrorClass::credentials},    Row{2059, ErrorClass::credentials}, Row{4151, ErrorClass::credentials},
    Row{4052, ErrorClass::same_server_id},
};

constexpr std::array applier{
    Row{1022, ErrorClass::duplicate_row}, Row{1062, ErrorClass::duplicate_row}, Row{1586, ErrorClass::duplicate_row},
    Row{1032, ErrorClass::missing_row},   Row{1216, ErrorClass::missing_row},   Row{1217, ErrorClass::missing_row},
    Row{1451, ErrorClass::missing_row},   Row{1452, ErrorClass::missing_row},   Row{1950, ErrorClass::out_of_order},
    Row{1007, ErrorClass::schema},        Row{1008, ErrorClass::schema},        Row{1049, ErrorClass::schema},
    Row{1050, ErrorClass::schema},        Row{1051, ErrorClass::schema},        Row{1054, ErrorClass::schema},
    Row{1060, ErrorClass::schema},        Row{1061, ErrorClass::schema},        Row{1072, ErrorClass::schema},
    Row{1091, ErrorClass::schema},        Row{1146, ErrorClass::schema},        Row{1305, ErrorClass::schema},
    Row{1360, ErrorClass::schema},        Row{1364, ErrorClass::schema},        Row{1396, ErrorClass::schema},
    Row{1535, ErrorClass::schema},        Row{1677, ErrorClass::schema},        Row{13146, ErrorClass::schema},
};

ErrorClass found_in(std::span<const Row> rows, unsigned number) {
  const auto row = std::ranges::find(rows, number, &Row::number);
  return row == rows.end() ? ErrorClass::unknown : row->found;
}

bool says(std::string_view text, std::string_view words) {
  return text.find(words) != std::string_view::npos;
}

/// 1236 is whatever the primary's dump thread ended with.
ErrorClass dump_ended(std::string_view text) {
  // One text may hold both "diverged" and, as a guess, "purged": what cannot be followed decides.
  if (says(text, "diverged") || says(text, "not in the master's binlog") || says(text, "more GTIDs than the"))
    return ErrorClass::diverged;
  if (says(text, "purged") || says(text, "Could not find first log file")) return ErrorClass::purged;
  if (says(text, "same server_uuid") || says(text, "same server_id")) return ErrorClass::same_server_id;
  if (says(text, "truncated") || says(text, "bogus") || says(text, "checksum") || says(text, "read error") ||
      says(text, "corrupted"))
    return ErrorClass::primary_log;
  if (says(text, "Out of memory") || says(text, "out of memory")) return ErrorClass::connection;
  return ErrorClass::unknown;
}

}  // namespace

ErrorClass classify(Thread thread, unsigned number, std::string_view text) {
  if (number == 0) return ErrorClass::none;
  if (thread == Thread::receiver) {
    if (number == 1236 || number == 13114) return dump_ended(text);
    if (number == 1593 || number == 13117)
      return says(text, "server ids") || says(text, "server UUIDs") ? ErrorClass::same_server_id : ErrorClass::unknown;
  }
  // The numbers of storage engines reach us inside of others.
  if (says(text, "Errcode: 28") || says(text, "No space left")) return ErrorClass::disk_full;
  if (const ErrorClass known = found_in(either, number); known != ErrorClass::unknown) return known;
  return thread == Thread::receiver ? found_in(receiver, number) : found_in(applier, number);
}

Reaction reaction_to(Thread thread, ErrorClass found) {
  switch (found) {
    case ErrorClass::none:
      return Reaction::none;
    case ErrorClass::connection:
      return Reaction::wait;
    case ErrorClass::credentials:
      return Reaction::account;
    case ErrorClass::purged:
      return Reaction::reseed;
    case ErrorClass::interrupted:
    case ErrorClass::disk_full:
      return Reaction::start_again;
    case ErrorClass::relay_log:
      return Reaction::fetch_again;
    case ErrorClass::same_server_id:
    case ErrorClass::primary_log:
      return Reaction::wait;
    case ErrorClass::diverged:
    case ErrorClass::duplicate_row:
    case ErrorClass::missing_row:
    case ErrorClass::out_of_order:
    case ErrorClass::schema:
      return Reaction::quarantine;
    case ErrorClass::unknown:
      return thread == Thread::receiver ? Reaction::start_again : Reaction::quarantine;
  }
  return Reaction::quarantine;
}

bool data_is_right(Thread thread, ErrorClass found) {
  switch (found) {
    case ErrorClass::none:
    case ErrorClass::connection:
    case ErrorClass::credentials:
    case ErrorClass::same_server_id:
    case ErrorClass::primary_log:
    case ErrorClass::interrupted:
    case ErrorClass::disk_full:
    case ErrorClass::relay_log:
      return true;
    case ErrorClass::purged:
    case ErrorClass::diverged:
    case ErrorClass::duplicate_row:
    case ErrorClass::missing_row:
    case ErrorClass::out_of_order:
    case ErrorClass::schema:
      return false;
    case ErrorClass::unknown:
      return thread == Thread::receiver;
  }
  return false;
}

std::string_view to_string(ErrorClass found) {
  switch (found) {
    case ErrorClass::none:
      return "none";
    case ErrorClass::connection:
      return "connection";
    case ErrorClass::credentials:
      return "credentials";
    case ErrorClass::purged:
      return "purged";
    case ErrorClass::diverged:
      return "diverged";
    case ErrorClass::primary_log:
      return "primary's log";
    case ErrorClass::same_server_id:
      return "same server_id";
    case ErrorClass::duplicate_row:
      return "duplicate row";
    case ErrorClass::missing_row:
      return "missing row";
    case ErrorClass::out_of_order:
      return "out of order";
    case ErrorClass::schema:
      return "schema";
    case ErrorClass::interrupted:
      return "interrupted";
    case ErrorClass::disk_full:
      return "disk full";
    case ErrorClass::relay_log:
      return "relay log";
    case ErrorClass::unknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view advice(ErrorClass found) {
  switch (found) {
    case ErrorClass::none:
      return "";
    case ErrorClass::connection:
      return "the primary is not reached; the server tries again by itself";
    case ErrorClass::credentials:
      return "the primary refuses the replication account: check user, password and the host it is granted for";
    case ErrorClass::purged:
      return "the primary has deleted binary logs that are needed here: give this node a new copy of the primary";
    case ErrorClass::diverged:
      return "this database has transactions that the primary never had: save what is needed, then give this node a "
             "new copy of the primary";
    case ErrorClass::primary_log:
      return "the primary cannot read its own binary log: look at its disk, then give this node a new copy";
    case ErrorClass::same_server_id:
      return "two servers have the same server_id: give each one of its own";
    case ErrorClass::duplicate_row:
      return "a row to be inserted is there already: somebody wrote here; compare it with the primary's, or give this "
             "node a new copy";
    case ErrorClass::missing_row:
      return "a row to be changed is not there: somebody wrote here; compare the table with the primary's, or give "
             "this node a new copy";
    case ErrorClass::out_of_order:
      return "somebody wrote here: compare the data with the primary's, or give this node a new copy";
    case ErrorClass::schema:
      return "a table is not as on the primary: make it so, then START SLAVE, or give this node a new copy";
    case ErrorClass::interrupted:
      return "the transaction was interrupted; it is tried again";
    case ErrorClass::disk_full:
      return "the disk is full: make room; it is tried again";
    case ErrorClass::relay_log:
      return "the relay log is damaged; what it held is fetched from the primary again";
    case ErrorClass::unknown:
      return "look at the server's log";
  }
  return "";
}

}  // namespace systole::mysql_replication

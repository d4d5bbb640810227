// SPDX-License-Identifier: GPL-2.0-or-later
// What one monitor hands to the next: a small value in the state file on /run. Its text may be old, cut or anybody's:
// what is not understood, or lies in the future, counts as not remembered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agents/ocf/mysql-replication/readers.hpp"

namespace systole::mysql_replication {

struct Memory {
  ReaderState readers = {};
  bool late = false;  // further behind than max_slave_lag, and not yet back below return_slave_lag
  std::int64_t late_changed_ms = -1;
  std::int64_t fresh_ms = -1;  // the moment of which the data here is: now less lag, when the lag was last known
  std::int64_t blind_since_ms = -1;
  std::int64_t flows_since_ms = -1;
  std::int64_t stands_since_ms = -1;  // a thread does, and no error says why

  // A connection that is lost and found again, and nobody says why.
  std::string receiver = {};
  std::int64_t flips = 0, flipped_ms = -1;

  std::int64_t asked_peer_ms = -1;
  std::int64_t offset_us = 0, round_trip_us = -1;  // -1: not measured
  std::string errant = {};                         // a GTID that the primary never had
  bool other_writes = false;                       // whom this server follows, or followed, is writable

  std::int64_t next_try_ms = -1;
  std::int64_t tries = 0;                    // in a row, without success between them
  std::int64_t repairs = 0, window_ms = -1;  // within the hour that began then

  // What the cluster was told last: "" not told.
  std::string told_readable = {}, told_writable = {}, told_score = {};
  std::int64_t told_ms = -1;

  // For people, and so that each change is logged once.
  std::string condition = {}, reason = {};
  std::int64_t lag_ms = -1;
};

std::string to_text(const Memory& memory);
/// Moments are milliseconds since the boot; those behind `now_ms` are of another boot.
Memory parse_memory(std::string_view text, std::int64_t now_ms);

}  // namespace systole::mysql_replication

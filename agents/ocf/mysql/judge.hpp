// SPDX-License-Identifier: GPL-2.0-or-later
// From facts to a monitor's answer: exit code, reason, promotion score, whether readers may come, and what to repair.
// Pure; every line of it is in a table of tests/unit/mysql.
//
// Two rules above all. An instance is called promoted (8) only when the server itself said read_only=0: an answer that
// we failed to get is a failure (1), never a second primary. And trouble with replication alone never restarts a
// server: a replica that waits for a dead primary is the fail-over target.
#pragma once

#include <optional>
#include <string>

#include "agents/ocf/mysql/facts.hpp"

namespace systole::mysql {

enum class Repair {
  none,
  start_io,   // the receiver stands still, the applier runs: starting the receiver keeps the relay log
  start_sql,  // the applier stands still without an error, the receiver lives
  follow,     // not configured, both threads stopped, or the wrong primary: set up replication anew
  enable_semi_sync,
};

inline constexpr int score_promoted = 1000;
inline constexpr int score_replica = 100;
inline constexpr int score_lagging = 5;  // promotable when nobody better is left: draining loses nothing, it takes long
inline constexpr int score_never = -1'000'000;  // -INFINITY: whatever else speaks for it
inline constexpr int score_unrelated = 10;      // follows nobody: a new or cold-started cluster, a former primary

struct Verdict {
  int code = 0;                   // OCF exit code
  std::string reason = {};        // for code ≠ 0, 7, 8 the exit reason; else a note, or ""
  std::optional<int> score = {};  // promotion score; nullopt: none, must not be promoted
  bool readable = false;          // value of the reader attribute
  Repair repair = Repair::none;
  bool apart = false;  // it says that it has transactions which its primary has not, or that may be why it stopped
};

struct Limits {
  long max_slave_lag_s = 3600;
  bool semi_sync = true;
  bool by_file = false;         // replication goes by file and position, and shall
  bool evict_outdated = false;  // a replica behind max_slave_lag_s, or stopped by an error, is 5: stopped and banned
};

Verdict judge(const Facts& facts, const Limits& limits);

/// The server's own words that our history is not the primary's (error 1236 in its two forms).
bool says_diverged(const Replication& replication);

}  // namespace systole::mysql

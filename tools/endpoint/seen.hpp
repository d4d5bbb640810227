// SPDX-License-Identifier: GPL-2.0-or-later
// What one look at this node's database saw. What could not be read is absent, never guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agents/ocf/mysql/facts.hpp"
#include "agents/ocf/mysql/helper_state.hpp"
#include "common/base/time.hpp"

namespace systole::endpoint {

/// Where the rows come from, on a server that is set up as a replica.
struct Stream {
  mysql::Replication status = {};
  mysql::GtidList applied = {};
  std::optional<std::int64_t> beat_age_ms = {};  // of the newest heartbeat row (BeatWatch), where such are written
  Duration silent = {};                          // since when nothing came from the primary, not even a heartbeat
  Duration silence_max = {};  // from which on that is no silence of an idle primary any more; zero: it sends none
};

struct Seen {
  std::string node = {}, resource = {};
  std::string silence = {};  // why the database did not answer, in words for anybody; "": it did
  std::string detail = {};   // the same with all that is known, for the log alone: it may name accounts and files
  bool writable = false;     // its own word: read_only=0
  std::optional<Stream> stream = {};
  mysql::GtidList applied = {};
  mysql::Record record = {};  // does not exist where none is kept
  std::optional<mysql::HelperState> helper = {};
  long max_slave_lag_s = 3600;  // the resource's bound for readers
  std::string since = {};       // when this role was first seen, UTC
};

}  // namespace systole::endpoint

// SPDX-License-Identifier: GPL-2.0-or-later
// May this replica become the primary? With several live replicas the one that *received* most must, or the others
// would hold transactions that the new primary never had. Every live instance publishes its history before a
// promotion; the candidate compares. Two histories of which none is the beginning of the other are for a person to
// judge: then nobody is promoted. Pure.
#pragma once

#include <string>
#include <vector>

#include "agents/ocf/mysql/gtid.hpp"

namespace systole::mysql {

struct Candidate {
  std::string node;
  /// gtid_binlog_state, gtid_slave_pos and what was received, one after the other: its position, and who wrote what.
  GtidList history;
};

struct Election {
  bool may_promote = true;
  std::string conflict = {};  // a live node whose history and ours differ
  std::string better = {};    // the node that has most, when it is not us
  std::uint64_t missing = 0;  // how many transactions it has and we have not
  GtidList position = {};     // what it has
};

/// `others`: live instances that published a history; an empty one takes no part. Equal positions: we may.
Election elect(const Candidate& self, const std::vector<Candidate>& others);

}  // namespace systole::mysql

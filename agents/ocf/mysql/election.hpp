// SPDX-License-Identifier: GPL-2.0-or-later
// May this replica become the primary? With several live replicas the one that *received* most must, or the others
// would hold transactions that the new primary never had. Every live instance publishes what it has before a
// promotion; the candidate compares. Pure.
#pragma once

#include <string>
#include <vector>

#include "agents/ocf/mysql/gtid.hpp"

namespace systole::mysql {

struct Candidate {
  std::string node;
  GtidList received;
};

struct Election {
  bool may_promote = true;
  std::string better = {};    // the node that has most, when it is not us
  std::uint64_t missing = 0;  // how many transactions it has and we have not
  GtidList position = {};     // what it has
};

/// `others`: live instances that published a position. Equal positions: we may.
Election elect(const Candidate& self, const std::vector<Candidate>& others);

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// The node with the largest lead wins; ties by name, so that every node names the same winner.
#include "agents/ocf/mysql/election.hpp"

namespace systole::mysql {

Election elect(const Candidate& self, const std::vector<Candidate>& others) {
  Election election;
  for (const Candidate& other : others) {
    if (other.history.empty()) continue;
    const GtidList own = position_of(self.history), theirs = position_of(other.history);
    const std::uint64_t lead = missing(own, theirs);
    const bool apart = lead > 0 ? diverged(own, other.history).has_value() : diverged(theirs, self.history).has_value();
    if (apart) return {.may_promote = false, .conflict = other.node};
    if (lead == 0) continue;
    const bool best = lead > election.missing || (lead == election.missing && other.node < election.better);
    if (best) election = {.may_promote = false, .better = other.node, .missing = lead, .position = theirs};
  }
  return election;
}

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// The node with the largest lead wins; ties by name, so that every node names the same winner.
#include "agents/ocf/mysql/election.hpp"

namespace systole::mysql {

Election elect(const Candidate& self, const std::vector<Candidate>& others) {
  Election election;
  for (const Candidate& other : others) {
    const std::uint64_t lead = missing(self.received, other.received);
    if (lead == 0) continue;
    const bool best = lead > election.missing || (lead == election.missing && other.node < election.better);
    if (best) election = {.may_promote = false, .better = other.node, .missing = lead, .position = other.received};
  }
  return election;
}

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// The simulated network: for each directed pair of nodes and each link a delay, and chances of loss, doubling and
// overtaking; any direction can be cut. Packets are encoded and decoded on their way now and then, so that what the
// cores say also fits a datagram.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "common/base/dice.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"

namespace systole::sim {

struct Quality {
  unsigned lost_permille = 0, doubled_permille = 0, late_permille = 0;
  Duration delay = 200us, jitter = 300us, lateness = 0ms;
  bool cut = false;
};

class Network {
 public:
  using Way = std::tuple<NodeId, NodeId, std::size_t>;  // from, to, link

  Quality& quality(Way way) { return ways_[way]; }
  void cut(Way way, bool is_cut) { ways_[way].cut = is_cut; }
  void heal() {
    ways_.clear();
    last_.clear();
  }

  /// When the copies of a packet sent now arrive; none: lost.
  std::vector<Time> arrivals(Time now, Way way, Dice& dice) {
    const auto found = ways_.find(way);
    const Quality quality = found == ways_.end() ? Quality{} : found->second;
    std::vector<Time> times;
    if (quality.cut || dice.chance(quality.lost_permille, 1000)) return times;
    const int copies = dice.chance(quality.doubled_permille, 1000) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      Duration delay = quality.delay + Duration(dice.between(0, quality.jitter.count()));
      if (dice.chance(quality.late_permille, 1000)) {
        times.push_back(now + delay + Duration(dice.between(0, quality.lateness.count())));
        continue;
      }
      Time& last = last_[way];  // what is not late keeps its order, as in a cable
      last = std::max(last, now + delay);
      times.push_back(last);
    }
    return times;
  }

 private:
  std::map<Way, Quality> ways_;
  std::map<Way, Time> last_;
};

}  // namespace systole::sim

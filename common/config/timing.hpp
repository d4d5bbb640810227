// SPDX-License-Identifier: GPL-2.0-or-later
// How long a node may go on without its peers, computed from cluster.conf and from what this machine gives:
//
//   lease + guard + ladder (+ watchdog) ≤ 98 % of (deadtime + takeover_delay)
//
//   lease           from a packet that those who grant the lease have heard, to its end
//   guard           how late the guardian's timer may be
//   ladder          how long the guardian needs to drop addresses and kill
//   keepalive       mode ping only: the target may have answered that much later than the peer heard us last
//   takeover_delay  how much longer than deadtime the others wait
//
// The left side is one node's own affair, the right side must be the same on all nodes: takeover_delay follows from
// cluster.conf alone, and a node that is granted less than it assumes gets a shorter lease.
#pragma once

#include <string>

#include "common/base/result.hpp"
#include "common/config/cluster_conf.hpp"

namespace systole::config {

/// A timer's lateness under load that must be reckoned with: with real-time priority, and without.
inline constexpr Duration guard_realtime = 20ms, guard_without = 100ms;
/// Twice what it took at most to drop addresses and to kill a cgroup on a busy machine.
inline constexpr Duration ladder_time = 20ms;

/// What a watchdog is told when cluster.conf names a device and no watchdog_timeout.
inline constexpr Duration watchdog_timeout_default = 5s;

struct Timing {
  Duration takeover_delay{}, lease{}, guard{}, ladder{}, watchdog{};
  Duration lost_after{};     // deadtime + takeover_delay
  bool keeps_order = false;  // the inequality holds
};

/// Errors: the lease that is asked for breaks the inequality, or what is left for it is too short to be renewed.
Result<Timing> timing_of(const ClusterConf& conf, bool realtime);

/// 0 without a watchdog.
Duration watchdog_timeout(const ClusterConf& conf);

/// "lease 940ms + guard 20ms + ladder 20ms ≤ 98 % of (deadtime 1s + takeover_delay 0ms) = 980ms"
std::string inequality(const ClusterConf& conf, const Timing& timing);

/// "majority", "witness", "ping", "none": what people call it.
std::string mode_of(const ClusterConf& conf);
/// What the mode promises, in one sentence.
std::string guarantee_of(const ClusterConf& conf);

}  // namespace systole::config

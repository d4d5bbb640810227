// SPDX-License-Identifier: GPL-2.0-or-later
// See timing.hpp.
#include "common/config/timing.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace systole::config {

namespace {

/// 98 %: each clock may run up to 1 % too fast or too slow.
Duration bounded(Duration whole) {
  return whole * 98 / 100;
}

Duration round_up(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

Duration round_down(Duration duration) {
  return std::chrono::floor<std::chrono::milliseconds>(duration);
}

/// The ping target may have answered a node up to a keepalive after the peer heard its last packet.
Duration ping_margin(const ClusterConf& conf) {
  return conf.mode == QuorumMode::ping ? conf.keepalive : Duration{};
}

/// The same on every node: nothing that only this machine knows goes in.
Duration takeover_delay_of(const ClusterConf& conf, Duration watchdog) {
  if (conf.takeover_delay) return *conf.takeover_delay;
  if (conf.mode == QuorumMode::none) return Duration{};
  const Duration needed = conf.lease.value_or(conf.deadtime / 2) + conf.guard.value_or(guard_realtime) + ladder_time +
                          watchdog + ping_margin(conf);
  return std::max(round_up(needed * 100 / 98 - conf.deadtime), Duration{});
}

}  // namespace

Duration watchdog_timeout(const ClusterConf& conf) {
  if (conf.guardian.watchdog_device.empty()) return {};
  return conf.guardian.watchdog_timeout.value_or(watchdog_timeout_default);
}

Result<Timing> timing_of(const ClusterConf& conf, bool realtime) {
  Timing timing;
  timing.guard = conf.guard.value_or(realtime ? guard_realtime : guard_without);
  timing.ladder = ladder_time;
  if (conf.mode != QuorumMode::none) timing.watchdog = watchdog_timeout(conf);
  timing.takeover_delay = takeover_delay_of(conf, timing.watchdog);
  timing.lost_after = conf.deadtime + timing.takeover_delay;
  const Duration most =
      round_down(bounded(timing.lost_after) - timing.guard - timing.ladder - timing.watchdog - ping_margin(conf));
  timing.lease = conf.lease.value_or(most);
  timing.keeps_order = timing.lease <= most;
  if (conf.mode == QuorumMode::none) {
    // Nobody waits for its end here: it only says after how long a hung daemon's resources are dropped.
    timing.lease = conf.lease.value_or(std::max(most, conf.deadtime / 2));
    return timing;
  }
  if (!timing.keeps_order)
    return Error{Errc::invalid,
                 fmt::format("lease {} is too long: {} is false; leave 'lease' out, or raise deadtime or "
                             "takeover_delay",
                             to_text(timing.lease), inequality(conf, timing))};
  if (timing.lease < conf.keepalive * 2)
    return Error{
        Errc::invalid,
        fmt::format("what is left for the lease is {}, and an echo may take two keepalives of {}{}; raise deadtime "
                    "or takeover_delay, or lower keepalive",
                    to_text(std::max(timing.lease, Duration{})), to_text(conf.keepalive),
                    realtime || conf.guard
                        ? ""
                        : fmt::format(" (this daemon is not granted real-time priority, so its timers may be {} "
                                      "late)",
                                      to_text(timing.guard)))};
  return timing;
}

std::string inequality(const ClusterConf& conf, const Timing& timing) {
  return fmt::format("lease {} + guard {} + ladder {}{}{} ≤ 98 % of (deadtime {} + takeover_delay {}) = {}",
                     to_text(timing.lease), to_text(timing.guard), to_text(timing.ladder),
                     timing.watchdog > Duration{} ? " + watchdog " + to_text(timing.watchdog) : "",
                     conf.mode == QuorumMode::ping ? " + keepalive " + to_text(conf.keepalive) : "",
                     to_text(conf.deadtime), to_text(timing.takeover_delay),
                     to_text(round_down(bounded(conf.deadtime + timing.takeover_delay))));
}

std::string mode_of(const ClusterConf& conf) {
  switch (conf.mode) {
    case QuorumMode::majority:
      return conf.has_witness() ? "witness" : "majority";
    case QuorumMode::ping:
      return "ping";
    case QuorumMode::none:
      return "none";
  }
  return "?";
}

std::string guarantee_of(const ClusterConf& conf) {
  switch (conf.mode) {
    case QuorumMode::majority:
      if (conf.nodes.size() == 1) return "one node: nothing survives its loss";
      if (conf.nodes.size() == 2)
        return "no acknowledged change is lost and no resource has two owners; but with two nodes and no witness the "
               "loss of either stops everything";
      if (!conf.guardian.watchdog_device.empty())
        return "no acknowledged change is lost, and no resource ever has two owners (if the watchdog is a hardware "
               "one)";
      return "no acknowledged change is lost, and no resource has two owners but while a frozen machine, or a process "
             "that cannot be killed, outlives its lease";
    case QuorumMode::ping:
      return "two owners, and the loss of one side's changes, only if the nodes lose each other while both reach the "
             "ping "
             "target and neither answers at its addresses";
    case QuorumMode::none:
      return "any cut between the nodes makes both go on: two owners, and the changes of one side are lost";
  }
  return "?";
}

}  // namespace systole::config

// SPDX-License-Identifier: GPL-2.0-or-later
// See lease.hpp for the argument.
#include "crmd/membership/lease.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace systole::membership {

Lease::Lease(const Config& config)
    : needs_nobody_(config.mode == Mode::none || config.nodes.size() == 1),
      length_(config.lease),
      held_length_(config.lease + (config.deadtime + config.takeover_delay) * 98 / 100),
      others_needed_(config.nodes.size() / 2) {}

void Lease::reconfigure(const Config& config) {
  needs_nobody_ = config.mode == Mode::none || config.nodes.size() == 1;
  others_needed_ = config.nodes.size() / 2;
  std::erase_if(followers_, [&](const auto& follower) {
    return std::ranges::find(config.nodes, follower.first, &Member::id) == config.nodes.end();
  });
}

void Lease::follower_heard(NodeId peer, Time sent) {
  Time& newest = followers_[peer];
  newest = std::max(newest, sent);
  if (followers_.size() < others_needed_) return;
  std::vector<Time> times;
  for (const auto& [node, time] : followers_) times.push_back(time);
  std::ranges::sort(times, std::greater<>{});
  authority_ = times[others_needed_ - 1] + length_;
  until_ = std::max(until_, authority_);
}

void Lease::granted(Time sent) {
  until_ = std::max(until_, sent + length_);
}

void Lease::held(Time asked) {
  until_ = std::max(until_, asked + held_length_);
}

void Lease::tick(Time now) {
  if (needs_nobody_) authority_ = now + length_;
}

void Lease::heartbeat(Time sent) {
  if (needs_nobody_) until_ = std::max(until_, sent + length_);
}

}  // namespace systole::membership

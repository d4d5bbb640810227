// SPDX-License-Identifier: GPL-2.0-or-later
// See lease.hpp for the argument.
#include "crmd/membership/lease.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace systole::membership {

namespace {

/// The time of the n-th newest.
Time nth_newest(const std::map<NodeId, Time>& heard, std::size_t n) {
  if (n == 0 || heard.size() < n) return {};
  std::vector<Time> times;
  for (const auto& [node, time] : heard) times.push_back(time);
  std::ranges::sort(times, std::greater<>{});
  return times[n - 1];
}

}  // namespace

Duration desertion_after(const Config& config) {
  const Duration silence = config.lease - config.keepalive * 5 / 4;
  const bool possible = config.mode == Mode::majority && silence >= config.keepalive * 3 / 2;
  return possible ? silence : Duration{};
}

Lease::Lease(const Config& config)
    : needs_nobody_(config.mode == Mode::none || config.nodes.size() == 1),
      length_(config.lease),
      held_length_(config.lease + (config.deadtime + config.takeover_delay) * 98 / 100),
      others_needed_(config.nodes.size() / 2) {}

void Lease::reconfigure(const Config& config) {
  needs_nobody_ = config.mode == Mode::none || config.nodes.size() == 1;
  others_needed_ = config.nodes.size() / 2;
  const auto gone = [&](const auto& entry) {
    return std::ranges::find(config.nodes, entry.first, &Member::id) == config.nodes.end();
  };
  std::erase_if(followers_, gone);
  std::erase_if(deserters_, gone);
}

void Lease::follower_heard(NodeId peer, Time sent) {
  Time& newest = followers_[peer];
  newest = std::max(newest, sent);
  if (followers_.size() < others_needed_) return;
  authority_ = nth_newest(followers_, others_needed_) + length_;
  until_ = std::max(until_, authority_);
}

void Lease::deserter_heard(NodeId peer, Time sent) {
  Time& latest = deserters_[peer];
  latest = std::max(latest, sent);
  if (deserters_.size() >= others_needed_) until_ = std::max(until_, nth_newest(deserters_, others_needed_) + length_);
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

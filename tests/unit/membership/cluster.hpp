// SPDX-License-Identifier: GPL-2.0-or-later
// A few memberships on a perfect wire (1 ms each way, disks of 2 ms), with cables to pull: for tests that tell one
// story. The simulator does the many.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "crmd/membership/membership.hpp"

namespace systole::membership {

class Cluster {
 public:
  static constexpr Duration flight = 1ms, disk = 2ms;

  explicit Cluster(std::size_t nodes, Mode mode = Mode::majority, Duration keepalive = 200ms, Duration deadtime = 1s,
                   std::size_t links = 1) {
    config_.cluster = "test";
    config_.mode = mode;
    config_.keepalive = keepalive;
    config_.deadtime = deadtime;
    config_.initdead = 4 * deadtime;
    config_.lease = deadtime * 9 / 10;
    for (std::uint32_t id = 1; id <= nodes; ++id) config_.nodes.push_back({NodeId{id}, fmt::format("n{}", id), links});
    votes.resize(nodes + 1);
    documents.resize(nodes + 1);
  }

  void start(std::uint32_t id) {
    Config config = config_;
    config.self = NodeId{id};
    config.may_have_forgotten = damaged.contains(id);
    ++boots_;
    nodes_[id] = std::make_unique<Membership>(config, boots_ * 1000 + id, votes[id], documents[id],
                                              Dice(boots_ * 7919 + id), Now{now, 0});
    step(id, Tick{});
  }
  void start_all() {
    for (const Member& member : config_.nodes) start(member.id.value);
  }
  void power_off(std::uint32_t id) { nodes_.erase(id); }
  void cut(std::uint32_t from, std::uint32_t to) { cut_.insert({from, to}); }
  void isolate(std::uint32_t id) {
    for (const Member& other : config_.nodes) {
      cut(id, other.id.value);
      cut(other.id.value, id);
    }
  }
  void mend() { cut_.clear(); }

  Config& config() { return config_; }  // before start()
  Membership& node(std::uint32_t id) { return *nodes_.at(id); }

  void step(std::uint32_t id, const Event& event) {
    for (Effect& effect : nodes_.at(id)->step(Now{now, 0}, event)) {
      if (auto* transmit = std::get_if<Transmit>(&effect)) {
        on_wire.push_back(*transmit);
        if (cut_.contains({id, transmit->to.value}) || cut_links.contains(transmit->link)) continue;
        if (lose && lose(*transmit)) continue;
        later(flight, [this, transmit = *transmit] {
          if (nodes_.contains(transmit.to.value)) step(transmit.to.value, PacketIn{transmit.link, transmit.packet});
        });
      } else if (const auto* store = std::get_if<StoreVote>(&effect)) {
        const Membership* const asked = nodes_.at(id).get();
        later(disk, [this, id, asked, vote = store->vote] {
          if (!nodes_.contains(id) || nodes_.at(id).get() != asked) return;
          votes[id] = vote;
          step(id, VoteStored{vote});
        });
      } else {
        told[id].emplace_back(now, std::move(effect));
      }
    }
  }

  void run(Duration how_long) {
    const Time end = now + how_long;
    while (true) {
      std::uint32_t first = 0;
      Time wake = never;
      for (auto& [id, member] : nodes_)
        if (!stopped.contains(id) && member->next_deadline() < wake) {
          wake = member->next_deadline();
          first = id;
        }
      const Time happening = agenda_.empty() ? never : agenda_.begin()->first;
      if (std::min(wake, happening) > end) break;
      if (happening <= wake) {
        now = std::max(now, happening);
        const auto what = std::move(agenda_.begin()->second);
        agenda_.erase(agenda_.begin());
        what();
      } else {
        now = std::max(now, wake);
        step(first, Tick{});
      }
    }
    now = end;
  }

  std::uint32_t leader() const {  // 0: none, or they do not agree
    std::set<std::uint32_t> known;
    for (const auto& [id, member] : nodes_) known.insert(member->leader().value);
    return known.size() == 1 ? *known.begin() : 0;
  }
  /// When node id was first told an effect of type T that `which` likes.
  template <class T>
  std::optional<Time> when(std::uint32_t id, const std::function<bool(const T&)>& which = {}) const {
    const auto found = told.find(id);
    if (found == told.end()) return std::nullopt;
    for (const auto& [at, effect] : found->second)
      if (const auto* it = std::get_if<T>(&effect); it != nullptr && (!which || which(*it))) return at;
    return std::nullopt;
  }
  std::string notes(std::uint32_t id) const {
    std::string text;
    if (const auto found = told.find(id); found != told.end())
      for (const auto& [at, effect] : found->second)
        if (const auto* note = std::get_if<Note>(&effect)) text += note->text + "\n";
    return text;
  }
  std::vector<std::string> delivered(std::uint32_t id) const {
    std::vector<std::string> messages;
    if (const auto found = told.find(id); found != told.end())
      for (const auto& [at, effect] : found->second)
        if (const auto* message = std::get_if<Deliver>(&effect)) messages.push_back(message->message);
    return messages;
  }

  Time now{1h};
  std::vector<Vote> votes;          // on disk, by node
  std::vector<Stamp> documents;     // on disk at start, by node
  std::set<std::uint32_t> damaged;  // whose documents stand in for damaged ones
  std::vector<Transmit> on_wire;
  std::map<std::uint32_t, std::vector<std::pair<Time, Effect>>> told;
  std::function<bool(const Transmit&)> lose;
  std::set<std::size_t> cut_links;
  std::set<std::uint32_t> stopped;  // SIGSTOP: no timers; what comes in waits in nobody's socket here

 private:
  void later(Duration after, std::function<void()> what) { agenda_.emplace(now + after, std::move(what)); }

  Config config_;
  std::map<std::uint32_t, std::unique_ptr<Membership>> nodes_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> cut_;
  std::multimap<Time, std::function<void()>> agenda_;
  std::uint64_t boots_ = 0;
};

}  // namespace systole::membership

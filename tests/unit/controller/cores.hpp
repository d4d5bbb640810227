// SPDX-License-Identifier: GPL-2.0-or-later
// A few whole cores on a perfect wire (1 ms each way) with disks that can be held up, for tests that tell one story.
// Documents are plain text here: a change appends its text. The simulator does the many.
#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "common/base/overloaded.hpp"
#include "crmd/controller/core.hpp"

namespace systole::controller {

class Cores {
 public:
  /// witness: one of the nodes; 0: there is none.
  explicit Cores(std::uint32_t nodes, membership::Mode mode = membership::Mode::majority, std::uint32_t witness = 0) {
    membership_.cluster = "test";
    membership_.mode = mode;
    for (std::uint32_t id = 1; id <= nodes; ++id) {
      membership_.nodes.push_back({NodeId{id}, fmt::format("n{}", id), 1, id == witness});
      configuration.nodes.push_back({std::to_string(id), NodeName{fmt::format("n{}", id)}, "member", {}});
    }
    for (std::uint32_t id = 1; id <= nodes; ++id) start(id);
  }

  void start(std::uint32_t id) {
    Config config{.membership = membership_, .run_directory = "/run/test", .agent_environment = {}};
    config.membership.self = NodeId{id};
    const DocumentRules rules{.parse = [this](const std::string&) { return configuration; },
                              .apply =
                                  [](const std::string& document, const auto&, const auto&, const auto& request, auto) {
                                    return cib::Changed{document + request.xml, true, {}, {}};
                                  }};
    ++boots_;
    cores_[id] = std::make_unique<Core>(config, boots_ * 1000, votes_[id], stored_[id], "", rules, Dice(boots_ * 77),
                                        Now{now, 0});
    step(id, membership::Tick{});
  }
  void kill(std::uint32_t id) {
    cores_.erase(id);
    held_.erase(id);
  }
  /// What a disk was asked to store meanwhile, it stores when it goes on.
  void hold_disks() {
    for (const auto& [id, core] : cores_) holding_.insert(id);
  }
  void hold_disk(std::uint32_t id) { holding_.insert(id); }
  void release_disks() {
    for (const std::uint32_t id : std::set(holding_)) release_disk(id);
  }
  void release_disk(std::uint32_t id) {
    holding_.erase(id);
    for (const Stamped& document : std::exchange(held_[id], {})) store(id, document);
  }
  /// Each held disk stores the first thing that it was asked for.
  void store_oldest() {
    for (auto& [id, documents] : held_) {
      if (documents.empty()) continue;
      store(id, documents.front());
      documents.erase(documents.begin());
    }
  }

  void change(std::uint32_t id, std::uint64_t client, std::string text) {
    cib::Request request;
    request.xml = std::move(text);
    step(id, ClientRequest{client, wire::ipc::ChangeCib{request}, "root"});
  }

  void step(std::uint32_t id, const Event& event) {
    for (Effect& effect : cores_.at(id)->step(Now{now, to_ms(now.time_since_epoch()) / 1000}, event)) {
      std::visit(Overloaded{
                     [&](const membership::Transmit& packet) { send(packet); },
                     [&](const membership::StoreVote& vote) {
                       votes_[id] = vote.vote;
                       later(id, membership::VoteStored{vote.vote});
                     },
                     [&](const StoreDocument& asked) {
                       if (holding_.contains(id))
                         held_[id].push_back(asked.document);
                       else
                         store(id, asked.document);
                     },
                     [&](const StartAgain&) { began_again.insert(id); },
                     [&](const Reconfigured& done) { refused[id] = done.refused; },
                     [&](const membership::Note& note) { told[id] += note.text + "\n"; },
                     [&](const executor::RunAgent& run) {
                       if (nothing_runs) later(id, AgentDone{run.call, {.rc = 7, .exit_reason = {}}});
                     },
                     [&](const Reply& reply) { replies[reply.client] = reply.reply; },
                     [&](const auto&) {},
                 },
                 effect);
    }
  }

  void run(Duration how_long) {
    const Time end = now + how_long;
    while (true) {
      auto first = cores_.begin();
      for (auto it = cores_.begin(); it != cores_.end(); ++it)
        if (it->second->next_deadline() < first->second->next_deadline()) first = it;
      const Time wake = first->second->next_deadline();
      const Time event = agenda_.empty() ? never : agenda_.begin()->first;
      if (std::min(wake, event) > end) break;
      now = std::max(now, std::min(wake, event));
      if (wake < event) {
        step(first->first, membership::Tick{});
      } else {
        const auto [id, what] = agenda_.begin()->second;
        agenda_.erase(agenda_.begin());
        if (cores_.contains(id)) step(id, what);
      }
    }
    now = end;
  }

  std::uint32_t leader() const { return cores_.begin()->second->membership().leader().value; }
  const Core& core(std::uint32_t id) const { return *cores_.at(id); }

  Time now{};
  cib::Configuration configuration;                   // what every document says
  std::map<std::uint64_t, wire::ipc::Reply> replies;  // by client
  std::map<std::uint32_t, std::string> told;          // by node
  std::set<std::uint32_t> began_again;
  bool nothing_runs = false;  // agents answer, and say so; otherwise their calls never end
  std::map<std::uint32_t, std::optional<std::string>> refused;  // by node: the last list of nodes

 private:
  void later(std::uint32_t id, Event what) { agenda_.emplace(now + 1ms, std::pair(id, std::move(what))); }
  void send(const membership::Transmit& packet) {
    later(packet.to.value, membership::PacketIn{packet.link, packet.packet});
  }
  void store(std::uint32_t id, const Stamped& document) {
    stored_[id] = document;
    later(id, DocumentStored{document.stamp});
  }

  membership::Config membership_;
  std::uint64_t boots_ = 0;
  std::set<std::uint32_t> holding_;
  std::map<std::uint32_t, std::unique_ptr<Core>> cores_;
  std::map<std::uint32_t, Vote> votes_;
  std::map<std::uint32_t, Stamped> stored_;
  std::map<std::uint32_t, std::vector<Stamped>> held_;
  std::multimap<Time, std::pair<std::uint32_t, Event>> agenda_;
};

}  // namespace systole::controller

// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's shell as far as it talks to its guardian: what crmd/io/guardian_client and crmd/main do with sockets,
// processes and the lease page, around the same rules (guardian::Conversation) and in the same words (its protocol).
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/world.hpp"

namespace systole::sim {

namespace {

constexpr Duration socket_time = 50us;
constexpr Duration spawn_interval = 200ms;  // as in crmd/io/guardian_client
constexpr Duration retry_interval = 5ms;

}  // namespace

void World::hold(Node& node, const std::vector<executor::Held>& held) {
  std::vector<guardian::Holding> holdings;
  for (const executor::Held& one : held) holdings.push_back({one.resource.value, one.addresses, {}, {}, {}});
  say(node, node.shell.talk.hold(std::move(holdings)));
}

void World::feed_guardian(Node& node, Time until) {
  node.shell.fed = std::max(node.shell.fed, until);
  if (node.shell.page_is_mapped) node.page = std::max(node.page, node.shell.fed);
}

void World::agent_wanted(Node& node, const executor::RunAgent& run) {
  if (node.shell.talk.all_accepted())
    run_agent(node, run);
  else
    node.shell.not_yet_held.push_back(run);
}

void World::agent_unwanted(Node& node, std::uint64_t call) {
  auto& waiting = node.shell.not_yet_held;
  const auto waits = std::ranges::find(waiting, call, &executor::RunAgent::call);
  if (waits == waiting.end()) return kill_agent(node, call);
  waiting.erase(waits);
  count("agent call cancelled before its guardian knew");
  at(now_, [this, &node, call, life = node.life] {
    if (node.life == life) feed(node, AgentDone{call, executor::Outcome{1, cib::OpStatus::cancelled, "", {}}});
  });
}

// ---- getting a guardian

void World::connect(Node& node) {
  if (node.shell.guardian != 0) return;
  if (!node.guardian.machine) return spawn_guardian(node);
  node.shell.guardian = node.guardian.life;
  say(node, node.shell.talk.connected());
}

/// The new process lives on if the daemon dies meanwhile.
void World::spawn_guardian(Node& node) {
  if (std::exchange(node.shell.starting_one, true)) return;
  const Time when = std::max(now_, node.spawn_at) + some(2ms, 15ms);
  node.spawn_at = std::max(now_, node.spawn_at) + spawn_interval;
  at(when, [this, &node, power = node.power, life = node.life] {
    if (node.power != power) return;
    process_of(node, [this, &node, life] {
      if (!node.guardian.machine) begin_guardian(node);
      at(now_ + some({}, retry_interval), [this, &node, life] {
        if (node.life != life) return;
        daemon_of(node, [this, &node] {
          node.shell.starting_one = false;
          connect(node);
        });
      });
    });
  });
}

void World::guardian_is_lost(Node& node, std::uint64_t which) {
  if (node.shell.guardian != which) return;
  node.shell.guardian = 0;
  node.shell.talk.lost();
  connect(node);
}

// ---- the conversation

void World::say(Node& node, const std::vector<guardian::FromCrmd>& messages) {
  if (node.shell.guardian == 0) return;
  for (const guardian::FromCrmd& message : messages)
    at(now_ + socket_time,
       [this, &node, to = node.shell.guardian, from = node.life, bytes = guardian::encode(message).value()] {
         process_of(node, [this, &node, to, from, bytes] {
           if (!node.guardian.machine || node.guardian.life != to) return;
           const auto heard = guardian::decode_from_crmd(bytes);
           if (!heard) return judge_.broken("the guardian does not understand crmd: " + heard.error().what);
           guardian_hears(node, from, *heard);
         });
       });
}

void World::guardian_says(Node& node, const guardian::FromGuardian& message) {
  at(now_ + socket_time,
     [this, &node, from = node.guardian.life, to = node.guardian.crmd, bytes = guardian::encode(message).value()] {
       if (node.life != to) return;
       daemon_of(node, [this, &node, from, bytes] {
         if (node.shell.guardian != from) return;
         const auto heard = guardian::decode_from_guardian(bytes);
         if (!heard) return judge_.broken("crmd does not understand its guardian: " + heard.error().what);
         std::visit([this, &node](const auto& which) { crmd_hears(node, which); }, *heard);
       });
     });
}

void World::crmd_hears(Node& node, const guardian::State& state) {
  node.shell.page_is_mapped = true;
  feed_guardian(node, node.shell.fed);
  const bool first = node.shell.talk.meet(state);
  say(node, node.shell.talk.follow_up(state));
  if (first) {
    Inherited inherited{{}, state.until.value_or(Time{})};
    for (const guardian::Holding& held : state.holdings)
      inherited.held.push_back({ResourceId{held.resource}, held.addresses});
    if (!inherited.held.empty()) count("resources inherited by the next daemon");
    step(node, inherited);
  }
  if (state.laddered && state.laddered->all_gone) step(node, Dropped{});
}

void World::crmd_hears(Node& node, const guardian::Ack& ack) {
  node.shell.talk.accepted(ack);
  if (!node.shell.talk.all_accepted()) return;
  for (const executor::RunAgent& run : std::exchange(node.shell.not_yet_held, {})) run_agent(node, run);
}

void World::crmd_hears(Node& node, const guardian::LadderedNews& news) {
  say(node, {guardian::HeardNews{}});
  if (news.news.all_gone) step(node, Dropped{});
}

}  // namespace systole::sim

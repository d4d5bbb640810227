// SPDX-License-Identifier: GPL-2.0-or-later
// The guardians of the simulated nodes, and what stops everything that could act on one: a frozen node. A guardian
// outlives its daemon; at the end of the lease it drops and kills what is held, as late as the inequality allows.
#include <fmt/format.h>

#include "tests/sim/world.hpp"

namespace systole::sim {

/// What a process of this node does now, or once the node is no longer frozen.
void World::process_of(Node& node, std::function<void()> what) {
  if (node.frozen)
    node.when_thawed.push_back(std::move(what));
  else
    what();
}

void World::hold(Node& node, std::vector<executor::Held> held) {
  node.guardian.held = std::move(held);
  guardian_wakes(node);
}

void World::feed_guardian(Node& node, Time until) {
  node.guardian.until = std::max(node.guardian.until, until);
  at(std::max(now_, world(node, node.guardian.until)) + some({}, guard), [this, &node, life = node.guardian.life] {
    if (node.guardian.life == life)
      process_of(node, [this, &node, life] {
        if (node.guardian.life == life) guardian_wakes(node);
      });
  });
}

void World::guardian_wakes(Node& node) {
  Guardian& guardian = node.guardian;
  if (guardian.climbing || guardian.held.empty() || local(node) < guardian.until) return;
  guardian.climbing = true;
  tell(fmt::format("node {}'s guardian: the lease is over", node.id.value));
  count("ladder");
  at(now_ + some({}, ladder), [this, &node, life = guardian.life] {
    if (node.guardian.life == life)
      process_of(node, [this, &node, life] {
        if (node.guardian.life == life) climb(node);
      });
  });
}

void World::climb(Node& node) {
  node.guardian.climbing = false;
  for (const auto& [resource, agent] : std::map(node.under_way))
    if (!agent.in_kernel) end_agent(node, resource, agent, false, {});
  for (const executor::Held& held : std::exchange(node.guardian.held, {})) {
    int& state = node.active[held.resource.value.substr(0, held.resource.value.find(':'))];
    if (state != 0) tell(fmt::format("node {}'s guardian drops {}", node.id.value, held.resource.value));
    state = 0;
  }
  feed(node, Dropped{});
}

/// All its processes, the guardian too: what a suspended virtual machine is. No watchdog is simulated here.
void World::freeze(Node& node, Duration how_long) {
  if (node.frozen || !node.machine || node.paused) return;
  pause(node, how_long);
  tell(fmt::format("node {} is frozen with all its processes", node.id.value));
  node.frozen = true;
  at(now_ + how_long, [this, &node, life = node.guardian.life] {
    if (node.guardian.life == life) thaw(node);
  });
}

void World::thaw(Node& node) {
  if (!node.frozen) return;
  node.frozen = false;
  node.excused = now_ + guard + 2 * ladder;
  last_trouble_ = std::max(last_trouble_, now_);  // two nodes without votes may both lead, and have to meet first
  for (const auto& what : std::exchange(node.when_thawed, {})) what();
}

/// Mode ping: each node asks the ping target, and the addresses that the other one should have.
void World::ping(Node& node) {
  at(now_ + plan_.keepalive, [this, &node] { ping(node); });
  if (!node.machine || node.paused || node.frozen || node.target_cut) return;
  const Time sent = local(node);
  const Node& other = nodes_[node.id.value == 1 ? 1 : 0];
  const auto vip = other.active.find("vip");
  const bool peer_answers = !other.target_cut && vip != other.active.end() && vip->second != 0;
  at(now_ + some(100us, 2ms), [this, &node, sent, peer_answers, life = node.life] {
    if (node.life != life) return;
    feed(node, membership::PingAnswered{sent, false});
    if (peer_answers) feed(node, membership::PingAnswered{sent, true});
  });
}

}  // namespace systole::sim

// SPDX-License-Identifier: GPL-2.0-or-later
// The simulated nodes: how they start, die, stop and go on.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/world.hpp"

namespace systole::sim {

namespace {

constexpr std::size_t inbox_max = 400;  // a paused process's socket buffer

}  // namespace

void World::start(Node& node) {
  if (node.machine || !node.in_service) return;
  if (node.frozen != Frozen::no) return node.when_thawed.push_back([this, &node] { start(node); });
  ++node.life;
  // The clock goes on while only the daemon restarts; a node that had no power begins anew.
  if (node.clock == Time{}) {
    node.clock = Time{some(1s, 1h)};
    node.drift_ppm = static_cast<int>(dice_.between(-9'000, 9'000));
  }
  membership::Config config;
  config.cluster = "sim";
  config.self = node.id;
  config.mode = plan_.mode;
  config.keepalive = plan_.keepalive;
  config.deadtime = plan_.deadtime;
  config.initdead = plan_.initdead;
  config.takeover_delay = plan_.takeover_delay;
  config.lease = plan_.lease;
  node.list = node.listed;
  config.nodes = members_of(node.list);
  tell(fmt::format("node {} starts; its disk knows term {} and document ({}, {})", node.id.value, node.disk.vote.number,
                   node.disk.document.stamp.term.number, node.disk.document.stamp.index));
  node.machine = factory_(config, dice_.next(), node.disk, Dice(dice_.next()), Now{local(node), 1'000'000});
  node.paused = node.was_ready = false;
  node.was_leading = {};
  node.started = node.look_again = now_;
  node.shell = {};
  if (whole_core()) connect(node);
  step(node, membership::Tick{});
}

std::vector<membership::Member> World::members_of(const std::set<NodeId>& list) const {
  std::vector<membership::Member> members;
  for (const NodeId id : list)
    members.push_back({id, fmt::format("node{}", id.value), plan_.links, id == plan_.witness});
  return members;
}

/// What was asked of the disk and not confirmed may or may not be there afterwards, in order.
void World::crash(Node& node, bool power_off) {
  if (!power_off && node.frozen != Frozen::no) return;  // nobody is there to kill it
  if (power_off) lose_power(node);
  if (!node.machine) return;
  tell(fmt::format("node {}{}", node.id.value, power_off ? " loses power" : "'s daemon is killed"));
  std::size_t survive = dice_.below(node.stores.size() + 1);
  if (survive < node.stores.size()) count("crash that lost an unsynced write");
  if (survive > 0) count("crash that kept an unconfirmed write");
  for (; survive > 0; --survive) stored(node);
  node.stores.clear();
  // Agents are killed with their daemon; they may have done their work a moment before, unless they hang killed.
  for (const auto& [resource, agent] : std::exchange(node.under_way, {}))
    if (!power_off && !agent.in_kernel && dice_.chance(1, 2)) act(node, resource, agent.action);
  node.machine.reset();
  node.inbox.clear();
  node.paused = false;
  if (!power_off) daemon_is_gone(node);
  ++node.life;
}

void World::lose_power(Node& node) {
  node.active.clear();
  node.when_thawed.clear();
  node.frozen = Frozen::no;
  node.clock = {};
  ++node.power;
  node.guardian.machine.reset();
  node.page = node.spawn_at = node.bites = node.stuck_until = {};
  node.remembered.clear();
}

/// The same process becomes the next daemon; nothing of the node is touched meanwhile.
void World::begins_again(Node& node) {
  count("daemon began again as its successor");
  if (!node.under_way.empty()) judge_.broken(fmt::format("node {} begins again while an agent runs", node.id.value));
  at(now_, [this, &node, life = node.life] {
    if (node.life != life) return;
    crash(node, false);
    at(now_ + some(5ms, 60ms), [this, &node] { start(node); });
  });
}

/// A daemon that ends in order leaves nothing behind; some time later it is started again.
void World::left(Node& node, const Left& left) {
  tell(fmt::format("node {}'s daemon ends: {}", node.id.value, left.reason));
  count("left: " + left.reason);
  if (node.id == going_) node.in_service = false;
  for (const auto& [resource, state] : node.active)
    if (state != 0)
      judge_.broken(fmt::format("node {} left in order and {} is still active there", node.id.value, resource));
  if (!node.shell.talk.holds_something()) say(node, node.shell.talk.done());
  at(now_, [this, &node, life = node.life] {
    if (node.life != life) return;
    crash(node, false);
    at(now_ + some(1ms, plan_.deadtime * 2), [this, &node] { start(node); });
  });
}

void World::pause(Node& node, Duration how_long) {
  if (!node.machine || node.paused) return;
  tell(fmt::format("node {} is stopped (SIGSTOP) for {:.3f} s", node.id.value,
                   std::chrono::duration<double>(how_long).count()));
  node.paused = true;
  node.paused_at = now_;
  at(now_ + how_long, [this, &node, life = node.life] {
    if (node.life == life && node.paused) resume(node);
  });
}

void World::resume(Node& node) {
  tell(fmt::format("node {} runs again, {} inputs wait", node.id.value, node.inbox.size()));
  node.paused = false;
  // Nobody grants a lease in mode none: who was deaf for so long obeys orders that its peer gave before it took over.
  if (plan_.mode == membership::Mode::none && now_ > node.paused_at + plan_.deadtime)
    last_trouble_ = std::max(last_trouble_, now_);
  for (auto& [peer, when] : node.heard) when = now_;  // what waited is taken in now
  const auto inbox = std::exchange(node.inbox, {});
  const std::uint64_t life = node.life;
  if (dice_.chance(1, 2)) step(node, membership::Tick{});  // a real loop may see the timer first, or the sockets
  for (const auto& what : inbox)
    if (node.life == life) what();
}

void World::feed(Node& node, const Input& input) {
  if (!node.machine) return;
  if (!node.paused) return step(node, input);
  const bool packet = std::holds_alternative<membership::PacketIn>(input);
  if (!packet || node.inbox.size() < inbox_max) node.inbox.push_back([this, &node, input] { step(node, input); });
}

/// What the daemon that runs now does as soon as it is not stopped.
void World::daemon_of(Node& node, std::function<void()> what) {
  if (!node.machine) return;
  if (node.paused)
    node.inbox.push_back(std::move(what));
  else
    what();
}

}  // namespace systole::sim

// SPDX-License-Identifier: GPL-2.0-or-later
// What goes wrong in a simulated cluster, and the clients that go on writing meanwhile.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/world.hpp"

namespace systole::sim {

void World::client_writes() {
  client_write(next_write_++);
  if (!storming_) return;
  at(now_ + some(plan_.deadtime / 8, plan_.deadtime), [this] {
    if (storming_) client_writes();
  });
}

/// In the small machine the leader takes it, whichever that is; here each client is connected to one node.
void World::client_write(std::uint64_t write) {
  std::uint64_t skipped = write % in_service();
  for (Node& node : nodes_) {
    if (!node.in_service || (whole_core() && skipped-- != 0)) continue;
    feed(node, Write{write});
    if (whole_core()) return;
  }
}

void World::storm(Time end) {
  if (now_ >= end || !storming_) return;
  misfortune();
  at(now_ + some({}, plan_.deadtime), [this, end] { storm(end); });
}

void World::misfortune() {
  Node& node = any_node();
  switch (dice_.below(whole_core() ? 22 : 18)) {
    case 0:
    case 1:
      return cut_some();
    case 2:
      return isolate(node);
    case 3:
      return split();
    case 4:
      return bad_weather();
    case 5:
      return one_late_way();
    case 6:
      return hasty_restarts(node, 3);
    case 7:
    case 8:
      crash(node, dice_.chance(1, 2));
      at(now_ + some(1ms, plan_.deadtime * (dice_.chance(1, 2) ? 1 : 6)), [this, &node] { start(node); });
      return;
    case 9:
    case 10:
      return pause(node, some(1ms, plan_.deadtime * 4));
    case 11:
      node.wall_step_s += dice_.between(-100'000, 100'000);
      return tell(fmt::format("node {}'s wall clock steps", node.id.value));
    case 12:
      return slow_disk(node);
    case 13:
      tell("somebody plays old packets back");
      return replay_old_packets(now_ + plan_.deadtime * 3);
    case 14:
      if (dice_.chance(1, 2)) return power_cut();
      node.full_until = now_ + (whole_core() && dice_.chance(1, 3) ? some(1s, 9s) : 100ms);
      return;
    case 15:
      if (dice_.chance(1, 2)) return resource_dies(node);
      if (dice_.chance(1, 2)) {
        tell(fmt::format("node {} is asked to leave", node.id.value));
        return feed(node, Leave{});
      }
      if (dice_.chance(1, 2)) {
        tell(fmt::format("node {} is asked to begin again", node.id.value));
        return feed(node, Reexec{});
      }
      tell(fmt::format("node {} is asked to resign", node.id.value));
      count("asked to resign");
      return feed(node, Resign{});
    case 16:
      if (dice_.chance(1, 2)) return freeze(node, some(1ms, plan_.deadtime * 4), Frozen::machine);
      return hasty_death(node);
    case 17:
      if (plan_.mode != membership::Mode::ping) return cut_some();
      node.target_cut = true;
      tell(fmt::format("node {} does not reach the ping target", node.id.value));
      if (dice_.chance(1, 2)) isolate(node);
      at(now_ + some(plan_.deadtime / 2, plan_.deadtime * 4), [&node] { node.target_cut = false; });
      return;
    default:
      return misfortune_of_core(node);
  }
}

void World::misfortune_of_core(Node& node) {
  switch (dice_.below(4)) {
    case 0:
      kill_guardian(node);
      if (dice_.chance(1, 3)) hasty_death(node);
      return;
    case 1:
      return freeze(node, some(1ms, plan_.deadtime * 4), Frozen::processes);
    case 2:
      node.stuck_until = now_ + some(plan_.deadtime / 2, plan_.deadtime * 6);
      last_trouble_ = std::max(last_trouble_, node.stuck_until);  // the end of a split waits for it as well
      return tell(fmt::format("what runs on node {} hangs in the kernel for a while", node.id.value));
    default:
      return careless_reload(node);
  }
}

/// The daemon is killed and back while its lease still runs: it must get a new one in time, or its guardian acts.
void World::hasty_death(Node& node) {
  crash(node, false);
  at(now_ + some(1ms, plan_.deadtime / 2), [this, &node] { start(node); });
}

void World::for_all_links(NodeId from, NodeId to, const std::function<void(Network::Way)>& change) {
  for (std::size_t link = 0; link < plan_.links; ++link) change({from, to, link});
}

/// The daemon dies with a change under way, is back at once, and has the next change to pass on: a few times in a row.
void World::hasty_restarts(Node& node, int times) {
  feed(node, Write{next_write_++});
  if (times == 0) return;
  at(now_ + some(1ms, 20ms), [this, &node, times] {
    crash(node, false);
    at(now_ + some(1ms, 20ms), [this, &node] { start(node); });
    at(now_ + some(plan_.keepalive, plan_.deadtime / 2), [this, &node, times] {
      if (storming_) hasty_restarts(node, times - 1);
    });
  });
}

/// One direction between two nodes, on one link or on all.
void World::cut_some() {
  const NodeId from = any_node().id, to = any_node().id;
  if (from == to) return;
  const bool all = dice_.chance(1, 2);
  const std::size_t only = dice_.below(plan_.links);
  const Duration how_long = some(plan_.keepalive, plan_.deadtime * 4);
  tell(fmt::format("{} from node {} to node {} is cut for {:.3f} s", all ? "everything" : fmt::format("link {}", only),
                   from.value, to.value, std::chrono::duration<double>(how_long).count()));
  for_all_links(from, to, [&](Network::Way way) {
    if (!all && std::get<2>(way) != only) return;
    network_.cut(way, true);
    at(now_ + how_long, [this, way] { network_.cut(way, false); });
  });
}

void World::isolate(Node& node) {
  const Duration how_long = some(plan_.deadtime / 2, plan_.deadtime * 4);
  tell(fmt::format("node {} is cut off for {:.3f} s", node.id.value, std::chrono::duration<double>(how_long).count()));
  for (const Node& other : nodes_) {
    if (other.id == node.id) continue;
    for (const auto& [from, to] : {std::pair(node.id, other.id), std::pair(other.id, node.id)})
      for_all_links(from, to, [&](Network::Way way) {
        network_.cut(way, true);
        at(now_ + how_long, [this, way] { network_.cut(way, false); });
      });
  }
}

void World::split() {
  std::vector<bool> left;
  for (std::size_t i = 0; i < nodes_.size(); ++i) left.push_back(dice_.chance(1, 2));
  const Duration how_long = some(plan_.deadtime, plan_.deadtime * 5);
  std::string sides;
  for (const bool side : left) sides += side ? 'L' : 'R';
  tell(fmt::format("the network splits for {:.3f} s: {}", std::chrono::duration<double>(how_long).count(), sides));
  for (const Node& a : nodes_)
    for (const Node& b : nodes_) {
      if (left[a.id.value - 1] == left[b.id.value - 1]) continue;
      for_all_links(a.id, b.id, [&](Network::Way way) {
        network_.cut(way, true);
        at(now_ + how_long, [this, way] { network_.cut(way, false); });
      });
    }
}

void World::bad_weather() {
  Quality bad;
  bad.lost_permille = static_cast<unsigned>(dice_.below(400));
  bad.doubled_permille = static_cast<unsigned>(dice_.below(200));
  bad.late_permille = static_cast<unsigned>(dice_.below(300));
  bad.lateness = some({}, plan_.keepalive * 2);
  const Duration how_long = some(plan_.deadtime, plan_.deadtime * 5);
  tell(fmt::format("for {:.3f} s the network loses {}, doubles {} and delays {} of 1000 packets",
                   std::chrono::duration<double>(how_long).count(), bad.lost_permille, bad.doubled_permille,
                   bad.late_permille));
  for (const Node& a : nodes_)
    for (const Node& b : nodes_)
      for_all_links(a.id, b.id, [&](Network::Way way) {
        bad.cut = network_.quality(way).cut;
        network_.quality(way) = bad;
        at(now_ + how_long, [this, way] {
          const bool cut = network_.quality(way).cut;
          network_.quality(way) = Quality{};
          network_.cut(way, cut);
        });
      });
}

/// One direction is far slower than a deadtime: what arrives is of another age.
void World::one_late_way() {
  const NodeId from = any_node().id, to = any_node().id;
  if (from == to) return;
  const Duration delay = some(plan_.deadtime / 2, plan_.deadtime * 3);
  const Duration how_long = some(plan_.keepalive, plan_.deadtime);
  tell(fmt::format("packets from node {} to node {} take {:.3f} s", from.value, to.value,
                   std::chrono::duration<double>(delay).count()));
  for_all_links(from, to, [&](Network::Way way) {
    network_.quality(way).delay = delay;
    at(now_ + how_long, [this, way] { network_.quality(way).delay = Quality{}.delay; });
  });
}

void World::slow_disk(Node& node) {
  node.store_time = whole_core() && dice_.chance(1, 3) ? some(5s, 15s) : some(plan_.keepalive, plan_.deadtime * 2);
  tell(fmt::format("node {}'s disk takes {:.3f} s per write", node.id.value,
                   std::chrono::duration<double>(node.store_time).count()));
  at(now_ + some(plan_.deadtime, plan_.deadtime * 4), [this, &node] { node.store_time = 5ms; });
}

/// What was overheard is played back, again and again, to those it was meant for.
void World::replay_old_packets(Time end) {
  if (overheard_.empty() || now_ >= end || !storming_) return;
  for (int i = 0; i < 8; ++i) arrive(membership::Transmit(overheard_[dice_.below(overheard_.size())]), false);
  at(now_ + plan_.keepalive, [this, end] { replay_old_packets(end); });
}

void World::power_cut() {
  tell("power is cut everywhere");
  count("all nodes crashed at once");
  for (Node& node : nodes_) {
    crash(node, true);
    at(now_ + some(1ms, plan_.deadtime * 3), [this, &node] { start(node); });
  }
}

}  // namespace systole::sim

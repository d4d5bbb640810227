// SPDX-License-Identifier: GPL-2.0-or-later
// Who changes the list of nodes while everything goes wrong: one node more on every node, at each at a moment of its
// own; when all have taken that over, it is started; later one node less, whose daemon has left in order by then. Where
// a daemon refuses, its cluster.conf is put back as it was, and later it is tried again. Now and then somebody is
// careless.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/world.hpp"

namespace systole::sim {

std::size_t World::in_service() const {
  return static_cast<std::size_t>(std::ranges::count_if(nodes_, &Node::in_service));
}

void World::administer() {
  if (stage_ == Stage::done) return;
  at(now_ + plan_.keepalive, [this] { administer(); });
  if (stage_ == Stage::adding || stage_ == Stage::removing) {
    for (Node& node : nodes_)
      if (node.in_service) visit(node);
    if (!all_know()) return;
    tell(fmt::format("all nodes know the list of {}", target_.size()));
    stage_ = stage_ == Stage::adding ? Stage::added : Stage::done;
    next_stage_ = now_ + some({}, plan_.deadtime * 5);
    Node& newest = nodes_.back();
    if (stage_ == Stage::added && !newest.in_service) {
      newest.in_service = true;
      start(newest);
    }
  } else if (now_ >= next_stage_) {
    stage_ == Stage::waiting ? add_node() : remove_node();
  }
}

bool World::all_know() const {
  return std::ranges::all_of(nodes_, [&](const Node& node) { return !node.in_service || node.listed == target_; });
}

void World::visit(Node& node) {
  if (!node.machine || node.list == target_ || now_ < node.edit_at) return;
  node.edit_at = now_ + some(100ms, 1s);
  feed(node, Reload{members_of(target_)});
}

void World::add_node() {
  Node& newest = nodes_.back();
  stage_ = Stage::adding;
  target_.insert(newest.id);
  newest.listed = target_;
  tell(fmt::format("node {} is to be added", newest.id.value));
  for (Node& node : nodes_) node.edit_at = now_ + some({}, 3s);
}

/// Its daemon leaves in order first, as people are told.
void World::remove_node() {
  if (!going_) {
    const Node& chosen = nodes_[dice_.below(nodes_.size() - 1)];
    if (chosen.id == plan_.witness) return;
    going_ = chosen.id;
    tell(fmt::format("node {} is to be removed", going_.value));
  }
  Node& going = nodes_[going_.value - 1];
  if (going.in_service) return feed(going, Leave{});
  if (going.machine) return;
  stage_ = Stage::removing;
  target_.erase(going.id);
  for (Node& node : nodes_) node.edit_at = now_ + some({}, 3s);
}

/// Somebody on a node that hears nobody believes that the others are gone for good.
void World::careless_reload(Node& node) {
  if (plan_.mode != membership::Mode::majority || node.list.size() < 3 || node.id == plan_.witness) return;
  tell(fmt::format("somebody on node {} reloads a list of this node alone", node.id.value));
  feed(node, Reload{members_of({node.id})});
}

void World::reloaded(Node& node, const Reloaded& done) {
  tell(fmt::format("node {} {}", node.id.value,
                   done.refused ? "refuses a list: " + *done.refused : "takes a list over"));
  count(done.refused ? kind_of("reload refused: " + *done.refused) : "reload taken over");
  if (done.refused) return;
  node.list.clear();
  for (const membership::Member& member : done.nodes) node.list.insert(member.id);
  if (node.list == target_) node.listed = target_;
}

}  // namespace systole::sim

// SPDX-License-Identifier: GPL-2.0-or-later
// See node_list.hpp.
#include "crmd/membership/node_list.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace systole::membership {

namespace {

const Member* member_of(const std::vector<Member>& nodes, NodeId id) {
  const auto found = std::ranges::find(nodes, id, &Member::id);
  return found == nodes.end() ? nullptr : &*found;
}

bool same_role(const Member& one, const Member& other) {
  return one.name == other.name && one.links == other.links && one.witness == other.witness;
}

std::size_t majority_of(std::size_t nodes) {
  return nodes / 2 + 1;
}

}  // namespace

std::optional<std::string> hinders_change(const Config& present, const std::vector<Member>& wanted,
                                          const Presence& presence) {
  std::size_t added = 0, removed = 0;
  for (const Member& node : wanted) {
    const Member* const before = member_of(present.nodes, node.id);
    if (before == nullptr)
      ++added;
    else if (!same_role(*before, node))
      return fmt::format("node {} would change its name, its links or its part in votes", before->name);
  }
  for (const Member& node : present.nodes) {
    if (member_of(wanted, node.id) != nullptr) continue;
    ++removed;
    if (node.id == present.self) return "this node itself is no longer listed";
    if (presence.up.contains(node.id))
      return fmt::format("node {} would be removed and is a member: stop crmd there first", node.name);
    if (presence.held.contains(node.id))
      return fmt::format("node {} would be removed, and what it ran may still run: try again in a few seconds",
                         node.name);
  }
  if (added + removed == 0) return {};
  if (present.mode != Mode::majority) return "the number of nodes cannot change in a mode for two nodes";
  if (majority_of(present.nodes.size()) + majority_of(wanted.size()) <= present.nodes.size() + added)
    return "too many nodes come and go at once: two groups could have a majority each. Change one node at a time, and "
           "let every node take over each change before the next";
  const auto there = std::ranges::count_if(wanted, [&](const Member& node) { return presence.up.contains(node.id); });
  if (presence.quorate && static_cast<std::size_t>(there) < majority_of(wanted.size()))
    return fmt::format("of {} nodes {} would have to be there, and only {} are: this node would stop what it runs",
                       wanted.size(), majority_of(wanted.size()), there);
  return {};
}

}  // namespace systole::membership

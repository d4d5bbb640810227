// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the list of nodes may change while the cluster runs. Votes are counted against this list, and each node takes
// over a new one at a moment of its own; so the majorities of two lists that hold at the same time must have a node in
// common (D. Ongaro's thesis §4.1), or two leaders could be elected in one term. One node more or less always keeps to
// that; each node must have taken over one change before the next is made.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "crmd/membership/membership.hpp"

namespace systole::membership {

struct Presence {
  std::set<NodeId> up;    // self included
  std::set<NodeId> held;  // not up, but what they ran may still run
  bool quorate = false;
};

/// nullopt: the list may hold from now on; else why not, and what to do.
std::optional<std::string> hinders_change(const Config& present, const std::vector<Member>& wanted,
                                          const Presence& presence);

}  // namespace systole::membership

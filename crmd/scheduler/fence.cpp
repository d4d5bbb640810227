// SPDX-License-Identifier: GPL-2.0-or-later
// Acts on whole nodes: an unclean node is fenced, one that is to leave ends when all has stopped on it. What was to
// stop on a node that is fenced is stopped by that; it remains as a point in time behind the fencing, and whatever
// needs fencing starts behind it, too.
#include <fmt/format.h>

#include <algorithm>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

bool needs_fencing(const Plan& plan, const Item& item) {
  return needs_of(plan, item) == Needs::fencing;
}

/// Until the node has answered, anything may run on it.
bool might_be_there(const Item& item, int node) {
  return item.weights[std::size_t(node)].present && !item.known_on.contains(node);
}

void hold_starts(Plan& plan, Item& item, Act& fence) {
  for (const Task task : {Task::start, Task::promote}) {
    for (Act* act : find_acts(item, task)) {
      if (needs_fencing(plan, item)) {
        add_edge(plan, fence, *act, edge::order);
      } else if (task == Task::start && needs_of(plan, item) == Needs::quorum && might_be_there(item, fence.node)) {
        add_edge(plan, fence, *act, edge::needs_first);
      }
    }
  }
}

void imply(Plan& plan, Item& item, Act& act, Act& fence) {
  act.pseudo = act.runnable = true;
  if (needs_fencing(plan, item)) add_edge(plan, fence, act, edge::order);
}

void imply_stops(Plan& plan, Item& item, Act& fence) {
  const PlanNode& node = plan.nodes[std::size_t(fence.node)];
  for (Act* stop : find_acts(item, Task::stop)) {
    if (stop->node != fence.node) continue;
    imply(plan, item, *stop, fence);
    Item& top = top_of(item);
    Act* whole = &top == &item ? nullptr : find_act(top, Task::stop, nowhere);
    if (whole != nullptr && needs_fencing(plan, item)) add_edge(plan, fence, *whole, edge::order);
  }
  for (Act* demote : find_acts(item, Task::demote))
    if (demote->node == fence.node && (!node.online || node.unclean || item.failed)) imply(plan, item, *demote, fence);
}

Act& add_node_act(Plan& plan, Task task, int node, std::string reason) {
  Act& act = add_act(plan, plan.cluster, task, node, false, std::move(reason));
  act.runnable = true;
  return act;
}

Act& fence(Plan& plan, int node) {
  Act& act = add_node_act(plan, Task::fence, node, plan.nodes[std::size_t(node)].fence_why);
  for (Item& item : plan.items) {
    if (!item.leaf() || !item.managed) continue;
    hold_starts(plan, item, act);
    imply_stops(plan, item, act);
  }
  return act;
}

Act& shut_down(Plan& plan, int node) {
  Act& act = add_node_act(plan, Task::shutdown, node, "it was asked to");
  for (Item& item : plan.items) {
    if (!item.leaf() || item.maintenance || plan.nodes[std::size_t(node)].maintenance) continue;
    if (!item.managed && !item.blocked) continue;
    for (Act* stop : find_acts(item, Task::stop)) {
      if (stop->node != node) continue;
      stop->optional = false;
      add_edge(plan, *stop, act, edge::needs_first);
    }
  }
  return act;
}

}  // namespace

bool can_fence(const Plan& plan, const PlanNode& node) {
  const Options& options = plan.options;
  if (!plan.view.whole || !options.stonith || !options.have_stonith_device) return false;
  return plan.view.quorate || options.no_quorum_policy == "ignore" || node.online;
}

void create_node_acts(Plan& plan) {
  const bool any_managed =
      std::ranges::any_of(plan.items, [](const Item& item) { return item.leaf() && item.managed; });
  std::vector<Act*> fencing, leaving;
  Act* of_dc = nullptr;
  for (std::size_t node = 0; node < plan.nodes.size(); ++node) {
    const PlanNode& facts = plan.nodes[node];
    const bool is_dc = facts.name == plan.view.dc;
    if (any_managed && facts.unclean && can_fence(plan, facts)) {
      Act& act = fence(plan, int(node));
      if (is_dc) {
        of_dc = &act;
        continue;
      }
      if (!plan.options.concurrent_fencing && !fencing.empty()) add_edge(plan, *fencing.back(), act, edge::order);
      fencing.push_back(&act);
    } else if (facts.online && facts.leaving) {
      Act& act = shut_down(plan, int(node));
      if (is_dc) {
        of_dc = &act;
      } else {
        leaving.push_back(&act);
      }
    }
  }
  if (of_dc == nullptr) return;  // the leader goes last
  if (of_dc->task == Task::shutdown)
    for (Act* act : leaving) add_edge(plan, *act, *of_dc, edge::order);
  for (Act* act : fencing) add_edge(plan, *act, *of_dc, edge::order);
}

}  // namespace systole::scheduler

// SPDX-License-Identifier: GPL-2.0-or-later
// Acts and edges: making, finding, and what an act of a group or clone amounts to. A collective's "start" is only a
// point in time; whether it happens, and whether it can, follows from its members.
#include <fmt/format.h>

#include <algorithm>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

std::string_view to_words(Task task) {
  switch (task) {
    case Task::start:
      return "start";
    case Task::started:
      return "running";
    case Task::stop:
      return "stop";
    case Task::stopped:
      return "stopped";
    case Task::promote:
      return "promote";
    case Task::promoted:
      return "promoted";
    case Task::demote:
      return "demote";
    case Task::demoted:
      return "demoted";
    case Task::monitor:
    case Task::probe:
      return "monitor";
    case Task::cancel:
      return "cancel";
    case Task::reload:
      return "reload-agent";
    case Task::clear_failure:
      return "clear_failure";
    case Task::forget:
      return "delete";
    case Task::shutdown:
      return "do_shutdown";
    case Task::fence:
      return "stonith";
    case Task::notify:
      return "notify";
    case Task::boundary:
      return "boundary";
  }
  return "";
}

namespace {
constexpr std::pair<Task, Task> ends[] = {{Task::start, Task::started},
                                          {Task::stop, Task::stopped},
                                          {Task::promote, Task::promoted},
                                          {Task::demote, Task::demoted}};
}  // namespace

Task completion(Task task) {
  for (const auto& [begin, end] : ends) {
    if (task == begin) return end;
  }
  return task;
}

Task beginning(Task task) {
  for (const auto& [begin, end] : ends) {
    if (task == end) return begin;
  }
  return task;
}

Task opposite(Task task) {
  if (task == Task::start) return Task::stop;
  if (task == Task::stop) return Task::start;
  if (task == Task::promote) return Task::demote;
  if (task == Task::demote) return Task::promote;
  return task;
}

namespace {
/// With fencing an unclean node that is still there is asked, and shot if need be.
bool reachable(const PlanNode& node, bool fences) {
  return node.online && !node.pending && (fences || !node.unclean);
}

/// A start or promotion needs quorum, as configured.
bool quorum_forbids(const Plan& plan, const Item& item, Task task) {
  if (plan.view.quorate || (task != Task::start && task != Task::promote)) return false;
  const std::string& policy = plan.options.no_quorum_policy;
  if (policy == "ignore" || needs_of(plan, item) == Needs::nothing) return false;
  if (policy == "freeze") return item.role == Role::stopped || item.next() > item.role;
  return true;
}
}  // namespace

void put_on(const Plan& plan, Act& act, int node) {
  act.node = node;
  if (act.pseudo) return;
  act.runnable = node != nowhere && reachable(plan.nodes[std::size_t(node)], plan.view.whole);
  if (!quorum_forbids(plan, *act.item, act.task)) return;
  act.runnable = false;
  act.reason = fmt::format("no quorum, and no-quorum-policy={}", plan.options.no_quorum_policy);
  if (act.task == Task::start) act.cause = plan.options.no_quorum_policy == "freeze" ? "quorum freeze" : "no quorum";
}

Act& add_act(Plan& plan, Item& item, Task task, int node, bool optional, std::string reason) {
  Act& act = plan.acts.emplace_back();
  act.index = plan.acts.size() - 1;
  act.item = &item;
  act.task = task;
  act.optional = optional;
  act.pseudo = !item.leaf() || task == Task::boundary;
  act.reason = std::move(reason);
  const bool changes = task == Task::start || task == Task::stop || task == Task::promote || task == Task::demote ||
                       task == Task::forget;
  if (changes && item.leaf() && !item.managed) act.optional = true;
  put_on(plan, act, node);
  act.shown_alone = !item.leaf() && plan.view.whole;
  item.acts.push_back(&act);
  return act;
}

void add_probe_edges(Plan& plan, const Item& first, Act& then) {
  if (&first == then.item) return;
  for (Act* probe : find_acts(first, Task::probe)) add_edge(plan, *probe, then, edge::order);
}

Act& add_unplaced(Plan& plan, Item& item, Task task) {
  Act& act = add_act(plan, item, task, nowhere, true, "");
  for (Act* stop : task == Task::start ? find_acts(item, Task::stop) : std::vector<Act*>{}) {
    add_edge(plan, *stop, act, edge::restart | edge::implies_then);
    if (stop->required()) require(act, stop->reason);
  }
  if (item.parent == nullptr) return act;
  if (Act* begin = find_act(*item.parent, task, nowhere)) add_edge(plan, *begin, act, edge::order);
  if (Act* end = find_act(*item.parent, completion(task), nowhere)) add_edge(plan, act, *end, edge::order);
  return act;
}

Act* find_act(const Item& item, Task task, int node) {
  for (Act* act : item.acts) {
    if (act->task == task && (node == nowhere || act->node == node)) return act;
  }
  return nullptr;
}

std::vector<Act*> find_acts(const Item& item, Task task) {
  std::vector<Act*> found;
  std::ranges::copy_if(item.acts, std::back_inserter(found), [&](const Act* act) { return act->task == task; });
  return found;
}

void require(Act& act, const std::string& reason) {
  if (!act.optional) return;
  act.optional = false;
  if (act.reason.empty()) act.reason = reason;
}

void add_edge(Plan& plan, Act& first, Act& then, Flags flags) {
  if (&first != &then) plan.edges.push_back({&first, &then, flags});
}

namespace {
/// Sums up members' acts. optional: none of them must happen. Runnable: for a group all, for a clone any.
struct Sum {
  bool optional = true, any_runnable = false, all_runnable = true, any = false;
};

Sum sum_of(const Item& item, Task task, int node) {
  Sum sum;
  for (const Item* child : item.children) {
    if (!child->leaf()) {
      const Sum below = sum_of(*child, task, node);
      sum.optional = sum.optional && below.optional;
      sum.any_runnable = sum.any_runnable || (below.any && below.all_runnable);
      sum.all_runnable = sum.all_runnable && below.all_runnable;
      sum.any = sum.any || below.any;
      continue;
    }
    bool present = false;
    for (const Act* act : child->acts) {
      if (act->task != task) continue;
      present = sum.any = true;
      sum.any_runnable = sum.any_runnable || act->runnable;
      sum.all_runnable = sum.all_runnable && act->runnable;
      if (node == nowhere || act->node == node) sum.optional = sum.optional && act->optional;
    }
    sum.all_runnable = sum.all_runnable && present;
  }
  return sum;
}
}  // namespace

ActState state_of(const Act& act, int node) {
  if (act.item->leaf() || act.task == Task::boundary) return {act.optional, act.runnable};
  const Task task = beginning(act.task);
  const bool clone = act.item->kind == Kind::clone;
  const Sum sum = sum_of(*act.item, task, clone ? node : nowhere);
  if (task == Task::stop || task == Task::demote) return {sum.optional, true};
  return {sum.optional, clone ? sum.any_runnable : sum.any && sum.all_runnable};
}

}  // namespace systole::scheduler

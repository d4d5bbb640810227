// SPDX-License-Identifier: GPL-2.0-or-later
// Recurring monitors: those that belong to the role a resource will have are to run, others end. The history says which
// ones run already: a monitor is in it from its first result until the resource stops or changes its role.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"
#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

const cib::ResourceHistory* history_of(const Plan& plan, const Item& item, int node) {
  const cib::NodeState* state = plan.nodes[std::size_t(node)].state;
  if (state == nullptr) return nullptr;
  const auto found = state->history.find(history_on(item, node));
  return found == state->history.end() ? nullptr : &found->second;
}

const cib::OperationResult* in_history(const Plan& plan, const Item& item, int node, const std::string& name,
                                       Duration interval) {
  const cib::ResourceHistory* history = history_of(plan, item, node);
  if (history == nullptr) return nullptr;
  const auto found = history->entries.find(fmt::format("{}_{}", name, to_ms(interval)));
  return found == history->entries.end() || found->second.interval != interval ? nullptr : &found->second;
}

bool enabled(const cib::Operation& operation) {
  const auto found = operation.attributes.find("enabled");
  return found == operation.attributes.end() || parse_bool(found->second).value_or(true);
}

/// A monitor without a role is for all but promoted instances: those answer differently, and want one of their own.
bool fits(const cib::Operation& operation, Role role) {
  const auto found = operation.attributes.find("role");
  if (found == operation.attributes.end() || found->second.empty()) return role != Role::promoted;
  const std::string wanted = cib::modern_role(found->second);
  return wanted == to_words(role);
}

void cancel(Plan& plan, Item& item, int node, const std::string& name, Duration interval, const std::string& why) {
  Act& act = add_act(plan, item, Task::cancel, node, false, why);
  act.name = name;
  act.interval = interval;
  for (const Task task : {Task::promote, Task::demote}) {
    for (Act* change : find_acts(item, task)) {
      if (change->node == node) add_edge(plan, act, *change, edge::order);
    }
  }
}

bool quiet(const Plan& plan, const Item& item, int node) {
  return item.maintenance || plan.nodes[std::size_t(node)].maintenance;
}

void schedule_monitor(Plan& plan, Item& item, const cib::Operation& operation) {
  const int node = item.allocated;
  const Role next = item.next();
  const auto* existing = in_history(plan, item, node, operation.name, operation.interval);
  if (!fits(operation, next)) {
    if (existing != nullptr) {
      cancel(plan, item, node, operation.name, operation.interval, fmt::format("it becomes {}", to_words(next)));
    }
    return;
  }
  const bool forgotten = existing != nullptr && existing->failed() && !item.failed && !item.failure_ignored;
  Act& act = add_act(plan, item, Task::monitor, node, existing != nullptr && !forgotten,
                     forgotten ? "its failure has run out" : "it does not run there yet");
  act.name = operation.name;
  act.interval = operation.interval;
  act.operation = &operation;
  act.expected_rc = next == Role::promoted ? int(cib::Rc::promoted) : int(cib::Rc::ok);
  for (Act* start : find_acts(item, Task::start)) add_edge(plan, *start, act, edge::implies_then | edge::needs_first);
  for (Act* promote : find_acts(item, Task::promote)) add_edge(plan, *promote, act, edge::needs_first);
  if (next != Role::promoted) {
    for (Act* demote : find_acts(item, Task::demote)) {
      if (demote->node == node) add_edge(plan, *demote, act, edge::order);
    }
  }
}

}  // namespace

void create_recurring(Plan& plan, Item& item) {
  if (item.orphan || item.blocked) return;
  if (item.allocated == nowhere || item.next() == Role::stopped || quiet(plan, item, item.allocated)) return;
  if (!plan.nodes[std::size_t(item.allocated)].online) return;
  for (const cib::Operation& operation : item.primitive->operations) {
    const bool once = operation.interval == Duration{} || operation.name == "start" || operation.name == "stop";
    if (!once && enabled(operation)) schedule_monitor(plan, item, operation);
  }
}

}  // namespace systole::scheduler

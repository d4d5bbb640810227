// SPDX-License-Identifier: GPL-2.0-or-later
// Recurring monitors: those that belong to the role a resource will have are to run, others end. The history says which
// ones run already: a monitor is in it from its first result until the resource stops or changes its role. A monitor
// for the role Stopped runs where the resource is not to be.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"
#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

bool enabled(const cib::Operation& operation) {
  const auto found = operation.attributes.find("enabled");
  return found == operation.attributes.end() || parse_bool(found->second).value_or(true);
}

std::string role_of(const cib::Operation& operation) {
  const auto found = operation.attributes.find("role");
  return found == operation.attributes.end() ? "" : cib::modern_role(found->second);
}

/// Of two with one name and one interval a node could only remember one: Pacemaker runs neither, and so do we.
bool doubled(Plan& plan, const Item& item, const cib::Operation& operation) {
  std::vector<std::string> ids;
  for (const cib::Operation& other : item.primitive->operations)
    if (other.name == operation.name && other.interval == operation.interval)
      ids.push_back(fmt::format("'{}'", other.id));
  if (ids.size() < 2) return false;
  std::string problem = fmt::format(
      "{}: {}s {} have the same interval {} and cannot be told apart, whatever their roles: none of them runs; "
      "make one a little longer",
      item.primitive->id.value, operation.name, fmt::join(ids, " and "), to_text(operation.interval));
  if (std::ranges::find(plan.problems, problem) == plan.problems.end()) plan.problems.push_back(std::move(problem));
  return true;
}

/// A monitor without a role is for all but promoted instances: those answer differently, and want one of their own.
bool fits(const std::string& role, Role next) {
  return role.empty() ? next != Role::promoted : role == to_words(next);
}

Act& add_monitor(Plan& plan, Item& item, int node, const cib::Operation& operation, bool optional,
                 const std::string& why) {
  Act& act = recurring_act(plan, item, node, operation.name, operation.interval);
  act.reason = why;
  if (!optional) require(act, why);
  act.operation = &operation;
  const PlanNode& facts = plan.nodes[std::size_t(node)];
  if (!facts.online || facts.unclean) act.runnable = false;
  return act;
}

/// It ends before the act that takes the role away for which it is meant.
void cancel_for_role(Plan& plan, Item& item, const cib::Operation& operation) {
  const Role next = item.next();
  Act& act = cancelling_act(plan, item, item.allocated, operation.name, operation.interval,
                            fmt::format("it becomes {}", to_words(next)));
  std::optional<Task> before;
  if (item.role == Role::promoted) before = Task::demote;
  if ((item.role == Role::unpromoted || item.role == Role::started) && next == Role::promoted) before = Task::promote;
  if ((item.role == Role::unpromoted || item.role == Role::started) && next == Role::stopped) before = Task::stop;
  if (!before) return;
  for (Act* change : find_acts(item, *before)) add_edge(plan, act, *change, edge::needs_first);
}

void for_active(Plan& plan, Item& item, const cib::Operation& operation, Act& start) {
  const std::string role = role_of(operation);
  if (role == "Stopped") return;
  const int node = item.allocated;
  const Recurring found = recurs(plan, item, node, operation);
  const Act* known = find_recurring(item, node, operation.name, operation.interval);
  const bool redefined = known != nullptr && known->again;
  const bool runs = start.optional && found != Recurring::no && !redefined;
  if (!fits(role, item.next())) {
    if (runs) cancel_for_role(plan, item, operation);
    return;
  }
  // Its failure has run out, and with it the reason why it does not run.
  const bool again = found == Recurring::failed && !item.failed && !item.failure_ignored;
  Act& act = add_monitor(plan, item, node, operation, runs && !again,
                         again       ? "its failure has run out"
                         : redefined ? "its definition has changed"
                                     : "it does not run there yet");
  if (!start.runnable) act.runnable = false;
  act.expected_rc = item.next() == Role::promoted ? int(cib::Rc::promoted) : int(cib::Rc::ok);
  if (!item.managed) return;
  add_edge(plan, start, act, edge::implies_then | edge::needs_first);
  for (Act* reload : find_acts(item, Task::reload))
    add_edge(plan, *reload, act, edge::implies_then | edge::needs_first);
  const Task change = item.next() == Role::promoted ? Task::promote : Task::demote;
  for (Act* before : find_acts(item, change)) add_edge(plan, *before, act, edge::needs_first);
}

void for_inactive(Plan& plan, Item& item, const cib::Operation& operation) {
  const Item* clone = clone_of(item);
  if (role_of(operation) != "Stopped" || (clone != nullptr && !clone->unique)) return;
  for (std::size_t at = 0; at < plan.nodes.size(); ++at) {
    const int node = int(at);
    const bool runs = recurs(plan, item, node, operation) != Recurring::no;
    if (node == item.allocated) {
      if (!runs) continue;
      Act& act = cancelling_act(plan, item, node, operation.name, operation.interval, "it is to run there");
      if (item.next() == Role::started || item.next() == Role::unpromoted)
        for (Act* start : find_acts(item, Task::start)) add_edge(plan, act, *start, edge::needs_first);
      continue;
    }
    Act& act = add_monitor(plan, item, node, operation, runs, "it must not run there");
    act.expected_rc = int(cib::Rc::not_running);
    for (Act* stop : find_acts(item, Task::stop)) {
      if (stop->node != node) continue;
      if (item.managed) add_edge(plan, *stop, act, edge::implies_then | edge::needs_first);
      if (!item.managed && stop->required()) act.optional = true;
    }
    if (!item.managed) continue;
    for (Act* probe : find_acts(item, Task::probe))
      if (probe->node == node) add_edge(plan, *probe, act, edge::needs_first);
  }
}

}  // namespace

void create_recurring(Plan& plan, Item& item) {
  if (item.orphan || item.blocked || item.maintenance) return;
  Act* start = nullptr;
  if (item.allocated != nowhere && !plan.nodes[std::size_t(item.allocated)].maintenance &&
      (item.next() != Role::stopped || !item.managed)) {
    start = find_act(item, Task::start, item.allocated);
    if (start == nullptr) start = &add_act(plan, item, Task::start, item.allocated, true, "");
  }
  for (const cib::Operation& operation : item.primitive->operations) {
    const bool once = operation.interval == Duration{} || operation.name == "start" || operation.name == "stop";
    if (once || !enabled(operation) || doubled(plan, item, operation)) continue;
    if (start != nullptr) for_active(plan, item, operation, *start);
    for_inactive(plan, item, operation);
  }
}

}  // namespace systole::scheduler

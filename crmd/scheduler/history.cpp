// SPDX-License-Identifier: GPL-2.0-or-later
// What nodes remember against what is configured now. Monitors that run and are wanted no more end. What is no resource
// any more, or has another agent, is to be forgotten where it was.
#include <algorithm>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

bool active_on(const Item& item, int node) {
  return std::ranges::find(item.running_on, node) != item.running_on.end();
}

bool agent_changed(const Item& item, const cib::ResourceHistory& history) {
  const cib::Primitive& now = *item.primitive;
  return history.standard != now.standard || history.provider != now.provider || history.type != now.type;
}

void forget(Plan& plan, Item& item, int node, const std::string& why) {
  const PlanNode& facts = plan.nodes[std::size_t(node)];
  if (!plan.view.whole || item.failed || facts.unclean || !facts.online) return;
  add_act(plan, item, Task::forget, node, false, why).runnable = true;
}

void cancel(Plan& plan, Item& item, int node, const cib::OperationResult& entry, const std::string& why) {
  Act& act = add_act(plan, item, Task::cancel, node, false, why);
  act.name = entry.operation;
  act.interval = entry.interval;
}

/// Since the last start, if no stop came after it.
std::vector<const cib::OperationResult*> still_valid(const cib::ResourceHistory& history) {
  std::vector<const cib::OperationResult*> entries = cib::in_order(history);
  for (std::size_t at = entries.size(); at > 0; --at) {
    const cib::OperationResult& entry = *entries[at - 1];
    if (entry.operation == "stop" && entry.rc == 0) return {};
    if (entry.operation == "start") {
      entries.erase(entries.begin(), entries.begin() + std::ptrdiff_t(at - 1));
      break;
    }
  }
  return entries;
}

void check_monitors(Plan& plan, const Seen& seen) {
  Item& item = *seen.item;
  const bool quiet = item.maintenance || plan.nodes[std::size_t(seen.node)].maintenance;
  const auto failure = seen.history->entries.find("last_failure_0");
  for (const cib::OperationResult* entry : still_valid(*seen.history)) {
    if (entry->interval == Duration{}) continue;
    if (failure != seen.history->entries.end() && entry == &failure->second) continue;  // it has an entry of its own
    if (quiet) {
      cancel(plan, item, seen.node, *entry, "maintenance");
    } else if (find_operation(item, entry->operation, entry->interval) == nullptr && plan.options.stop_orphan_actions) {
      cancel(plan, item, seen.node, *entry, "it is no longer configured");
    }
  }
}

void check(Plan& plan, const Seen& seen) {
  Item& item = *seen.item;
  if (item.orphan) {
    const Item* clone = clone_of(item);
    if (clone == nullptr || clone->unique) forget(plan, item, seen.node, "it is no longer in the configuration");
    return;
  }
  const bool active = active_on(item, seen.node), changed = agent_changed(item, *seen.history);
  if (changed) forget(plan, item, seen.node, "it has another agent now");
  if (!active) return;
  item.agent_changed = item.agent_changed || (changed && plan.view.whole);
  check_monitors(plan, seen);
}

}  // namespace

void check_histories(Plan& plan) {
  for (const Seen& seen : plan.histories) {
    const PlanNode& node = plan.nodes[std::size_t(seen.node)];
    if (node.can_run() || node.maintenance) check(plan, seen);
  }
}

}  // namespace systole::scheduler

// SPDX-License-Identifier: GPL-2.0-or-later
// What nodes remember against what is configured now. Monitors that run and are wanted no more end. What runs with
// other parameters than today's gets them: by a restart, or while it runs where its agent can. What is no resource any
// more, or has another agent, is to be forgotten where it was.
#include <fmt/format.h>

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

/// What still holds of a history, in order: entries since the last start, or since the stop if that came later. What
/// shows the resource active counts as a start where there is none.
struct Valid {
  std::vector<const cib::OperationResult*> entries;
  bool stopped = false;
};

Valid still_valid(const cib::ResourceHistory& history) {
  Valid valid{.entries = cib::in_order(history)};
  std::ptrdiff_t start = -1, stop = -1, seen_active = -1, changed_role = -1;
  for (std::ptrdiff_t at = 0; at < std::ssize(valid.entries); ++at) {
    const cib::OperationResult& entry = *valid.entries[std::size_t(at)];
    const bool active = entry.rc == int(cib::Rc::ok) || entry.rc == int(cib::Rc::promoted);
    if (entry.operation == "stop" && entry.status == cib::OpStatus::done) {
      stop = at;
    } else if (entry.operation == "start" || entry.operation == "migrate_from") {
      start = at;
    } else if (entry.operation == "monitor" && seen_active <= stop && active) {
      seen_active = at;
    } else if (entry.operation == "promote" || entry.operation == "demote") {
      changed_role = at;
    }
  }
  if (start < 0) start = changed_role >= 0 ? changed_role : seen_active;
  valid.stopped = start < stop;
  const std::ptrdiff_t first = valid.stopped ? stop + 1 : std::max<std::ptrdiff_t>(start, 0);
  valid.entries.erase(valid.entries.begin(), valid.entries.begin() + first);
  return valid;
}

void reload(Plan& plan, Item& item, int node) {
  if (!item.managed || item.failed) return;
  // What it started with may be either: only a restart makes it sure.
  if (item.start_pending)
    return require(add_act(plan, item, Task::stop, node, false, "its definition has changed"), "");
  if (find_act(item, Task::reload, node) == nullptr)
    add_act(plan, item, Task::reload, node, false, "its definition has changed");
}

/// Gives it today's parameters; true where they have changed.
bool renew(Plan& plan, Item& item, int node, const cib::OperationResult& entry) {
  const Changed changed = changed_since(plan, item, node, entry);
  switch (changed) {
    case Changed::no:
      break;
    case Changed::needs_restart:
      item.redefined = true;
      if (find_act(item, Task::start, nowhere) == nullptr) add_act(plan, item, Task::start, nowhere, true, "");
      break;
    case Changed::needs_reload:
      reload(plan, item, node);
      break;
    case Changed::needs_recurring:
      recurring_act(plan, item, node, entry.operation, entry.interval).again = true;
      break;
  }
  return changed != Changed::no;
}

/// A failure under another definition says nothing of this one.
void forgive(Plan& plan, Item& item, int node) {
  if (effective_fail_count(plan, item, node).points == 0 || find_act(item, Task::clear_failure, node) != nullptr)
    return;
  add_act(plan, item, Task::clear_failure, node, false, "its definition has changed");
}

void check_entry(Plan& plan, const Seen& seen, const cib::OperationResult& entry) {
  Item& item = *seen.item;
  const bool recurring = entry.interval != Duration{};
  const bool quiet = item.maintenance || plan.nodes[std::size_t(seen.node)].maintenance;
  if (recurring && quiet) {
    cancelling_act(plan, item, seen.node, entry.operation, entry.interval, "maintenance");
  } else if (recurring && find_operation(item, entry.operation, entry.interval) == nullptr) {
    if (plan.options.stop_orphan_actions)
      cancelling_act(plan, item, seen.node, entry.operation, entry.interval, "it is no longer configured");
    forgive(plan, item, seen.node);
  } else if (renew(plan, item, seen.node, entry)) {
    forgive(plan, item, seen.node);
  }
}

void check_entries(Plan& plan, const Seen& seen) {
  const auto failure = seen.history->entries.find("last_failure_0");
  const Valid valid = still_valid(*seen.history);
  if (valid.stopped) return;
  for (const cib::OperationResult* entry : valid.entries) {
    // Of a recurring operation another entry says how it is now; this one stays when that is mended.
    const bool is_failure = failure != seen.history->entries.end() && entry == &failure->second;
    if (plan.view.whole || !is_failure || entry->interval == Duration{}) check_entry(plan, seen, *entry);
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
  if (changed && active && plan.view.whole && find_act(item, Task::stop, seen.node) == nullptr)
    add_act(plan, item, Task::stop, seen.node, true, "");
  if (changed) forget(plan, item, seen.node, "it has another agent now");
  if (!active) return;
  item.agent_changed = item.agent_changed || (changed && plan.view.whole);
  check_entries(plan, seen);
}

}  // namespace

Recurring recurs(const Plan& plan, const Item& item, int node, const cib::Operation& operation) {
  const PlanNode& facts = plan.nodes[std::size_t(node)];
  if (facts.state == nullptr || !facts.online) return Recurring::no;
  const auto history = facts.state->history.find(history_on(item, node));
  if (history == facts.state->history.end()) return Recurring::no;
  auto found = history->second.entries.find(fmt::format("{}_{}", operation.name, to_ms(operation.interval)));
  if (plan.view.whole && found == history->second.entries.end()) found = history->second.entries.find("last_failure_0");
  if (found == history->second.entries.end() || found->second.interval != operation.interval ||
      found->second.operation != operation.name)
    return Recurring::no;
  const cib::OperationResult& entry = found->second;
  const Valid valid = still_valid(history->second);
  if (entry.pending() || std::ranges::find(valid.entries, &entry) == valid.entries.end()) return Recurring::no;
  const bool answered = entry.status == cib::OpStatus::done || entry.status == cib::OpStatus::error;
  const bool sound = !entry.failed() || (answered && entry.rc == entry.expected_rc);
  return sound ? Recurring::runs : Recurring::failed;
}

namespace {

/// What a history asks for comes first of a resource's acts, whoever else may ask for it later.
void remember(Plan& plan, const Seen& seen) {
  Item& item = *seen.item;
  if (!plan.nodes[std::size_t(seen.node)].online) return;
  for (const cib::OperationResult* entry : still_valid(*seen.history).entries)
    if (entry->interval != Duration{} && !entry->pending())
      recurring_act(plan, item, seen.node, entry->operation, entry->interval);
  const auto mended = item.mended_by.find(seen.node);
  if (mended != item.mended_by.end() && find_act(item, mended->second, seen.node) == nullptr)
    add_act(plan, item, mended->second, seen.node, true, "");
}

}  // namespace

Act* find_recurring(const Item& item, int node, const std::string& name, Duration interval) {
  for (Act* act : item.acts)
    if (act->task == Task::monitor && act->node == node && act->name == name && act->interval == interval) return act;
  return nullptr;
}

Act& recurring_act(Plan& plan, Item& item, int node, const std::string& name, Duration interval) {
  if (Act* known = find_recurring(item, node, name, interval)) return *known;
  Act& act = add_act(plan, item, Task::monitor, node, true, "");
  act.name = name;
  act.interval = interval;
  return act;
}

Act& cancelling_act(Plan& plan, Item& item, int node, const std::string& name, Duration interval,
                    const std::string& why) {
  Act& act = recurring_act(plan, item, node, name, interval);
  act.task = Task::cancel;
  act.optional = false;
  act.reason = why;
  return act;
}

void check_histories(Plan& plan) {
  for (Item& item : plan.items)
    for (const auto& [node, why] : item.cleared_on)
      if (plan.nodes[std::size_t(node)].online) add_act(plan, item, Task::clear_failure, node, false, why);
  for (const Seen& seen : plan.histories) remember(plan, seen);
  for (const Seen& seen : plan.histories) {
    const PlanNode& node = plan.nodes[std::size_t(seen.node)];
    if (node.can_run() || node.maintenance) check(plan, seen);
  }
}

}  // namespace systole::scheduler

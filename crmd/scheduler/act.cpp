// SPDX-License-Identifier: GPL-2.0-or-later
// From where it is to where it should be: the acts of each resource. Acts that nothing asks for are made, too, as
// optional: an order constraint may need them later (a running resource has an optional stop and start, its restart).
#include <fmt/format.h>

#include <algorithm>

#include "crmd/scheduler/explain.hpp"
#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

struct Change {
  bool need_stop = false, need_promote = false;
  bool need_start = false;  // the start must be, and drags the stop before it along
  std::string why_down, why_up;
  std::string cause;  // of the start
};

/// Where it is now, for a move: of several nodes the first that is well.
int current_node(const Plan& plan, const Item& item) {
  for (const int node : item.running_on) {
    const PlanNode& facts = plan.nodes[std::size_t(node)];
    if (facts.online && !facts.unclean) return node;
  }
  return item.running_on.empty() ? nowhere : item.running_on.front();
}

/// On how many nodes it may be active, so that more than one is too many.
std::ptrdiff_t active_count(const Plan& plan, const Item& item) {
  if (needs_of(plan, item) == Needs::fencing) return std::ssize(item.running_on);
  return std::ranges::count_if(item.running_on, [&](int node) {
    const PlanNode& facts = plan.nodes[std::size_t(node)];
    return facts.online && !facts.unclean;
  });
}

/// A start that is wanted and impossible is not asked for: it holds up what stands on it, that is all.
Act& ask(Plan& plan, Item& item, Task task, int node, bool optional, const std::string& reason) {
  Act* act = find_act(item, task, node);
  if (act == nullptr) {
    act = find_act(item, task, nowhere);
    if (act != nullptr && act->node == nowhere) {
      put_on(plan, *act, node);
    } else {
      act = &add_act(plan, item, task, node, true, "");
    }
  }
  if (!optional && item.managed && (task != Task::start || act->runnable)) require(*act, reason);
  return *act;
}

bool is_moving(const Plan& plan, const Item& item) {
  const int here = current_node(plan, item);
  return here != nowhere && item.allocated != nowhere && here != item.allocated && item.next() >= Role::started;
}

Change change_of(Plan& plan, Item& item) {
  Change change;
  change.why_down = why_leave(plan, item);
  change.why_up = why_come(plan, item);
  change.need_stop = is_moving(plan, item);
  if (active_count(plan, item) > 1 && item.multiple_active != "stop_only" && item.multiple_active != "block") {
    change.need_stop = true;
    change.why_down = change.why_up = "it is active on more than one node";
    item.stop_unexpected = item.multiple_active == "stop_unexpected";
  }
  if (is_moving(plan, item)) return change;
  if (item.failed) {
    change.need_stop = change.need_stop || !item.demote_on_fail;
    change.need_promote = item.demote_on_fail && item.next() == Role::promoted;
    change.why_down = change.why_up = fmt::format("recovery: {}", item.failure);
  } else if (item.agent_changed) {
    change.need_stop = true;
    change.why_down = change.why_up = "it has another agent now";
  } else if (item.redefined) {
    change.need_start = true;
    change.why_down = change.why_up = "its definition has changed";
    change.cause = "resource definition change";
  } else if (item.blocked) {
    change.need_stop = true;
  }
  return change;
}

/// Where one of several stays that it is active on (multiple-active=stop_unexpected).
bool is_expected(const Item& item, int node) {
  return item.stop_unexpected && item.next() > Role::stopped && node == item.allocated;
}

void stop_all(Plan& plan, Item& item, bool optional, const std::string& why) {
  for (const int node : item.running_on) {
    if (is_expected(item, node)) continue;
    Act& stop = ask(plan, item, Task::stop, node, optional, why);
    if (item.allocated == nowhere) stop.cause = "node availability";
    if (item.stop_unexpected) stop.cause = "being multiply active";
    if (!item.managed) stop.runnable = false;
  }
}

void demote_all(Plan& plan, Item& item, bool optional, const std::string& why) {
  for (const int node : item.running_on) ask(plan, item, Task::demote, node, optional, why);
}

/// Down to a stop and up again to the role it has: its restart, asked for or not.
void restart(Plan& plan, Item& item, const Change& change) {
  if (item.role == Role::stopped) return;
  const bool again = change.need_stop || change.need_promote || change.need_start;
  if (item.role == Role::promoted) demote_all(plan, item, !again, change.why_down);
  stop_all(plan, item, !change.need_stop, change.why_down);
  if (item.role > item.next() || item.blocked || item.allocated == nowhere) return;
  Act& start = ask(plan, item, Task::start, item.allocated, !change.need_stop && !change.need_start, change.why_up);
  start.pseudo = is_expected(item, item.allocated);
  if (start.required() && start.cause.empty()) start.cause = change.cause;
  if (item.role == Role::promoted) ask(plan, item, Task::promote, item.allocated, !again, why_role(plan, item));
}

/// From the role it has to the one it is to have.
void change_role(Plan& plan, Item& item, const Change& change) {
  const Role next = item.next();
  if (item.role == Role::promoted && next != Role::promoted)
    demote_all(plan, item, false, next == Role::stopped ? change.why_down : why_role(plan, item));
  if (item.role != Role::stopped && next == Role::stopped) stop_all(plan, item, false, change.why_down);
  if (item.allocated == nowhere) return;
  if (item.role == Role::stopped && next != Role::stopped)
    ask(plan, item, Task::start, item.allocated, false, change.why_up);
  if (item.role != Role::promoted && next == Role::promoted)
    ask(plan, item, Task::promote, item.allocated, false, why_role(plan, item));
  // A stop that comes to be needed later would leave it down otherwise; a start that was under way is made anew.
  if (next == Role::stopped || item.blocked) return;
  Act& start = ask(plan, item, Task::start, item.allocated, true, "");
  if (item.start_pending && item.managed && start.optional) start.always = true, start.reason = "a start was under way";
}

void own_edges(Plan& plan, Item& item) {
  for (Act* stop : find_acts(item, Task::stop)) {
    for (Act* start : find_acts(item, Task::start)) add_edge(plan, *stop, *start, edge::restart | edge::implies_then);
    if (Act* demote = find_act(item, Task::demote, stop->node)) add_edge(plan, *demote, *stop, edge::demote_first);
  }
  Act* promote = find_act(item, Task::promote, nowhere);
  if (promote == nullptr) return;
  for (Act* start : find_acts(item, Task::start)) {
    add_edge(plan, *start, *promote, edge::needs_first | edge::implies_then);
  }
  for (Act* demote : find_acts(item, Task::demote)) add_edge(plan, *demote, *promote, edge::order);
}

void clear_failures(Plan& plan, Item& item) {
  for (std::size_t node = 0; item.orphan && item.parent == nullptr && node < plan.nodes.size(); ++node) {
    if (!plan.nodes[node].online || effective_fail_count(plan, item, int(node)).points <= 0) continue;
    Act& act = add_act(plan, item, Task::clear_failure, int(node), false, "it is no longer in the configuration");
    for (Act* stop : find_acts(item, Task::stop)) add_edge(plan, act, *stop, edge::order);
  }
}

/// What history asks for waits for the stop, and a start for what is forgotten before it.
void history_edges(Plan& plan, Item& item, const std::vector<Act*>& cancels) {
  for (Act* stop : find_acts(item, Task::stop)) {
    for (Act* act : cancels) add_edge(plan, *stop, *act, edge::order);
    for (Act* act : find_acts(item, Task::forget)) add_edge(plan, *stop, *act, edge::order);
  }
  for (Act* forgotten : find_acts(item, Task::forget))
    for (Act* start : find_acts(item, Task::start)) add_edge(plan, *forgotten, *start, edge::order);
}

void create_for_leaf(Plan& plan, Item& item) {
  const std::vector<Act*> cancels = find_acts(item, Task::cancel);
  for (Act* cancel : cancels)  // what ends has no monitors to end
    if (item.allocated == nowhere && plan.view.whole) cancel->runnable = false;
  const Change change = change_of(plan, item);
  restart(plan, item, change);
  change_role(plan, item, change);
  own_edges(plan, item);
  history_edges(plan, item, cancels);
  clear_failures(plan, item);
  create_recurring(plan, item);
}

std::vector<Task> tasks_of(const Item& item) {
  const Item* clone = item.kind == Kind::clone ? &item : clone_of(item);
  if (clone != nullptr && clone->promotable) return {Task::start, Task::stop, Task::promote, Task::demote};
  return {Task::start, Task::stop};
}

void bracket(Plan& plan, Item& collective, Task task) {
  Act& begin = add_act(plan, collective, task, nowhere, true, "");
  Act& end = add_act(plan, collective, completion(task), nowhere, true, "");
  if (task != Task::promote) add_edge(plan, begin, end, edge::order);
  for (Item* child : collective.children) {
    for (Act* act : find_acts(*child, task)) add_edge(plan, begin, *act, edge::order);
    for (Act* act : find_acts(*child, child->leaf() ? task : completion(task))) add_edge(plan, *act, end, edge::order);
    if (task == Task::stop) add_probe_edges(plan, *child, end);
  }
}

void link(Plan& plan, Item& item, Task first, Task then, Flags flags) {
  Act *a = find_act(item, first, nowhere), *b = find_act(item, then, nowhere);
  if (a != nullptr && b != nullptr) add_edge(plan, *a, *b, flags);
}

/// Of one clone: what goes down goes down before anything comes up, and a role is given up before it is taken.
void clone_edges(Plan& plan, Item& clone) {
  link(plan, clone, Task::stopped, Task::start, edge::order);
  if (!clone.promotable) return;
  link(plan, clone, Task::started, Task::promote, edge::order);
  link(plan, clone, Task::demoted, Task::promote, edge::order);
  link(plan, clone, Task::demoted, Task::stop, edge::order);
  link(plan, clone, Task::demoted, Task::start, edge::order);
  link(plan, clone, Task::stopped, Task::promote, edge::order);
}

void group_edges(Plan& plan, Item& group) {
  link(plan, group, Task::stopped, Task::start, edge::order);
  if (meta_of(group, "ordered", "true") == "false") return;
  Item* last_active = nullptr;
  for (Item* member : group.children) {  // over those that do not run
    if (member->running_on.empty()) continue;
    for (Act* first : find_acts(*member, Task::stop))
      for (Act* then : last_active == nullptr ? std::vector<Act*>{} : find_acts(*last_active, Task::stop))
        add_edge(plan, *first, *then, edge::order);
    last_active = member;
  }
  for (std::size_t i = 1; i < group.children.size(); ++i) {
    Item &before = *group.children[i - 1], &member = *group.children[i];
    for (const Task up : {Task::start, Task::promote}) {
      for (Act* then : find_acts(member, up)) {
        Act* first = find_act(before, up, nowhere);
        if (first == nullptr) {
          first = &add_unplaced(plan, before, up);  // it will not run: nobody after it can
        }
        add_edge(plan, *first, *then, edge::needs_first | edge::implies_then);
      }
      for (Act* then : find_acts(before, opposite(up))) {
        for (Act* first : find_acts(member, opposite(up)))
          add_edge(plan, *first, *then, up == Task::start ? edge::restart : edge::order);
        if (up == Task::start) add_probe_edges(plan, member, *then);
      }
    }
  }
}

/// Up one after the other, and down the other way round.
void order_instances(Plan& plan, Item& clone) {
  const auto end = [](const Item& item, Task task) { return item.leaf() ? task : completion(task); };
  for (std::size_t i = 1; i < clone.children.size(); ++i) {
    Item &before = *clone.children[i - 1], &after = *clone.children[i];
    for (Act* first : find_acts(before, end(before, Task::start)))
      for (Act* then : find_acts(after, Task::start)) add_edge(plan, *first, *then, edge::order);
    for (Act* first : find_acts(after, end(after, Task::stop)))
      for (Act* then : find_acts(before, Task::stop)) add_edge(plan, *first, *then, edge::order);
  }
}

void create_for(Plan& plan, Item& item) {
  if (item.leaf()) return create_for_leaf(plan, item);
  for (Item* child : item.children) create_for(plan, *child);
  if (item.kind == Kind::group) group_edges(plan, item);
  for (const Task task : tasks_of(item)) bracket(plan, item, task);
  if (item.kind == Kind::clone) clone_edges(plan, item);
  if (item.kind == Kind::group) link(plan, item, Task::stopped, Task::start, edge::order);
  if (item.kind == Kind::clone && item.ordered) order_instances(plan, item);
}

}  // namespace

void create_acts(Plan& plan) {
  for (Item* root : plan.roots) create_for(plan, *root);
}

}  // namespace systole::scheduler

// SPDX-License-Identifier: GPL-2.0-or-later
// Order constraints as edges. "start A then start B" means three things: B's start waits for A's; B restarts when A
// does, and cannot run when A cannot; and, being symmetrical, B stops before A stops. For a group or clone the first
// half ends with its "started", the second begins with its "start".
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"
#include "crmd/scheduler/order.hpp"

namespace systole::scheduler {

std::optional<Task> parse_task(const std::string& action) {
  if (action == "start") return Task::start;
  if (action == "stop") return Task::stop;
  if (action == "promote") return Task::promote;
  if (action == "demote") return Task::demote;
  return std::nullopt;
}

namespace {

bool goes_up(Task task) {
  return task == Task::start || task == Task::promote;
}

/// The acts after which the first half is over. A start that will not be is made as one that cannot run, so that what
/// needs it cannot either.
std::vector<Act*> ends_of(Plan& plan, Item& item, Task task) {
  std::vector<Act*> acts = find_acts(item, item.leaf() ? task : completion(task));
  if (acts.empty() && goes_up(task)) acts.push_back(&add_unplaced(plan, item, task));
  return acts;
}

void connect(Plan& plan, const Ordering& order) {
  const std::vector<Act*> then = find_acts(*order.then, order.then_task);
  if (then.empty()) return;
  for (Act* first : ends_of(plan, *order.first, order.first_task)) {
    for (Act* second : then) add_edge(plan, *first, *second, order.flags);
  }
  if (order.first_task != Task::stop) return;
  for (Act* second : then) add_probe_edges(plan, *order.first, *second);
}

}  // namespace

Item* instance_at(const Item& clone, int node) {
  for (Item* child : clone.children) {
    for (const Item* leaf : leaves(*child)) {
      const bool here = std::ranges::find(leaf->running_on, node) != leaf->running_on.end();
      if (node != nowhere && (leaf->allocated == node || here)) return child;
    }
  }
  return nullptr;
}

namespace {

int act_node(const Item& item, Task task) {
  if (const Act* act = find_act(item, task, nowhere); act != nullptr && item.leaf()) return act->node;
  for (const Item* child : item.children) {
    if (const int node = act_node(*child, task); node != nowhere) return node;
  }
  return nowhere;
}

/// Without a neighbour to stand on an instance is nowhere.
void inhibit(Plan& plan, const Item& first, Item& instance) {
  for (Item* leaf : leaves(instance)) {
    if (leaf->allocated == nowhere || !leaf->managed) continue;
    add_score(plan, *leaf, leaf->allocated, Score::minus_infinity(), fmt::format("no {} there", first.id));
    leaf->allocated = nowhere;
    leaf->next_role = Role::stopped;
    for (Act* act : leaf->acts) {
      if (act->task == Task::stop) require(*act, fmt::format("no {} there", first.id));
      const bool up = act->task == Task::start || act->task == Task::promote;
      if (up || (act->task == Task::monitor && act->expected_rc != int(cib::Rc::not_running))) act->runnable = false;
    }
  }
}

/// Interleaved clones: each instance waits only for its neighbour on the same node.
void connect_pairs(Plan& plan, const Ordering& order) {
  for (Item* instance : order.then->children) {
    const int node = act_node(*instance, order.then_task);
    if (node == nowhere) continue;
    Item* neighbour = instance_at(*order.first, node);
    Ordering pair = order;
    pair.then = instance;
    if (neighbour == nullptr) {
      if ((order.flags & (edge::needs_first | edge::implies_then)) != 0) inhibit(plan, *order.first, *instance);
      continue;
    }
    pair.first = neighbour;
    connect(plan, pair);
  }
}

bool interleaved(const Item& first, const Item& then) {
  return first.kind == Kind::clone && then.kind == Kind::clone && then.interleave;
}

}  // namespace

void add_ordering(Plan& plan, const Ordering& order) {
  if (!interleaved(*order.first, *order.then)) return connect(plan, order);
  connect_pairs(plan, order);
  connect(plan, {order.first, order.then, order.first_task, order.then_task, edge::order});
}

void add_inverse(Plan& plan, const Ordering& order) {
  if (!interleaved(*order.then, *order.first)) return connect(plan, order);
  for (Item* instance : order.then->children) {
    Item* neighbour = instance_at(*order.first, act_node(*instance, order.then_task));
    if (neighbour != nullptr) connect(plan, {neighbour, instance, order.first_task, order.then_task, order.flags});
  }
  connect(plan, {order.first, order.then, order.first_task, order.then_task, edge::order});
}

Flags flags_of(cib::OrderKind kind, Task first, Symmetry symmetry) {
  if (kind != cib::OrderKind::mandatory) return edge::loose;
  switch (symmetry) {
    case Symmetry::none:
      return edge::asymmetric;
    case Symmetry::forward:
      return edge::implies_then | (goes_up(first) ? edge::needs_first : edge::order);
    case Symmetry::inverse:
      return edge::inverse;
  }
  return edge::order;
}

Act& add_some_of(Plan& plan, const std::string& name, int needed, const std::vector<Item*>& first, Task task) {
  Act& point = add_act(plan, plan.cluster, Task::boundary, nowhere, true, "");
  point.name = name;
  point.pseudo = point.runnable = true;
  point.needed = std::max(1, needed);
  for (Item* item : first)
    for (Act* act : ends_of(plan, *item, task)) add_edge(plan, *act, point, edge::one_of);
  return point;
}

void add_after(Plan& plan, Act& point, Item& then, Task task, Flags flags) {
  for (Act* act : find_acts(then, task)) add_edge(plan, point, *act, flags | edge::needs_first);
}

namespace {

/// How many instances have to be there (clone-min, or require-all=false for one); 0: all.
int enough_of(const Item& first, const cib::Order& order) {
  if (first.kind != Kind::clone) return 0;
  const auto clone_min = parse_int<int>(meta_of(first, "clone-min", ""));
  if (clone_min) return std::max(0, *clone_min);
  return order.require_all == false ? 1 : 0;
}

void simple_order(Plan& plan, const cib::Order& order, const Ordering& pair) {
  if (const int needed = enough_of(*pair.first, order); needed > 0) {
    Act& point = add_some_of(plan, "clone-one-or-more:" + order.id, needed, pair.first->children, pair.first_task);
    add_after(plan, point, *pair.then, pair.then_task, pair.flags);
  } else {
    add_ordering(plan, pair);
  }
  if (!order.symmetrical || order.kind == cib::OrderKind::serialize) return;
  const Task first = opposite(pair.then_task), then = opposite(pair.first_task);
  add_inverse(plan, {pair.then, pair.first, first, then, flags_of(order.kind, first, Symmetry::inverse)});
}

void user_orders(Plan& plan) {
  for (const cib::Order& order : plan.configuration.orders) {
    if (!order.sets.empty()) {
      add_set_orders(plan, order);
      continue;
    }
    Item* first = find_item(plan, order.first.value);
    Item* then = find_item(plan, order.then.value);
    const auto first_task = parse_task(order.first_action.empty() ? "start" : order.first_action);
    const auto then_task = parse_task(order.then_action.empty() ? order.first_action : order.then_action);
    if (first == nullptr || then == nullptr || first == then) {
      plan.problems.push_back(fmt::format("order {}: {} is not there: ignored", order.id,
                                          first == nullptr ? order.first.value : order.then.value));
      continue;
    }
    if (!first_task || !then_task) {
      plan.problems.push_back(
          fmt::format("order {}: only start, stop, promote, demote can be ordered: ignored", order.id));
      continue;
    }
    const Flags flags = flags_of(order.kind, *first_task, order.symmetrical ? Symmetry::forward : Symmetry::none);
    // An old way to make an optional order binding.
    const bool binding = order.kind == cib::OrderKind::optional && meta_of(*then, "restart-type", "") == "restart";
    simple_order(plan, order, {first, then, *first_task, *then_task, binding ? edge::implies_then : flags});
  }
}

/// Where one has to be gone from before the other comes: only what happens on one node counts.
void on_one_node(Plan& plan, const Item& first, Task first_task, const Item& then, Task then_task) {
  for (Act* second : find_acts(then, then_task)) {
    for (Act* act : find_acts(first, first_task))
      if (act->node == nowhere || second->node == nowhere || act->node == second->node)
        add_edge(plan, *act, *second, edge::order);
    if (first_task != Task::stop) continue;
    for (Act* probe : find_acts(first, Task::probe))
      if (second->node == nowhere || probe->node == second->node) add_edge(plan, *probe, *second, edge::order);
  }
}

/// Two that must keep apart change places one after the other: the role that must not be there ends before the other
/// one begins.
void apart_one_way(Plan& plan, const Item& first, std::optional<Role> first_role, const Item& then,
                   std::optional<Role> then_role) {
  const auto end = [&](Task task) { return first.leaf() ? task : completion(task); };
  std::vector<Task> before{first_role == Role::promoted ? Task::demote : Task::stop};
  std::vector<Task> after{then_role == Role::promoted ? Task::promote : Task::start};
  if (first_role == Role::unpromoted) before.push_back(Task::promote);
  if (then_role == Role::unpromoted) after.push_back(Task::demote);
  for (const Task one : before)
    for (const Task other : after) on_one_node(plan, first, end(one), then, other);
}

void apart_orders(Plan& plan) {
  for (const Coloc& colocation : plan.colocations) {
    if (colocation.score.points > -Score::inf) continue;
    const Item &one = *colocation.dependent, &other = *colocation.primary;
    apart_one_way(plan, one, colocation.dependent_role, other, colocation.primary_role);
    apart_one_way(plan, other, colocation.primary_role, one, colocation.dependent_role);
  }
}

}  // namespace

void create_orders(Plan& plan) {
  create_probe_orders(plan);
  apart_orders(plan);
  user_orders(plan);
  create_probe_restarts(plan);
}

}  // namespace systole::scheduler

// SPDX-License-Identifier: GPL-2.0-or-later
// Order constraints with sets: the members of a set one after the other (unless it is not sequential), and set after
// set. With require-all=false one member of a set is enough for those behind it.
#include <fmt/format.h>

#include "crmd/scheduler/order.hpp"

namespace systole::scheduler {

namespace {

std::vector<Item*> members_of(Plan& plan, const cib::Order& order, const cib::ResourceSet& set) {
  std::vector<Item*> members;
  for (const ResourceId& id : set.members) {
    Item* item = find_item(plan, id.value);
    if (item != nullptr) {
      members.push_back(item);
    } else {
      plan.problems.push_back(fmt::format("order {}: {} is not there: left out", order.id, id.value));
    }
  }
  return members;
}

Task task_of(const cib::ResourceSet& set, Symmetry symmetry) {
  const Task task = parse_task(set.action).value_or(Task::start);
  return symmetry == Symmetry::inverse ? opposite(task) : task;
}

Symmetry symmetry_within(const cib::Order& order, const cib::ResourceSet& set) {
  const bool serial = set.kind.value_or(order.kind) == cib::OrderKind::serialize;
  return set.symmetrical.value_or(order.symmetrical) && !serial ? Symmetry::forward : Symmetry::none;
}

void order_members(Plan& plan, const cib::Order& order, const cib::ResourceSet& set) {
  const std::vector<Item*> members = members_of(plan, order, set);
  const cib::OrderKind kind = set.kind.value_or(order.kind);
  const Symmetry symmetry = symmetry_within(order, set);
  const Task task = task_of(set, Symmetry::forward), back = opposite(task);
  const Flags flags = flags_of(kind, task, symmetry), flags_back = flags_of(kind, back, Symmetry::inverse);
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (kind == cib::OrderKind::serialize) {
      for (std::size_t j = i + 1; j < members.size(); ++j)
        add_ordering(plan, {members[i], members[j], task, task, flags});
    } else if (set.sequential.value_or(true) && i > 0) {
      add_ordering(plan, {members[i - 1], members[i], task, task, flags});
      if (symmetry != Symmetry::none) add_inverse(plan, {members[i], members[i - 1], back, back, flags_back});
    }
  }
}

/// Of a set that says itself that it is sequential one member stands for all: the last one before, the first one
/// behind.
std::vector<Item*> edge_of(std::vector<Item*> members, const cib::ResourceSet& set, bool last) {
  if (!set.sequential.value_or(false) || members.empty()) return members;
  return {last ? members.back() : members.front()};
}

void order_sets(Plan& plan, const cib::Order& order, const cib::ResourceSet& first, const cib::ResourceSet& then,
                Symmetry symmetry) {
  const Task first_task = task_of(first, symmetry), then_task = task_of(then, symmetry);
  const Flags flags = flags_of(order.kind, then_task, symmetry);
  const bool goes_up = first_task == Task::start || first_task == Task::promote;
  if (!first.require_all && goes_up) {
    Act& point = add_some_of(plan, "one-or-more:" + first.id, 1, members_of(plan, order, first), first_task);
    for (Item* item : members_of(plan, order, then)) add_after(plan, point, *item, then_task, flags);
    return;
  }
  const bool inverse = symmetry == Symmetry::inverse;
  for (Item* one : edge_of(members_of(plan, order, first), first, !inverse)) {
    for (Item* other : edge_of(members_of(plan, order, then), then, inverse)) {
      const Ordering pair{one, other, first_task, then_task, flags};
      inverse ? add_inverse(plan, pair) : add_ordering(plan, pair);
    }
  }
}

}  // namespace

void add_set_orders(Plan& plan, const cib::Order& order) {
  const Symmetry symmetry = order.symmetrical ? Symmetry::forward : Symmetry::none;
  const cib::ResourceSet* before = nullptr;
  for (const cib::ResourceSet& set : order.sets) {
    order_members(plan, order, set);
    if (before != nullptr) {
      order_sets(plan, order, *before, set, symmetry);
      if (symmetry == Symmetry::forward) order_sets(plan, order, set, *before, Symmetry::inverse);
    }
    before = &set;
  }
}

}  // namespace systole::scheduler

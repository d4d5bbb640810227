// SPDX-License-Identifier: GPL-2.0-or-later
// Orders between two resources, from which constraints of all kinds are made. Internal to crmd/scheduler.
#pragma once

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

struct Ordering {
  Item* first = nullptr;
  Item* then = nullptr;
  Task first_task = Task::start, then_task = Task::start;
  Flags flags = 0;
};

enum class Symmetry { none, forward, inverse };

std::optional<Task> parse_task(const std::string& action);
Flags flags_of(cib::OrderKind kind, Task first, Symmetry symmetry);
void add_ordering(Plan& plan, const Ordering& order);
/// The way back: what stands on something goes down before it.
void add_inverse(Plan& plan, const Ordering& order);

/// Only when so many of `first` can do it can `then` do its part. A point in time stands for that; `name` is its name.
Act& add_some_of(Plan& plan, const std::string& name, int needed, const std::vector<Item*>& first, Task task);
/// What waits for that point.
void add_after(Plan& plan, Act& point, Item& then, Task task, Flags flags);

void add_set_orders(Plan& plan, const cib::Order& order);

/// The instance that is, or is to be, on a node.
Item* instance_at(const Item& clone, int node);

/// Nothing starts before its probes have answered.
void create_probe_orders(Plan& plan);
/// What restarts with a start waits with its stop for the probes before that start. After all other orders.
void create_probe_restarts(Plan& plan);

}  // namespace systole::scheduler

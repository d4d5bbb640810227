// SPDX-License-Identifier: GPL-2.0-or-later
// Placing a clone: first the instances that run keep their nodes (otherwise a new node would make all of them wander),
// then the rest is spread, at most clone-node-max on a node and clone-max in all. For a promotable clone the promotion
// scores say which nodes are worth having an instance; who is promoted among them is the next file's matter.
#include <fmt/format.h>

#include <algorithm>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

int running_node(const Item& instance) {
  if (instance.leaf()) return instance.running_on.empty() ? nowhere : instance.running_on.front();
  for (const Item* child : instance.children) {
    if (const int node = running_node(*child); node != nowhere) return node;
  }
  return nowhere;
}

void forbid(Item& item, std::size_t node) {
  item.weights[node].score = Score::minus_infinity();
  for (Item* child : item.children) forbid(*child, node);
}

/// Nodes that are full, that may run nothing, or that are forbidden to the clone, are forbidden to this instance.
void limit_nodes(Plan& plan, const Item& clone, Item& instance) {
  for (std::size_t node = 0; node < plan.nodes.size(); ++node) {
    const bool full = clone.counts[node] >= clone.clone_node_max;
    if (!full && plan.nodes[node].can_run() && clone.weights[node].value().points >= 0) continue;
    forbid(instance, node);
  }
}

void unassign(Plan& plan, Item& item) {
  for (Item* leaf : leaves(item)) {
    if (leaf->allocated != nowhere) --plan.nodes[std::size_t(leaf->allocated)].assigned;
    leaf->allocated = nowhere;
    leaf->provisional = true;
    leaf->next_role.reset();
  }
  item.allocated = nowhere;
  item.provisional = true;
  item.next_role.reset();
}

/// True when the instance got a node. With prefer: only that node will do, else nothing is changed.
bool place_instance(Plan& plan, Item& clone, Item& instance, int prefer) {
  if (!instance.provisional) return location(instance) != nowhere;
  if (prefer != nowhere && first_leaf(instance).weights[std::size_t(prefer)].value().points < 0) return false;
  std::vector<Weights> weights;
  std::vector<std::vector<Note>> notes;
  for (Item* leaf : leaves(instance)) weights.push_back(leaf->weights), notes.push_back(leaf->notes);
  limit_nodes(plan, clone, instance);
  assign(plan, instance, prefer);
  const int node = location(instance);
  if (prefer != nowhere && node != nowhere && node != prefer) {
    unassign(plan, instance);
    std::size_t at = 0;
    for (Item* leaf : leaves(instance)) {
      leaf->weights = weights[at];
      leaf->notes = notes[at++];
    }
    return false;
  }
  if (node != nowhere) ++clone.counts[std::size_t(node)];
  return node != nowhere;
}

/// It runs nowhere.
void leave_out(Plan& plan, Item& item) {
  if (item.leaf()) return finalize(plan, item, nowhere, true);
  for (Item* child : item.children) leave_out(plan, *child);
  item.provisional = false;
  item.allocated = nowhere;
  item.next_role = Role::stopped;
}

void place_instances(Plan& plan, Item& clone) {
  const auto available = std::ranges::count_if(plan.nodes, [](const PlanNode& node) { return node.can_run(); });
  clone.all_colocations = clone.clone_max < available;
  const int per_node = available > 0 ? std::max(1, clone.clone_max / int(available)) : 1;
  int placed = 0;
  for (Item* instance : clone.children) {
    const int here = running_node(*instance);
    if (placed >= clone.clone_max || here == nowhere || !instance->provisional || any_failed(*instance)) continue;
    if (!plan.nodes[std::size_t(here)].can_run() || clone.counts[std::size_t(here)] >= per_node) continue;
    if (place_instance(plan, clone, *instance, here)) ++placed;
  }
  for (Item* instance : clone.children) {
    if (!instance->provisional) continue;
    if (placed >= clone.clone_max) {
      add_score(plan, *instance, nowhere, Score::minus_infinity(), fmt::format("clone-max of {} is reached", clone.id));
      leave_out(plan, *instance);
      continue;
    }
    if (place_instance(plan, clone, *instance, nowhere)) ++placed;
  }
}

void exchange(Item& a, Item& b) {
  const auto of_a = leaves(a), of_b = leaves(b);
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    std::swap(of_a[i]->allocated, of_b[i]->allocated);
    std::swap(of_a[i]->next_role, of_b[i]->next_role);
    std::swap(of_a[i]->weights, of_b[i]->weights);
    std::swap(of_a[i]->notes, of_b[i]->notes);
    std::swap(of_a[i]->bound, of_b[i]->bound);
  }
  std::swap(a.allocated, b.allocated);
}

/// Anonymous instances are all alike: the one that runs on a node that got an instance is that instance. Without this,
/// two could trade places for nothing.
void keep_in_place(Item& clone) {
  for (Item* instance : clone.children) {
    const int here = running_node(*instance);
    if (here == nowhere || location(*instance) == here) continue;
    for (Item* other : clone.children) {
      if (location(*other) == here && running_node(*other) != here) {
        exchange(*instance, *other);
        break;
      }
    }
  }
}

}  // namespace

void assign_clone(Plan& plan, Item& clone, int prefer) {
  if (clone.promotable) add_promotion_scores(plan, clone);
  for (const Coloc* colocation : clone.this_with) assign(plan, *colocation->primary, prefer);
  for (const Coloc* colocation : clone.with_this) add_dependent_scores(plan, clone, *colocation);
  keep_scores(plan, clone, ShownScore::For::clone);
  sort_instances(plan, clone, false);
  place_instances(plan, clone);
  if (!clone.unique && !plan.view.whole) keep_in_place(clone);
  clone.provisional = false;
  if (clone.promotable) choose_promoted(plan, clone);
}

}  // namespace systole::scheduler

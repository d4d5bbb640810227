// SPDX-License-Identifier: GPL-2.0-or-later
// Placing: resources in order of priority; each takes the best node that is left to it. Placing one may place another
// first (what it must be with). Of equal nodes the one where it runs wins, then the one with fewer resources, then the
// first by name. A group is placed member by member, and its colocations hold it together.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

Score usable(const Plan& plan, const Item& item, int node) {
  return plan.nodes[std::size_t(node)].can_run() ? item.weights[std::size_t(node)].value() : Score::minus_infinity();
}

int current_node(const Item& item) {
  return item.running_on.empty() ? nowhere : item.running_on.front();
}

std::vector<int> ranked_nodes(const Plan& plan, const Item& item) {
  std::vector<int> order(plan.nodes.size());
  std::iota(order.begin(), order.end(), 0);
  const int here = current_node(item);
  std::ranges::stable_sort(order, [&](int a, int b) {  // nodes are sorted by name already
    const Score score_a = usable(plan, item, a), score_b = usable(plan, item, b);
    if (score_a != score_b) return score_a > score_b;
    const int load_a = plan.nodes[std::size_t(a)].assigned, load_b = plan.nodes[std::size_t(b)].assigned;
    if (load_a != load_b) return load_a < load_b;
    return a == here && b != here;
  });
  return order;
}

int best_node(const Plan& plan, const Item& item, int prefer) {
  const std::vector<int> order = ranked_nodes(plan, item);
  if (order.empty()) return nowhere;
  const int best = order.front();
  const auto weight = [&](int node) { return item.weights[std::size_t(node)].value(); };
  if (prefer != nowhere && weight(prefer) >= weight(best) && usable(plan, item, prefer).points >= 0) return prefer;
  const int here = current_node(item);
  const Item* clone = clone_of(item);
  const bool unique_instance = clone != nullptr && clone->unique;
  if (!unique_instance && here != nowhere && usable(plan, item, best).points > 0 &&
      usable(plan, item, here) == usable(plan, item, best)) {
    return here;
  }
  return best;
}

void apply_all(Plan& plan, Item& item, bool mandatory) {
  for (const Coloc* colocation : all_this_with(item)) {
    if (colocation->mandatory() == mandatory) apply_this_with(plan, item, *colocation);
  }
  for (const Coloc* colocation : all_with_this(item)) {
    if (colocation->mandatory() == mandatory) add_dependent_scores(plan, item, *colocation);
  }
}

void assign_primitive(Plan& plan, Item& item, int prefer) {
  apply_all(plan, item, true);
  apply_all(plan, item, false);
  if (item.target) item.next_role = *item.target;
  if (item.target == Role::stopped) {
    add_score(plan, item, nowhere, Score::minus_infinity(), "target-role is Stopped");
  }
  keep_scores(plan, item, ShownScore::For::primitive);
  if (plan.options.stonith && !plan.options.have_stonith_device) item.managed = false;
  if (!item.managed) {
    item.next_role = item.role;
    finalize(plan, item, current_node(item), true);
  } else if (plan.options.stop_all && item.primitive->standard != "stonith") {
    add_score(plan, item, nowhere, Score::minus_infinity(), "stop-all-resources is set");
    finalize(plan, item, nowhere, true);
  } else {
    finalize(plan, item, best_node(plan, item, prefer), false);
  }
}

void assign_group(Plan& plan, Item& group, int prefer) {
  keep_scores(plan, group, ShownScore::For::group);
  for (Item* member : group.children) {
    assign(plan, *member, prefer);
    if (group.allocated == nowhere) group.allocated = member->allocated;
  }
  group.next_role = group.children.front()->next_role;
}

}  // namespace

void finalize(Plan& plan, Item& item, int node, bool force) {
  if (!force && node != nowhere && usable(plan, item, node).points < 0) node = nowhere;
  if (item.allocated != nowhere) --plan.nodes[std::size_t(item.allocated)].assigned;
  item.provisional = false;
  item.allocated = node;
  if (node == nowhere) {
    item.next_role = Role::stopped;
    return;
  }
  ++plan.nodes[std::size_t(node)].assigned;
}

int assign(Plan& plan, Item& item, int prefer) {
  if (item.parent != nullptr && !item.parent->assigning && item.parent->provisional) {
    assign(plan, *item.parent, nowhere);
  }
  if (!item.provisional || item.assigning) return item.allocated;
  item.assigning = true;
  switch (item.kind) {
    case Kind::primitive:
      assign_primitive(plan, item, prefer);
      break;
    case Kind::group:
      assign_group(plan, item, prefer);
      break;
    case Kind::clone:
      assign_clone(plan, item, prefer);
      break;
  }
  item.assigning = false;
  item.provisional = false;
  return item.allocated;
}

int location(const Item& item) {
  if (item.leaf()) return item.allocated;
  for (const Item* child : item.children) {
    if (const int node = location(*child); node != nowhere) return node;
  }
  return nowhere;
}

Role state_now(const Item& item) {
  if (item.leaf()) return item.role;
  Role highest = Role::stopped;
  for (const Item* child : item.children) highest = std::max(highest, state_now(*child));
  return highest;
}

Role state_next(const Item& item) {
  if (item.leaf()) return item.next();
  Role highest = Role::stopped;
  for (const Item* child : item.children) highest = std::max(highest, state_next(*child));
  return highest;
}

void place_all(Plan& plan) {
  std::ranges::stable_sort(plan.roots, [](const Item* a, const Item* b) { return a->priority > b->priority; });
  for (Item* root : plan.roots) assign(plan, *root, nowhere);
}

}  // namespace systole::scheduler

// SPDX-License-Identifier: GPL-2.0-or-later
// Which of a clone's instances comes first: to be placed, or to be promoted among those that are as good. What runs
// well where it may stay goes before what must move, so that new instances fill the places that are left; the number
// decides at last.
#include <algorithm>
#include <tuple>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

void collect_places(const Item& item, std::vector<int>& places) {
  for (const int node : item.running_on)
    if (std::ranges::find(places, node) == places.end()) places.push_back(node);
  for (const Item* child : item.children) collect_places(*child, places);
}

/// The first of them that is well, else the first.
int main_place(const Plan& plan, const std::vector<int>& places) {
  const auto well = [&](int node) {
    return plan.nodes[std::size_t(node)].online && !plan.nodes[std::size_t(node)].unclean;
  };
  const auto found = std::ranges::find_if(places, well);
  if (found != places.end()) return *found;
  return places.empty() ? nowhere : places.front();
}

/// What the clone's colocations make of a node that has no score of its own.
int wished_for(Plan& plan, const Item& clone, int node) {
  Weights table(plan.nodes.size());
  table[std::size_t(node)].present = true;
  for (const Coloc* with : clone.this_with)
    add_colocated_scores(plan, *with->primary, table, double(with->score.points) / Score::inf, Select::plain);
  for (const Coloc* with : clone.with_this)
    add_colocated_scores(plan, *with->dependent, table, double(with->score.points) / Score::inf, Select::nonnegative);
  return table[std::size_t(node)].score.points;
}

/// What of an instance counts; less goes first.
struct Claim {
  std::size_t places = 0;  // where it is active
  bool misplaced = false;  // it is active where it may not be
  int priority = 0;
  int node = nowhere;  // where it is active and may be
  bool unfit = false, foreign = false;
  int crowd = 0;
  bool failed = false;
  int wished = 0;
  int number = 0;
};

Claim claim_of(Plan& plan, const Item& clone, const Item& instance) {
  std::vector<int> places;
  collect_places(instance, places);
  Claim claim;
  claim.places = places.size();
  claim.node = main_place(plan, places);
  claim.priority = instance.priority.points;
  claim.number = instance.instance;
  if (claim.node == nowhere) return claim;
  const auto node = std::size_t(claim.node);
  claim.misplaced = instance.weights[node].value().points < 0;
  if (claim.misplaced) claim.node = nowhere;
  claim.unfit = !plan.nodes[node].can_run();
  claim.foreign = !clone.weights[node].present;
  claim.crowd = clone.counts[node];
  claim.failed = any_failed(instance);
  claim.wished = wished_for(plan, clone, int(node));
  return claim;
}

bool before(const Claim& a, const Claim& b) {
  if (a.places > 0 && b.places > 0 && a.places != b.places) return a.places < b.places;
  if (a.misplaced != b.misplaced) return b.misplaced;
  if (a.priority != b.priority) return a.priority > b.priority;
  if ((a.node == nowhere) != (b.node == nowhere)) return b.node == nowhere;
  if (a.node == nowhere) return false;
  if (a.unfit != b.unfit) return b.unfit;
  if (a.foreign != b.foreign) return b.foreign;
  if (a.foreign) return false;
  return std::tuple(a.crowd, a.failed, -a.wished, a.number) < std::tuple(b.crowd, b.failed, -b.wished, b.number);
}

}  // namespace

void sort_instances(Plan& plan, Item& clone, bool by_promotion) {
  struct Ranked {
    Item* instance;
    Claim claim;
    Role role;
  };
  std::vector<Ranked> ranked;
  for (Item* child : clone.children) ranked.push_back({child, claim_of(plan, clone, *child), state_now(*child)});
  std::ranges::stable_sort(ranked, [&](const Ranked& a, const Ranked& b) {
    if (by_promotion && a.instance->sort_index != b.instance->sort_index)
      return a.instance->sort_index > b.instance->sort_index;
    if (by_promotion && a.role != b.role) return a.role > b.role;
    return before(a.claim, b.claim);
  });
  for (std::size_t i = 0; i < ranked.size(); ++i) clone.children[i] = ranked[i].instance;
}

}  // namespace systole::scheduler

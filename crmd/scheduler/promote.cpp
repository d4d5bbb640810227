// SPDX-License-Identifier: GPL-2.0-or-later
// Who is promoted. Each placed instance has a promotion score: what its agent said (attribute master-RSC), locations
// for the promoted role, and colocations with the promoted role, both ways. The highest ones are promoted, promoted-max
// of them; an instance without any word for it, or with a negative one, never. So a cluster that has just started
// promotes nobody until an agent has spoken.
#include <fmt/format.h>

#include <algorithm>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

const Item* active_on(const Item& clone, const ResourceId& history_id, int node) {
  for (Item* child : clone.children) {
    for (const Item* leaf : leaves(*child)) {
      if (leaf->history_id == history_id && std::ranges::find(leaf->running_on, node) != leaf->running_on.end()) {
        return leaf;
      }
    }
  }
  return nullptr;
}

bool probed_on(const Item& clone, const ResourceId& history_id, int node) {
  for (Item* child : clone.children) {
    for (const Item* leaf : leaves(*child)) {
      if (leaf->history_id == history_id && leaf->known_on.contains(node)) return true;
    }
  }
  return false;
}

/// A score counts where the instance is or may be: not for another instance's node, nor for a node never looked at.
bool score_applies(const Item& item, int node) {
  const Item* clone = clone_of(item);
  const bool allowed = item.weights[std::size_t(node)].value().points >= 0;
  if (clone != nullptr && !clone->unique) {
    const Item* active = active_on(*clone, item.history_id, node);
    if (active == &item) return allowed;
    if (active == nullptr && probed_on(*clone, item.history_id, node)) return allowed;
  }
  if (item.running_on.empty() && item.known_on.empty()) return allowed;
  const bool here = std::ranges::find(item.running_on, node) != item.running_on.end();
  return (here || item.known_on.contains(node)) && allowed;
}

std::string score_name(const Item& instance) {
  const Item& leaf = instance.leaf() ? instance : *instance.children.front();
  return cib::promotion_score_name(leaf.history_id);
}

void start_from_score(Plan& plan, Item& instance, int node) {
  const Score none{-Score::inf - 1};
  const Score score = promotion_score(plan, instance, node, none);
  if (score == none) {
    instance.promotion = Score{-1};
    instance.role_why = fmt::format("{} has no promotion score ({}) there", instance.id, score_name(instance));
  } else {
    instance.promotion = score;
    instance.role_why = fmt::format("promotion score {} ({})", to_string(score), score_name(instance));
  }
}

void add_role_locations(const Plan& plan, Item& instance, const Item& holder, int node) {
  for (const RoleLocation& location : holder.role_locations) {
    const auto& score = location.scores[std::size_t(node)];
    if (location.role != Role::promoted || !score) continue;
    instance.promotion = instance.promotion + *score;
    instance.role_why +=
        fmt::format(", {} for {} by location {}", to_string(*score), plan.node_name(node), location.id);
  }
}

/// What has been decided already: the highest of its members'; nullopt: nothing.
std::optional<Role> decided_role(const Item& instance) {
  if (instance.leaf()) return instance.next_role;
  std::optional<Role> highest;
  for (const Item* child : instance.children) highest = std::max(highest, decided_role(*child));
  return highest;
}

void weigh(Plan& plan, Item& clone, Item& instance) {
  for (Item* leaf : leaves(instance)) {
    if (leaf->role == Role::started) leaf->role = Role::unpromoted;
  }
  const int node = location(instance);
  instance.promotion = Score::minus_infinity();
  if (node == nowhere) return;
  const Item& first = instance.leaf() ? instance : *instance.children.front();
  const std::optional<Role> decided = decided_role(instance);
  if (decided == Role::promoted) {
    instance.promotion = instance.priority;
    instance.role_why = "it stays as it is";
  } else if (decided && *decided <= Role::unpromoted && *decided != Role::started) {
    instance.role_why = !first.managed          ? "it is not managed and stays as it is"
                        : first.failure.empty() ? fmt::format("target-role is {}", to_words(*decided))
                                                : first.failure;
  } else {
    start_from_score(plan, instance, node);
  }
  add_role_locations(plan, instance, instance, node);
  add_role_locations(plan, instance, clone, node);
  for (const Coloc* colocation : clone.this_with) {
    if (colocation->dependent_role && *colocation->dependent_role >= Role::unpromoted) {
      apply_colocation(plan, instance, *colocation->primary, *colocation);
    }
  }
  instance.sort_index = decided == Role::promoted ? Score::infinity() : instance.promotion;
}

/// Nobody manages it, so nobody takes its role away.
bool stays_promoted(const Item& instance) {
  const Item& first = instance.leaf() ? instance : *instance.children.front();
  return !first.managed && first.next_role == Role::promoted;
}

/// Those who want to be with the promoted one say where they would like it; what the clone's promoted role must be with
/// does, too.
void add_wishes(Plan& plan, Item& clone) {
  clone.merging = true;
  Weights before = clone.weights;
  for (Item* child : clone.children) {
    const int node = location(*child);
    if (node == nowhere || child->sort_index.points < 0) continue;
    Weight& weight = clone.weights[std::size_t(node)];
    weight.score = weight.score + child->sort_index;
  }
  for (const Coloc* colocation : clone.this_with) {
    if (colocation->dependent_role != Role::promoted) continue;
    add_colocated_scores(plan, *colocation->primary, clone.weights, double(colocation->score.points) / Score::inf,
                         colocation->mandatory() ? Select::plain : Select::active);
  }
  for (const Coloc* colocation : clone.with_this) {
    if (colocation->primary_role != Role::promoted) continue;
    add_colocated_scores(plan, *colocation->dependent, clone.weights, double(colocation->score.points) / Score::inf,
                         Select::active_nonnegative);
  }
  for (Item* child : clone.children) {
    const int node = location(*child);
    if (stays_promoted(*child)) child->sort_index = Score::infinity();
    if (node == nowhere || child->sort_index.points < 0 || stays_promoted(*child)) continue;
    child->sort_index = clone.weights[std::size_t(node)].value();
  }
  clone.weights = std::move(before);
  clone.merging = false;
}

bool managed(const Item& instance) {
  if (instance.leaf()) return instance.managed;
  return std::ranges::all_of(instance.children, [](const Item* child) { return managed(*child); });
}

bool may_promote(const Plan& plan, const Item& clone, Item& instance, int promoted) {
  const int node = location(instance);
  if (node == nowhere) return false;
  if (!managed(instance)) return state_now(instance) == Role::promoted;
  if (instance.promotion.points < 0 || instance.sort_index.points < 0 || !plan.nodes[std::size_t(node)].can_run())
    return false;
  if (promoted >= clone.promoted_max) {
    instance.role_why +=
        fmt::format("; promoted-max={} is reached by others with a higher or equal score", clone.promoted_max);
    return false;
  }
  if (clone.counts[std::size_t(node)] >= clone.promoted_node_max) return false;
  const bool freeze = !plan.view.quorate && plan.options.no_quorum_policy == "freeze";
  if (freeze && state_now(instance) < Role::promoted) {
    instance.role_why = "no quorum, and no-quorum-policy=freeze";
    return false;
  }
  return true;
}

void set_role(Item& instance, Role role) {
  for (Item* leaf : leaves(instance)) {
    if (leaf->allocated == nowhere || !leaf->managed) continue;
    leaf->next_role = role;
  }
  if (!instance.leaf() && location(instance) != nowhere) instance.next_role = role;
}

}  // namespace

Score promotion_score(const Plan& plan, const Item& item, int node, Score otherwise) {
  if (!item.leaf()) {
    std::optional<Score> sum;
    for (const Item* child : item.children) {
      const Score score = promotion_score(plan, *child, node, otherwise);
      if (score == otherwise) continue;
      sum = sum ? *sum + score : score;
    }
    return sum.value_or(otherwise);
  }
  if (!score_applies(item, node)) return otherwise;
  const cib::Pairs& attributes = plan.nodes[std::size_t(node)].attributes;
  // Agents of old clusters knew their instance's number.
  const ResourceId named = item.named.value.empty() ? ResourceId{item.id} : item.named;
  for (const ResourceId& id : {named, item.history_id}) {
    const auto found = attributes.find(cib::promotion_score_name(id));
    if (found != attributes.end()) return parse_score(found->second).value_or(Score{});
  }
  return otherwise;
}

void add_promotion_scores(Plan& plan, Item& clone) {
  for (Item* child : clone.children) {
    for (std::size_t node = 0; node < plan.nodes.size(); ++node) {
      if (!plan.nodes[node].can_run()) continue;
      const Score score = promotion_score(plan, *child, int(node), Score{});
      if (score.points > 0) {
        for (Item* leaf : leaves(*child)) {
          leaf->weights[node].score = leaf->weights[node].score + score;
          leaf->notes.push_back({int(node), score, fmt::format("promotion score {}", score_name(*child))});
        }
      }
      child->priority = std::max(child->priority, score);
    }
  }
}

void choose_promoted(Plan& plan, Item& clone) {
  for (Item* child : clone.children) weigh(plan, clone, *child);
  add_wishes(plan, clone);
  sort_instances(plan, clone, true);
  std::ranges::fill(clone.counts, 0);
  int promoted = 0;
  for (Item* child : clone.children) {
    const int at = location(*child);
    if (plan.in_full)
      plan.scores.push_back({ShownScore::For::promotion, child->id,
                             at == nowhere ? NodeName{} : plan.nodes[std::size_t(at)].name, child->sort_index});
    if (may_promote(plan, clone, *child, promoted)) {
      ++promoted;
      ++clone.counts[std::size_t(location(*child))];
      set_role(*child, Role::promoted);
      if (!managed(*child)) child->role_why = "it is not managed and stays promoted";
    } else {
      set_role(*child, Role::unpromoted);
    }
  }
}

}  // namespace systole::scheduler

// SPDX-License-Identifier: GPL-2.0-or-later
// Where resources would like to be: location constraints and stickiness become scores per resource and node. Locations
// for the promoted role wait until the promoted instance is chosen. Colocation constraints are read here and used while
// placing, because they depend on where the other resource ends up.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"
#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

std::optional<Role> parse_role(std::string_view text) {
  const std::string role = cib::modern_role(text);
  if (role == "Promoted") return Role::promoted;
  if (role == "Unpromoted") return Role::unpromoted;
  if (role == "Stopped") return Role::stopped;
  return std::nullopt;  // Started and nothing: any
}

cib::RuleSubject subject_of(const Plan& plan, const PlanNode& node) {
  return {.uname = node.name.value, .id = node.id, .attributes = &node.attributes, .is_dc = plan.view.dc == node.name};
}

/// A rule's score for a node: its own, or the value of the attribute it names. nullopt: the rule does not hold there.
std::optional<Score> rule_score(const Plan& plan, const cib::Rule& rule, const PlanNode& node) {
  if (!cib::matches(rule, subject_of(plan, node))) return std::nullopt;
  if (rule.score_attribute.empty()) return rule.score;
  const auto found = node.attributes.find(rule.score_attribute);
  if (found == node.attributes.end()) return Score::minus_infinity();
  return parse_score(found->second).value_or(Score{});
}

/// A location of a group is one of its first member: the others follow that one anyway, and their scores add up there.
void add_location_score(Plan& plan, Item& item, int node, Score score, const std::string& why) {
  Weight& weight = item.weights[std::size_t(node)];
  weight.score = weight.score + score;
  if (score.points > -Score::inf) weight.present = true;
  if (score.points != 0) item.notes.push_back({node, score, why});
  for (Item* child : item.children) {
    const bool follows = item.kind == Kind::group && child != item.children.front();
    add_location_score(plan, *child, node, follows ? Score{} : score, why);
  }
}

void apply_location(Plan& plan, const cib::Location& location, Item& item, const std::string& role_text,
                    const std::vector<std::optional<Score>>& scores, const std::string& id) {
  const std::optional<Role> role = parse_role(role_text);
  if (role == Role::promoted) {
    item.role_locations.push_back({id, *role, scores});
    return;
  }
  for (std::size_t node = 0; node < scores.size(); ++node) {
    if (scores[node]) add_location_score(plan, item, int(node), *scores[node], fmt::format("location {}", id));
  }
  if (location.discovery == "exclusive" || location.discovery == "never") {
    for (std::size_t node = 0; node < scores.size(); ++node) {
      const bool named = scores[node].has_value();
      if (named != (location.discovery == "never")) continue;
      for (Item* leaf : leaves(item)) leaf->probe_never.push_back(int(node));
      if (!named)
        add_score(plan, item, int(node), Score::minus_infinity(), fmt::format("location {} is exclusive", id));
    }
  }
}

void apply_locations(Plan& plan) {
  for (const cib::Location& location : locations_of(plan)) {
    Item* item = find_item(plan, location.resource.value);
    if (item == nullptr) {
      plan.problems.push_back(
          fmt::format("location {} names {}, which does not exist: ignored", location.id, location.resource.value));
      continue;
    }
    std::vector<std::optional<Score>> scores(plan.nodes.size());
    if (location.rules.empty()) {
      const int node = plan.node_index(location.node);
      if (node == nowhere) continue;  // a node that is not here (yet)
      scores[std::size_t(node)] = location.score;
      apply_location(plan, location, *item, location.role, scores, location.id);
      continue;
    }
    for (const cib::Rule& rule : location.rules) {
      for (std::size_t node = 0; node < plan.nodes.size(); ++node) {
        scores[node] = rule_score(plan, rule, plan.nodes[node]);
      }
      apply_location(plan, location, *item, rule.role.empty() ? location.role : rule.role, scores, location.id);
    }
  }
}

void apply_stickiness(Plan& plan) {
  for (Item& item : plan.items) {
    if (!item.leaf() || !item.managed || item.stickiness == 0 || item.running_on.size() != 1) continue;
    const int node = item.running_on.front();
    if (!plan.options.symmetric && !item.weights[std::size_t(node)].present) continue;
    add_score(plan, item, node, Score{item.stickiness}, "stickiness");
  }
}

void add_colocation(Plan& plan, Coloc colocation) {
  if (colocation.score.points == 0) return;
  const Coloc& kept = plan.colocations.emplace_back(std::move(colocation));
  kept.dependent->this_with.push_back(&kept);
  kept.primary->with_this.push_back(&kept);
}

void read_colocations(Plan& plan) {
  for (const cib::Colocation& colocation : colocations_of(plan)) {
    Item* dependent = find_item(plan, colocation.resource.value);
    Item* primary = find_item(plan, colocation.with.value);
    if (dependent == nullptr || primary == nullptr || dependent == primary) {
      plan.problems.push_back(fmt::format("colocation {}: {} is not there: ignored", colocation.id,
                                          dependent == nullptr ? colocation.resource.value : colocation.with.value));
      continue;
    }
    add_colocation(plan, {colocation.id, dependent, primary, colocation.score, parse_role(colocation.resource_role),
                          parse_role(colocation.with_role)});
  }
  for (Item& item : plan.items) {  // members of a group stand together, each with the one before it
    if (item.kind != Kind::group) continue;
    for (std::size_t i = 1; i < item.children.size(); ++i) {
      add_colocation(plan, {fmt::format("group {}", item.id), item.children[i], item.children[i - 1], Score::infinity(),
                            std::nullopt, std::nullopt});
    }
  }
}

/// The important ones first: by the priority of the resource at the other end, clones before others, then by id.
bool before(const Item& a, const std::string& id_a, const Item& b, const std::string& id_b) {
  if (a.priority != b.priority) return a.priority > b.priority;
  if (a.kind != b.kind) return a.kind > b.kind;
  if (a.promotable != b.promotable) return a.promotable;
  return id_a < id_b;
}

void sort_colocations(Plan& plan) {
  for (Item& item : plan.items) {
    std::ranges::stable_sort(
        item.this_with, [](const Coloc* a, const Coloc* b) { return before(*a->primary, a->id, *b->primary, b->id); });
    std::ranges::stable_sort(item.with_this, [](const Coloc* a, const Coloc* b) {
      return before(*a->dependent, a->id, *b->dependent, b->id);
    });
  }
}

}  // namespace

void add_score(Plan& plan, Item& item, int node, Score score, const std::string& why) {
  for (std::size_t index = 0; index < item.weights.size(); ++index) {
    if (node != nowhere && int(index) != node) continue;
    Weight& weight = item.weights[index];
    weight.score = weight.score + score;
    if (score.points > -Score::inf) weight.present = true;
  }
  item.notes.push_back({node, score, why});
  for (Item* child : item.children) add_score(plan, *child, node, score, why);
}

bool any_available(const Plan& plan, const Weights& weights) {
  for (std::size_t node = 0; node < weights.size(); ++node) {
    if (weights[node].value().points >= 0 && plan.nodes[node].can_run()) return true;
  }
  return false;
}

void keep_scores(Plan& plan, const Item& item, ShownScore::For what) {
  if (!plan.in_full || item.orphan) return;
  for (std::size_t node = 0; node < item.weights.size(); ++node) {
    if (item.weights[node].present)
      plan.scores.push_back({what, item.id, plan.nodes[node].name, item.weights[node].score});
  }
  for (const Item* child : item.children) keep_scores(plan, *child, what);
}

void apply_scores(Plan& plan) {
  apply_locations(plan);
  apply_stickiness(plan);
  read_colocations(plan);
  sort_colocations(plan);
}

}  // namespace systole::scheduler

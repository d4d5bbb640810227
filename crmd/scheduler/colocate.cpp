// SPDX-License-Identifier: GPL-2.0-or-later
// Colocation, both ways. A resource that must be with another is bound to where that one is ("this with"); and the
// other, placed first, listens to the wishes of those who will follow it ("with this"), so that a database is not put
// where its address may not go. Wishes are weakened along a chain by each constraint's score.
//
// With a promotable clone and a role, the place is that of the instances in this role, and the wish counts when the
// promoted instance is chosen.
#include <fmt/format.h>

#include <algorithm>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

enum class Effect { none, location, role };

Effect effect_of(const Coloc& colocation, const Item& dependent, const Item& primary) {
  if (primary.provisional) return Effect::none;
  const Item* clone = clone_of(dependent);
  if (colocation.dependent_role && *colocation.dependent_role >= Role::unpromoted && clone != nullptr &&
      clone->promotable && !dependent.provisional) {
    return Effect::role;
  }
  if (!dependent.provisional) return Effect::none;
  // A promotable instance's role is open while it is placed, so a constraint for a role does not count yet.
  if (colocation.dependent_role && colocation.dependent_role != dependent.next_role) return Effect::none;
  if (colocation.primary_role && colocation.primary_role != primary.next_role) return Effect::none;
  return Effect::location;
}

std::string place_words(const Plan& plan, const Item& item) {
  if (item.allocated == nowhere) return fmt::format("{} runs nowhere", item.id);
  return fmt::format("{} is on {}", item.id, plan.node_name(item.allocated));
}

void note(Item& item, int node, Score score, std::string why) {
  item.notes.push_back({node, score, std::move(why)});
}

void bind(Item& dependent, std::string words) {
  if (std::ranges::find(dependent.bound, words) == dependent.bound.end()) dependent.bound.push_back(std::move(words));
}

void to_weights(Plan& plan, Item& dependent, const Item& primary, const Coloc& colocation) {
  const int place = primary.allocated;
  if (place == nowhere && colocation.score.points < 0) return;
  Weights work = dependent.weights;
  std::vector<Note> notes;
  const std::string why = fmt::format("colocation {}: {}", colocation.id, place_words(plan, primary));
  for (std::size_t node = 0; node < work.size(); ++node) {
    Score change;
    if (place == nowhere) {
      change = -colocation.score;
    } else if (int(node) == place) {
      if (colocation.score.points < Score::inf) change = colocation.score;
    } else if (colocation.score.points >= Score::inf) {
      change = Score::minus_infinity();
    }
    if (change.points == 0) continue;
    work[node].score = work[node].score + change;
    notes.push_back({int(node), change, why});
  }
  if (!colocation.mandatory() && !any_available(plan, work)) return;  // a wish that leaves nothing is not granted
  dependent.weights = std::move(work);
  if (colocation.score.points >= Score::inf && place != nowhere) {
    bind(dependent, fmt::format("it must be with {} (colocation {})", primary.id, colocation.id));
  }
  for (Note& each : notes) dependent.notes.push_back(std::move(each));
}

void to_priority(Plan& plan, Item& dependent, const Item& primary, const Coloc& colocation) {
  if (primary.allocated == nowhere || dependent.allocated == nowhere) return;
  if (primary.allocated != dependent.allocated) {
    if (colocation.score.points >= Score::inf && colocation.dependent_role == Role::promoted) {
      dependent.promotion = Score::minus_infinity();
      dependent.role_why = fmt::format("colocation {}: {}", colocation.id, place_words(plan, primary));
    }
    return;
  }
  if (colocation.primary_role && colocation.primary_role != primary.next_role) return;
  const Score score = colocation.dependent_role == Role::unpromoted ? -colocation.score : colocation.score;
  dependent.promotion = dependent.promotion + score;
}

Item* instance_on(const Item& clone, int node, std::optional<Role> role) {
  for (Item* child : clone.children) {
    if (location(*child) == node && node != nowhere && (!role || state_next(*child) == *role)) return child;
  }
  return nullptr;
}

/// Binds the dependent to a set of nodes: bans it from all others.
void only_on(Plan& plan, Item& dependent, const std::set<int>& places, const std::string& why) {
  for (std::size_t node = 0; node < plan.nodes.size(); ++node) {
    if (places.contains(int(node))) continue;
    dependent.weights[node].score = Score::minus_infinity();
    note(dependent, int(node), Score::minus_infinity(), why);
  }
}

/// The dependent is being placed where the primary has its role.
void bind_to_role(Plan& plan, Item& dependent, const Item& primary, const Coloc& colocation) {
  const bool must = colocation.score.points >= Score::inf;
  // Both promoted: without the role the dependent may be elsewhere, too.
  const bool both = colocation.dependent_role == Role::promoted && colocation.primary_role == Role::promoted;
  std::set<int> places;
  for (const Item* child : primary.children) {
    const int node = location(*child);
    if (node == nowhere || state_next(*child) != *colocation.primary_role) continue;
    places.insert(node);
    if (must && both) continue;
    // What made the primary come here counts for who must follow it.
    const Score change = must ? first_leaf(*child).weights[std::size_t(node)].value() : colocation.score;
    if (change.points == 0) continue;
    dependent.weights[std::size_t(node)].score = dependent.weights[std::size_t(node)].score + change;
    note(dependent, node, change,
         must ? fmt::format("score of {} there", child->id)
              : fmt::format("colocation {}: {} is {} there", colocation.id, child->id,
                            to_words(*colocation.primary_role)));
  }
  if (!must) return;
  bind(dependent, fmt::format("it must be where {} is {} (colocation {})", primary.id,
                              to_words(*colocation.primary_role), colocation.id));
  if (!both)
    only_on(plan, dependent, places,
            fmt::format("colocation {}: {} is not {} there", colocation.id, primary.id,
                        to_words(*colocation.primary_role)));
}

void with_promotable(Plan& plan, Item& dependent, Item& primary, const Coloc& colocation) {
  if (!dependent.provisional) {  // the dependent's role is being chosen, or it is too late
    if (colocation.dependent_role != Role::promoted) return;
    if (instance_on(primary, location(dependent), colocation.primary_role) != nullptr) {
      dependent.promotion = dependent.promotion + colocation.score;
    } else if (colocation.score.points >= Score::inf) {
      dependent.promotion = Score::minus_infinity();
      dependent.role_why = fmt::format("colocation {}: {} is not {} there", colocation.id, primary.id,
                                       to_words(*colocation.primary_role));
    }
    return;
  }
  bind_to_role(plan, dependent, primary, colocation);
}

/// A dependent of a clone: an interleaved clone's instance pairs with the one on its node; others follow all instances.
void with_clone(Plan& plan, Item& dependent, Item& primary, const Coloc& colocation) {
  if (primary.promotable && colocation.primary_role) return with_promotable(plan, dependent, primary, colocation);
  const Item* clone = clone_of(dependent);
  if (clone != nullptr && clone->interleave && colocation.score.points > 0) {
    std::set<int> places;
    for (const Item* child : primary.children) places.insert(location(*child));
    if (colocation.mandatory()) {
      only_on(plan, dependent, places, fmt::format("colocation {}: no {} there", colocation.id, primary.id));
    }
    return;
  }
  if (colocation.score.points >= Score::inf) {
    std::set<int> places;
    for (Item* child : primary.children) {
      if (!child->blocked) places.insert(location(*child));
    }
    bind(dependent, fmt::format("it must be with {} (colocation {})", primary.id, colocation.id));
    only_on(plan, dependent, places, fmt::format("colocation {}: no {} there", colocation.id, primary.id));
    return;
  }
  for (Item* child : primary.children) apply_colocation(plan, dependent, *child, colocation);
}

/// The best score that a resource has for a node; -INFINITY where it cannot be.
Score own_score(const Plan& plan, const Item& item, std::size_t node) {
  return plan.nodes[node].can_run() ? item.weights[node].value() : Score::minus_infinity();
}

Select made_active(Select select) {
  if (select == Select::plain) return Select::active;
  return select == Select::nonnegative ? Select::active_nonnegative : select;
}

/// Marks a node whose score would have fallen below zero by optional wishes; it counts as 1 in the end.
constexpr int barely = -13;

bool bound_to_one_node(const Item& item) {
  return std::ranges::count_if(item.weights, [](const Weight& weight) { return weight.value().points >= 0; }) <= 1;
}

void add_wish(const Plan& plan, const Item& item, Weights& work, double factor, Select select) {
  const bool nonnegative = select == Select::nonnegative || select == Select::active_nonnegative;
  for (std::size_t node = 0; node < work.size(); ++node) {
    const Score score = own_score(plan, item, node);
    // One who must keep apart does not chase the other from nodes that it avoids itself, unless it has but one node.
    if (factor < 0 && score.points < 0 && !bound_to_one_node(item)) continue;
    if (work[node].score.points == barely) continue;
    const double exact = factor * score.points;
    int change = static_cast<int>(exact < 0 ? exact - 0.5 : exact + 0.5);
    if (change == 0 && score.points != 0 && factor != 0) change = factor > 0 ? 1 : -1;  // small is not nothing
    const Score sum = work[node].score + Score{change};
    if (nonnegative && sum.points < 0) {
      if (work[node].score.points > 0) work[node].score = Score{barely};
      if (work[node].score.points >= 0 || work[node].score.points == barely) continue;
    }
    work[node].score = sum;
  }
}

}  // namespace

void apply_colocation(Plan& plan, Item& dependent, Item& primary, const Coloc& colocation) {
  if (primary.kind == Kind::clone) {
    if (!primary.provisional) with_clone(plan, dependent, primary, colocation);
    return;
  }
  if (primary.kind == Kind::group) {  // the whole group for a must, its beginning for a wish
    if (primary.provisional) return;
    Item& member = colocation.score.points >= Score::inf ? *primary.children.back() : *primary.children.front();
    return apply_colocation(plan, dependent, member, colocation);
  }
  switch (effect_of(colocation, dependent, primary)) {
    case Effect::none:
      break;
    case Effect::location:
      to_weights(plan, dependent, primary, colocation);
      break;
    case Effect::role:
      to_priority(plan, dependent, primary, colocation);
      break;
  }
}

void apply_this_with(Plan& plan, Item& item, const Coloc& colocation) {
  const bool may_revert = colocation.dependent_role == Role::promoted ||
                          (colocation.score.points < 0 && colocation.score.points > -Score::inf);
  Weights before;
  if (may_revert) before = item.weights;
  if (colocation.primary->provisional) assign(plan, *colocation.primary, nowhere);
  apply_colocation(plan, item, *colocation.primary, colocation);
  if (may_revert && !any_available(plan, item.weights)) item.weights = before;
}

void add_colocated_scores(Plan& plan, Item& item, Weights& into, double factor, Select select) {
  if (item.merging) return;
  item.merging = true;
  Weights work = into;
  if (item.kind == Kind::group) {  // the first member speaks for those that follow it
    add_colocated_scores(plan, *item.children.front(), work, factor, select);
  } else {
    add_wish(plan, item, work, factor, select);
  }
  if (!any_available(plan, work)) {
    if (select == made_active(select)) {
      item.merging = false;
      return;  // a wish that leaves nothing is not granted
    }
  } else {
    const Item& last = item.kind == Kind::group ? *item.children.back() : item;
    for (const Coloc* colocation : all_with_this(last)) {
      factor = (factor < 0 ? -1.0 : 1.0) * colocation->score.points / Score::inf;
      add_colocated_scores(plan, *colocation->dependent, work, factor, made_active(select));
    }
  }
  if (select == Select::nonnegative || select == Select::active_nonnegative) {
    for (Weight& weight : work) {
      if (weight.score.points == barely) weight.score = Score{1};
    }
  }
  into = std::move(work);
  item.merging = false;
}

void add_dependent_scores(Plan& plan, Item& item, const Coloc& colocation) {
  const double factor = double(colocation.score.points) / Score::inf;
  const Weights before = item.weights;
  add_colocated_scores(plan, *colocation.dependent, item.weights, factor,
                       item.kind == Kind::clone ? Select::active_nonnegative : Select::active);
  for (std::size_t node = 0; node < before.size(); ++node) {
    const int change = item.weights[node].score.points - before[node].score.points;
    if (change == 0) continue;
    note(item, int(node), Score{std::clamp(change, -Score::inf, Score::inf)},
         fmt::format("{} follows it (colocation {})", colocation.dependent->id, colocation.id));
  }
}

namespace {
/// A clone's constraints count for its instances; optional ones only where not every node gets an instance.
void from_above(const Item& item, bool dependent, std::vector<const Coloc*>& found) {
  const Item* parent = item.parent;
  if (parent == nullptr || (parent->provisional && !parent->assigning)) return;
  if (parent->kind == Kind::clone) {
    for (const Coloc* colocation : dependent ? parent->this_with : parent->with_this) {
      const bool always = colocation->score.points < 0 || (dependent && colocation->mandatory());
      if (always || parent->all_colocations) found.push_back(colocation);
    }
    return;
  }
  // A group's "this with" binds its first member, and its "with this" reaches the first through the last.
  const Item* representative = dependent ? parent->children.front() : parent->children.back();
  if (representative != &item) return;
  const auto& own = dependent ? parent->this_with : parent->with_this;
  found.insert(found.end(), own.begin(), own.end());
  from_above(*parent, dependent, found);
}
}  // namespace

std::vector<const Coloc*> all_this_with(const Item& item) {
  std::vector<const Coloc*> found = item.this_with;
  from_above(item, true, found);
  return found;
}

std::vector<const Coloc*> all_with_this(const Item& item) {
  std::vector<const Coloc*> found = item.with_this;
  from_above(item, false, found);
  return found;
}

}  // namespace systole::scheduler

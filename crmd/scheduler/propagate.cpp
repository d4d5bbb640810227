// SPDX-License-Identifier: GPL-2.0-or-later
// What one act means for others, until nothing changes any more: what must happen drags along what it implies, what
// cannot happen holds up what needs it, and a resource that cannot start again is stopped rather than left standing on
// nothing. Acts only ever turn from optional to required and from possible to impossible, so this ends.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/ensure.hpp"
#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

std::string name_of(const Plan& plan, const Act& act) {
  std::string text = fmt::format("{} of {}", to_words(beginning(act.task)), act.item->id);
  if (act.node != nowhere) text += fmt::format(" on {}", plan.node_name(act.node));
  return text;
}

/// Why what comes after an act cannot be.
std::string lack_of(const Plan& plan, const Act& act) {
  if (act.needed > 0)
    return fmt::format("too few can run of what {} waits for", act.name.substr(act.name.find(':') + 1));
  return fmt::format("no {}", name_of(plan, act));
}

/// The acts that a change of this one means: members' acts for a collective.
std::vector<Act*> targets(Act& act) {
  if (act.item->leaf()) return {&act};
  std::vector<Act*> found;
  for (Item* leaf : leaves(*act.item)) {
    for (Act* below : find_acts(*leaf, beginning(act.task))) found.push_back(below);
  }
  return found;
}

/// The first cause counts. What a resource's own acts mean for each other is none.
void blame(Act& act, std::string_view change, const Act& because) {
  if (act.item == because.item || !act.cause.empty()) return;
  act.cause = because.task == Task::boundary
                  ? fmt::format("{} {}", change, because.name)
                  : fmt::format("{} {} {}", change, because.item->id, to_words(because.task));
}

class Propagation {
 public:
  explicit Propagation(Plan& plan) : plan_(plan) {}

  void run() {
    // Each round changes at least one of two flags of one act, or is the last.
    std::size_t rounds = 0;
    do {
      changed_ = false;
      count_some_of();
      for (const Coloc& each : plan_.colocations) block_dependent(each);
      for (const Edge& each : plan_.edges) apply(each);
      ensure(++rounds <= 2 * plan_.acts.size() + 2);
    } while (changed_);
  }

 private:
  void must(Act& act, const std::string& why, const Act& because) {
    if (act.required()) return;
    blame(act, "required", because);
    require(act, why);
    changed_ = changed_ || act.required();
  }

  void cannot(Act& act, const std::string& why, const Act& because) {
    if (!act.runnable) return;
    blame(act, "unrunnable", because);
    act.runnable = false;
    act.reason = why;
    changed_ = true;
  }

  void count_some_of() {
    std::vector<int> possible(plan_.acts.size(), 0);
    for (const Edge& each : plan_.edges)
      if ((each.flags & edge::one_of) != 0 && state_of(*each.first, nowhere).runnable) ++possible[each.then->index];
    for (Act& act : plan_.acts) {
      if (act.needed == 0 || !act.runnable || possible[act.index] >= act.needed) continue;
      act.runnable = false;
      changed_ = true;
    }
  }

  void apply(const Edge& each) {
    const ActState first = state_of(*each.first, each.then->node);
    const ActState then = state_of(*each.then, each.first->node);
    if ((each.flags & edge::implies_then) != 0 && !first.optional && then.optional) imply_then(each);
    if ((each.flags & edge::needs_first) != 0 && !first.runnable) {
      if (!each.then->item->leaf()) each.then->runnable = false;
      for (Act* act : targets(*each.then)) cannot(*act, lack_of(plan_, *each.first), *each.first);
    }
    if ((each.flags & edge::asymmetric) != 0 && !first.runnable) hold_up(each);
    if ((each.flags & edge::restart) != 0) restart(each);
    if ((each.flags & (edge::implies_then | edge::inverse | edge::restart)) != 0) wait_for_blocked(each);
    if ((each.flags & edge::demote_first) != 0 && each.then->required() && each.then->item->role == Role::promoted) {
      must(*each.first, each.then->reason, *each.then);
    }
  }

  /// A stop that nobody may do holds up what has to come after it, for good.
  void wait_for_blocked(const Edge& each) {
    const Act& stop = *each.first;
    if (!stop.item->leaf() || stop.task != Task::stop || stop.runnable || stop.item->managed || !stop.item->blocked)
      return;
    for (Act* act : targets(*each.then)) {
      changed_ = changed_ || act->runnable;
      act->runnable = false;
    }
  }

  /// Who must be with something that cannot come up, or not in the role that is meant, cannot come up either.
  void block_dependent(const Coloc& colocation) {
    if (colocation.score != Score::infinity() || colocation.primary->parent != nullptr) return;
    for (const Task task : {Task::start, Task::promote}) {
      if (task == Task::promote && colocation.primary_role != Role::promoted) continue;
      const Item* lost = cannot_reach(*colocation.primary, task);
      if (lost == nullptr) continue;
      const Task lost_with_it = colocation.dependent_role == Role::promoted ? Task::promote : Task::start;
      for (Item* leaf : leaves(*colocation.dependent)) {
        for (Act* act : find_acts(*leaf, lost_with_it)) {
          if (!act->runnable) continue;
          act->runnable = false;
          act->reason = fmt::format("{} cannot come up (colocation {})", lost->id, colocation.id);
          if (act->cause.empty()) act->cause = fmt::format("colocation with {}", lost->id);
          changed_ = true;
        }
      }
    }
  }

  /// The last part of it that cannot, where none can.
  static const Item* cannot_reach(Item& primary, Task task) {
    if (primary.leaf()) {
      const auto acts = find_acts(primary, task);
      const bool blocked = std::ranges::any_of(acts, [](const Act* act) { return !act->runnable; });
      return blocked ? &primary : nullptr;
    }
    const Item* last = nullptr;
    for (Item* child : primary.children) {
      if (child->leaf()) {
        const Act* act = find_act(*child, task, nowhere);
        if (act != nullptr && act->runnable) return nullptr;
      } else if (cannot_reach(*child, task) == nullptr) {
        return nullptr;
      }
      last = child;
    }
    return last;
  }

  void imply_then(const Edge& each) {
    for (Act* act : targets(*each.then))
      must(*act, fmt::format("{} comes before", name_of(plan_, *each.first)), *each.first);
  }

  /// symmetrical=false: what runs already is left alone; what would start now cannot.
  void hold_up(const Edge& each) {
    for (Act* act : targets(*each.then)) {
      if (act->optional) continue;
      if (!each.then->item->leaf()) each.then->runnable = false;
      cannot(*act, lack_of(plan_, *each.first), *each.first);
    }
  }

  /// What is required drags the stop before it along, and cannot be without it; what cannot start again is stopped.
  void restart(const Edge& each) {
    Act &stop = *each.first, &then = *each.then;
    const bool stranded = stop.item == then.item && !then.runnable && then.item->managed;
    if (then.optional && !stranded) return;
    if (stop.runnable || then.required()) must(stop, then.reason, then);
    if (stop.required() && !stop.runnable) cannot(then, fmt::format("no {}", name_of(plan_, stop)), stop);
  }

  Plan& plan_;
  bool changed_ = false;
};

}  // namespace

void propagate(Plan& plan) {
  Propagation(plan).run();
}

}  // namespace systole::scheduler

// SPDX-License-Identifier: GPL-2.0-or-later
// Last step: the decisions in words. While scoring and placing, every change of a score left a note with its cause;
// here the notes that decided become a sentence for the person who asks why.
#include "crmd/scheduler/explain.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace systole::scheduler {

namespace {

std::string node_unfit(const Plan& plan, const PlanNode& node) {
  if (node.unclean)
    return fmt::format("node {} is lost and {}", node.name.value, can_fence(plan, node) ? "is fenced" : "not fenced");
  if (!node.online) return fmt::format("node {} is {}", node.name.value, node.pending ? "joining" : "offline");
  if (node.leaving) return fmt::format("node {} is shutting down", node.name.value);
  if (node.standby_on_fail) return fmt::format("node {} was put in standby by a failure", node.name.value);
  if (node.standby) return fmt::format("node {} is in standby", node.name.value);
  if (node.maintenance) return fmt::format("node {} is in maintenance", node.name.value);
  return "";
}

/// What made up a score, strongest first: "100 location a, 1 stickiness".
std::string parts(const Item& item, int node) {
  std::vector<const Note*> notes;
  for (const Note& note : item.notes) {
    if ((note.node == node || note.node == nowhere) && note.score.points != 0) notes.push_back(&note);
  }
  std::ranges::stable_sort(
      notes, [](const Note* a, const Note* b) { return std::abs(a->score.points) > std::abs(b->score.points); });
  std::vector<std::string> texts = node == item.allocated ? item.bound : std::vector<std::string>{};
  for (const Note* note : notes) {
    std::string text = fmt::format("{} {}", to_string(note->score), note->why);
    if (std::ranges::find(texts, text) == texts.end()) texts.push_back(std::move(text));
  }
  if (texts.empty()) return "no preference";
  if (texts.size() > 4) texts.resize(4), texts.push_back("…");
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string score_words(const Item& item, int node) {
  return to_string(item.weights[std::size_t(node)].value());
}

}  // namespace

std::string why_not(const Plan& plan, const Item& item, int node) {
  const PlanNode& facts = plan.nodes[std::size_t(node)];
  if (const std::string unfit = node_unfit(plan, facts); !unfit.empty()) return unfit;
  if (item.weights[std::size_t(node)].value().points >= 0) return "";
  for (const Note& note : item.notes) {
    if ((note.node == node || note.node == nowhere) && note.score.points <= -Score::inf) return note.why;
  }
  if (!item.weights[std::size_t(node)].present) return "symmetric-cluster is false and no location allows it";
  const Item* clone = clone_of(item);
  if (clone != nullptr) {
    if (const std::string above = why_not(plan, *clone, node); !above.empty()) return above;
    if (item.weights[std::size_t(node)].value().points <= -Score::inf) return "another instance is there";
  }
  return fmt::format("score {} ({})", score_words(item, node), parts(item, node));
}

std::string why_leave(const Plan& plan, const Item& item) {
  if (item.running_on.empty()) return "";
  const int here = item.running_on.front();
  if (item.target == Role::stopped && item.allocated == nowhere) return "target-role is Stopped";
  if (item.failed && item.allocated == nowhere && !item.failure.empty()) {
    const std::string refusal = why_not(plan, item, here);
    return refusal.empty() ? item.failure : fmt::format("{}; {}", item.failure, refusal);
  }
  const std::string refusal = why_not(plan, item, here);
  if (!refusal.empty()) return refusal;
  if (item.allocated == nowhere) return "no node may run it";
  if (item.allocated == here) return "";
  return fmt::format("{} is better: score {} ({}) against {} ({})", plan.node_name(item.allocated),
                     score_words(item, item.allocated), parts(item, item.allocated), score_words(item, here),
                     parts(item, here));
}

std::string why_come(const Plan& plan, const Item& item) {
  if (item.allocated == nowhere) return "";
  if (!item.running_on.empty()) {
    const std::string leave = why_leave(plan, item);
    if (item.running_on.front() != item.allocated && !leave.empty()) {
      return fmt::format("moved from {}: {}", plan.node_name(item.running_on.front()), leave);
    }
    return "";
  }
  return fmt::format("not active; score {} on {} ({})", score_words(item, item.allocated),
                     plan.node_name(item.allocated), parts(item, item.allocated));
}

std::string why_role(const Plan& plan, const Item& item) {
  const Item* instance = &item;
  while (instance->parent != nullptr && instance->parent->kind != Kind::clone) instance = instance->parent;
  if (item.next() == Role::promoted) return fmt::format("highest of {}: {}", top_of(item).id, instance->role_why);
  static_cast<void>(plan);
  return instance->role_why.empty() ? "another instance is promoted" : instance->role_why;
}

namespace {

std::string comparison(const Plan& plan, const Item& item) {
  std::vector<std::string> others;
  for (std::size_t node = 0; node < plan.nodes.size(); ++node) {
    if (int(node) == item.allocated) continue;
    const std::string refusal = why_not(plan, item, int(node));
    others.push_back(refusal.empty() ? fmt::format("{} has {} ({})", plan.node_name(int(node)),
                                                   score_words(item, int(node)), parts(item, int(node)))
                                     : fmt::format("not {}: {}", plan.node_name(int(node)), refusal));
  }
  return fmt::format("{}", fmt::join(others, "; "));
}

std::vector<std::pair<NodeName, std::string>> elsewhere(const Plan& plan, const Item& item) {
  std::vector<std::pair<NodeName, std::string>> others;
  for (int node = 0; node < int(plan.nodes.size()); ++node) {
    if (node == item.allocated) continue;
    std::string why = why_not(plan, item, node);
    if (why.empty() && item.target == Role::stopped) why = "target-role is Stopped";
    if (why.empty() && item.allocated == nowhere)
      why = item.managed ? "nothing may run it now" : "not managed: it stays as it is";
    if (why.empty())
      why = fmt::format("{} is better: score {} ({}) against {} ({})", plan.node_name(item.allocated),
                        score_words(item, item.allocated), parts(item, item.allocated), score_words(item, node),
                        parts(item, node));
    others.emplace_back(plan.nodes[std::size_t(node)].name, std::move(why));
  }
  return others;
}

std::string sentence_for(const Plan& plan, const Item& item) {
  if (item.blocked) return fmt::format("blocked: {}", item.failure);
  if (!item.managed) return "not managed: it stays as it is";
  if (item.allocated == nowhere) {
    if (item.target == Role::stopped) return "stopped: target-role is Stopped";
    if (plan.options.stop_all) return "stopped: stop-all-resources is set";
    const std::string why = comparison(plan, item);
    return why.empty() ? "stopped: there is no node" : fmt::format("stopped: {}", why);
  }
  const Act* start = find_act(item, Task::start, item.allocated);
  if (start != nullptr && !start->runnable)
    return fmt::format("cannot start on {}: {}", plan.node_name(item.allocated), start->reason);
  std::string text = fmt::format("runs on {}: score {} ({})", plan.node_name(item.allocated),
                                 score_words(item, item.allocated), parts(item, item.allocated));
  if (const std::string others = comparison(plan, item); !others.empty()) text += "; " + others;
  const Item* clone = clone_of(item);
  if (clone != nullptr && clone->promotable) {
    text += fmt::format("; {}: {}", item.next() == Role::promoted ? "promoted" : "not promoted", why_role(plan, item));
  }
  return text;
}

}  // namespace

void explain(const Plan& plan, Transition& transition) {
  for (const Item& item : plan.items) {
    if (!item.leaf()) continue;
    Decision decision;
    decision.resource = ResourceId{item.id};
    if (item.allocated != nowhere) decision.node = plan.nodes[std::size_t(item.allocated)].name;
    const Act* start = item.allocated == nowhere ? nullptr : find_act(item, Task::start, item.allocated);
    const bool runs = item.allocated != nowhere && (start == nullptr || start->runnable || !item.managed);
    decision.role = to_words(runs ? item.next() : Role::stopped);
    if (!runs) decision.node = {};
    decision.sentence = sentence_for(plan, item);
    if (plan.in_full) decision.elsewhere = elsewhere(plan, item);
    transition.decisions.push_back(std::move(decision));
  }
}

}  // namespace systole::scheduler

// SPDX-License-Identifier: GPL-2.0-or-later
// From the plan to the transition: only what must and can happen remains, with everything that the executor needs to
// run it (parameters, CRM_meta_… values, timeout) and the acts it has to wait for. A collective's points in time remain
// where members act. Should constraints contradict each other, a circle would never end: the edge that closes it is
// dropped, and a problem says so.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"
#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

using cib::Pairs;

/// Points that wait for some of several acts: there when one of those is.
void show_points(const Plan& plan) {
  for (const Edge& each : plan.edges) {
    if ((each.flags & edge::one_of) == 0 || !each.first->runnable) continue;
    if (!state_of(*each.first, nowhere).optional) each.then->optional = false;
  }
}

bool stays_whole(const Act& act);

/// Also what is around it may begin.
bool may_begin(const Act& act) {
  if (!act.runnable) return false;
  const Act* around = act.item->parent == nullptr ? nullptr : find_act(*act.item->parent, act.task, nowhere);
  return around == nullptr || may_begin(*around);
}

/// A clone of groups begins and ends with the first of them that does.
bool group_stays(const Act& act) {
  return std::ranges::any_of(act.item->children, [&](const Item* child) {
    const Act* below = find_act(*child, act.task, nowhere);
    return below != nullptr && stays_whole(*below);
  });
}

/// A collective's point in time. Going down begins also where not all can; a group is down only when all are.
bool stays_whole(const Act& act) {
  const Task task = beginning(act.task);
  const bool of_groups =
      act.item->kind == Kind::clone && !act.item->children.empty() && !act.item->children.front()->leaf();
  if (act.shown_alone && of_groups && task == Task::start) return group_stays(act);
  const bool down = task == Task::stop || task == Task::demote;
  const bool group = act.item->kind == Kind::group, all = act.task != task && group;
  bool required = false, any = false, placed = false;
  for (Item* leaf : leaves(*act.item)) {
    if (all && act.task == Task::started && find_acts(*leaf, task).empty()) return false;
    for (const Act* below : find_acts(*leaf, task)) {
      const bool possible = below->runnable && leaf->managed;
      if (all && act.task == Task::started && !below->runnable) return false;
      if (!below->optional && down && all && !possible) return false;
      required = required || !below->optional;
      placed = placed || (!below->optional && below->node != nowhere && leaf->managed);
      any = any || (possible && (act.shown_alone || !below->optional));
    }
  }
  const bool begins = act.shown_alone && group && !all && placed && may_begin(act);
  return required && (any || down || begins);
}

}  // namespace

bool stays(const Act& act) {
  if (act.needed > 0) return act.required() && act.runnable;
  if (act.task == Task::boundary) return true;
  if (!act.item->leaf()) return stays_whole(act);
  const bool looks = act.task == Task::monitor || act.task == Task::probe || act.task == Task::cancel;
  if (!act.item->managed && !looks && act.task != Task::notify && act.task != Task::clear_failure) return false;
  return (act.required() || act.always) && act.runnable;
}

namespace {

std::string operation_name(const Act& act) {
  if (act.task == Task::boundary) return act.name;
  if (act.pseudo) return fmt::format("{}_{}_0", act.item->id, to_words(act.task));
  if (act.task == Task::monitor || act.task == Task::cancel) return act.name;
  if (act.task == Task::notify) return "notify";
  return std::string(to_words(act.task));
}

void clone_meta(const Item& item, Pairs& meta) {
  const Item* clone = clone_of(item);
  if (clone == nullptr) return;
  const auto yes_no = [](bool value) { return std::string(value ? "true" : "false"); };
  meta["clone"] = std::to_string(item.instance);
  meta["clone_max"] = std::to_string(clone->clone_max);
  meta["clone_node_max"] = std::to_string(clone->clone_node_max);
  meta["globally_unique"] = yes_no(clone->unique);
  meta["notify"] = yes_no(clone->notify);
  if (!clone->promotable) return;
  for (const char* name : {"promoted_max", "master_max"}) meta[name] = std::to_string(clone->promoted_max);
  for (const char* name : {"promoted_node_max", "master_node_max"})
    meta[name] = std::to_string(clone->promoted_node_max);
}

/// The monitor whose timeout a probe takes: the one with the smallest interval.
const cib::Operation* shortest_monitor(const Item& item) {
  const cib::Operation* best = nullptr;
  for (const cib::Operation& operation : item.primitive->operations) {
    if (operation.name != "monitor" || operation.interval == Duration{}) continue;
    if (best == nullptr || operation.interval < best->interval) best = &operation;
  }
  return best;
}

const cib::Operation* operation_of(const Act& act) {
  if (act.operation != nullptr) return act.operation;
  const cib::Operation* configured = find_operation(*act.item, operation_name(act), act.interval);
  if (configured == nullptr && act.task == Task::probe) return shortest_monitor(*act.item);
  return configured;
}

Pairs meta_of_act(const Plan& plan, const Act& act, const cib::Operation* operation, Duration timeout) {
  Pairs meta = act.extra_meta;
  if (operation != nullptr && act.task != Task::probe) {
    for (const auto& [name, value] : operation->attributes) {
      std::string key = name;
      std::ranges::replace(key, '-', '_');
      meta.insert({key, value});
    }
  }
  meta["timeout"] = std::to_string(to_ms(timeout));
  if (act.operation != nullptr || find_operation(*act.item, operation_name(act), act.interval) != nullptr) {
    meta["name"] = operation_name(act);
  }
  if (act.interval != Duration{}) meta["interval"] = std::to_string(to_ms(act.interval));
  meta["on_node"] = plan.node_name(act.node);
  meta["on_node_uuid"] = plan.nodes[std::size_t(act.node)].id;
  clone_meta(*act.item, meta);
  if (act.task == Task::notify) {
    meta["notify_type"] = act.notify_type;
    meta["notify_operation"] = act.notify_operation;
    meta["notify_key_type"] = act.notify_key_type;
    meta["notify_key_operation"] = act.notify_key_operation;
  }
  return meta;
}

ActionKind kind_of(const Act& act) {
  if (act.pseudo) return ActionKind::pseudo;
  if (act.task == Task::cancel) return ActionKind::cancel;
  if (act.task == Task::clear_failure) return ActionKind::clear_failure;
  if (act.task == Task::forget) return ActionKind::forget;
  return ActionKind::operation;
}

Action to_node_action(const Plan& plan, const Act& act) {
  Action action;
  if (act.task == Task::boundary) {
    action.kind = ActionKind::pseudo;
    action.operation = act.name;
    return action;
  }
  action.kind = act.task == Task::fence ? ActionKind::fence : ActionKind::shutdown;
  action.operation = act.task == Task::fence ? plan.options.stonith_action : to_words(act.task);
  action.node = plan.nodes[std::size_t(act.node)].name;
  action.reason = act.reason;
  return action;
}

Action to_action(const Plan& plan, const Act& act) {
  if (act.item == &plan.cluster) return to_node_action(plan, act);
  Action action;
  action.kind = kind_of(act);
  action.instance = act.item->instance;
  action.operation = operation_name(act);
  action.reason = act.reason;
  if (act.pseudo) {
    action.resource = ResourceId{act.item->id};
    return action;
  }
  action.resource = act.item->named.value.empty() ? act.item->history_id : act.item->named;
  action.interval = act.interval;
  action.node = plan.nodes[std::size_t(act.node)].name;
  action.standard = act.item->primitive->standard;
  action.provider = act.item->primitive->provider;
  action.type = act.item->primitive->type;
  action.expected_rc = act.expected_rc;
  action.probe = act.task == Task::probe;
  action.may_fail = act.task == Task::notify;
  if (action.kind != ActionKind::operation) return action;
  const cib::Operation* operation = operation_of(act);
  action.timeout = timeout_of(plan, operation);
  action.parameters = parameters_of(plan, *act.item, act.node, act.operation);
  action.meta = meta_of_act(plan, act, operation, action.timeout);
  action.on_fail = to_words(on_fail_of(plan, *act.item, action.operation, act.interval));
  return action;
}

/// Edges between acts that stay, without those that would close a circle.
class Wiring {
 public:
  Wiring(Plan& plan, std::vector<int> ids) : plan_(plan), ids_(std::move(ids)), out_(plan.acts.size()) {}

  std::vector<const Edge*> acyclic() {
    std::vector<const Edge*> kept;
    for (const Edge& each : plan_.edges) {
      if (ids_[each.first->index] < 0 || ids_[each.then->index] < 0) continue;
      if (each.then->required() && !each.then->runnable) continue;
      out_[each.first->index].push_back(&each);
    }
    state_.assign(plan_.acts.size(), 0);
    for (const Act& act : plan_.acts) {
      if (ids_[act.index] >= 0 && state_[act.index] == 0) visit(act.index);
    }
    for (const Edge& each : plan_.edges) {
      if (ids_[each.first->index] >= 0 && ids_[each.then->index] >= 0 && !closing_.contains(&each))
        kept.push_back(&each);
    }
    return kept;
  }

 private:
  void visit(std::size_t at) {
    // An explicit stack: chains may be as long as there are resources.
    std::vector<std::pair<std::size_t, std::size_t>> stack{{at, 0}};
    state_[at] = 1;
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next == out_[node].size()) {
        state_[node] = 2;
        stack.pop_back();
        continue;
      }
      const Edge* each = out_[node][next++];
      const std::size_t then = each->then->index;
      if (state_[then] == 1) {
        close(*each);
      } else if (state_[then] == 0) {
        state_[then] = 1;
        stack.emplace_back(then, 0);
      }
    }
  }

  void close(const Edge& each) {
    closing_.insert(&each);
    if ((each.flags & edge::loose) != 0) return;
    plan_.problems.push_back(
        fmt::format("order constraints contradict each other between {} of {} and {} of {}: the "
                    "last of them is ignored",
                    to_words(each.first->task), each.first->item->id, to_words(each.then->task), each.then->item->id));
  }

  Plan& plan_;
  std::vector<int> ids_;
  std::vector<std::vector<const Edge*>> out_;
  std::vector<int> state_;
  std::set<const Edge*> closing_;
};

void sort_unique(std::vector<int>& ids) {
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

}  // namespace

namespace {

void rank_below(const Item& item, std::vector<int>& ranks, int& next) {
  const auto own = [&] {
    for (auto act = item.acts.rbegin(); act != item.acts.rend(); ++act) ranks[(*act)->index] = next++;
  };
  if (item.kind != Kind::clone) own();
  for (const Item* child : item.children) rank_below(*child, ranks, next);
  if (item.kind == Kind::clone) own();
}

/// By act: each belongs to a resource.
std::vector<int> ranks_of(const Plan& plan) {
  std::vector<int> ranks(plan.acts.size(), -1);
  int next = 0;
  for (const Item* root : plan.roots) rank_below(*root, ranks, next);
  rank_below(plan.cluster, ranks, next);
  return ranks;
}

}  // namespace

Transition prune(Plan& plan) {
  Transition transition;
  show_points(plan);
  const std::vector<int> ranks = ranks_of(plan);
  std::vector<int> ids(plan.acts.size(), -1);
  for (const Act& act : plan.acts) {
    if (!stays(act)) continue;
    Action action = to_action(plan, act);
    action.id = ids[act.index] = static_cast<int>(transition.actions.size());
    action.rank = ranks[act.index];
    transition.actions.push_back(std::move(action));
  }
  for (const Edge* each : Wiring(plan, ids).acyclic()) {
    Action& then = transition.actions[std::size_t(ids[each->then->index])];
    const bool loose = (each->flags & edge::loose) != 0 || each->first->task == Task::notify;
    (loose ? then.after_any : then.after).push_back(ids[each->first->index]);
  }
  for (Action& action : transition.actions) {
    sort_unique(action.after);
    sort_unique(action.after_any);
  }
  return transition;
}

}  // namespace systole::scheduler

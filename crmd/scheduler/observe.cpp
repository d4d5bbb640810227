// SPDX-License-Identifier: GPL-2.0-or-later
// Third step: what runs where, and in which role. A node's history of a resource is replayed in the order in which it
// happened; each result moves the role, each failure asks for something (on-fail), and a later success of the right
// kind forgives it. What remains at the end is the truth that all later steps work from.
//
// A failed start leaves the resource "active": nobody knows how far it came, so it must be stopped before anything
// else.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"
#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

using cib::OperationResult;
using cib::OpStatus;
using cib::Rc;

/// What replaying one history gives.
struct Replay {
  std::optional<Role> role;
  OnFail on_fail = OnFail::ignore;
  const OperationResult* failure = nullptr;
  std::string words;  // of the failure
  bool start_pending = false;
  std::string pending;     // the first of the operations under way
  bool step_down = false;  // a failed promotion: not promoted again before it was stopped
  bool known = false;
};

bool is_probe(const OperationResult& result) {
  return result.operation == "monitor" && result.interval == Duration{};
}

int plain_rc(const OperationResult& result) {
  if (result.operation != "monitor") return result.rc;
  if (result.rc == int(Rc::degraded)) return int(Rc::ok);
  if (result.rc == int(Rc::degraded_promoted)) return int(Rc::promoted);
  return result.rc;
}

Role active_role(const Item& item) {
  const Item* clone = clone_of(item);
  return clone != nullptr && clone->promotable ? Role::unpromoted : Role::started;
}

std::string in_words(const OperationResult& result) {
  const auto status = static_cast<OpStatus>(result.status);
  std::string text = fmt::format("{} failed: {}", is_probe(result) ? "probe" : result.operation,
                                 status == OpStatus::timed_out ? "timed out" : cib::to_words(Rc{result.rc}));
  if (!result.exit_reason.empty()) text += fmt::format(" ({})", result.exit_reason);
  return text;
}

enum class Verdict { sound, failed, hard, fatal };

/// hard: not on this node again. fatal: not anywhere. The agent's exit codes say so (OCF resource agent API).
Verdict judge(const OperationResult& result, const Item& item) {
  if (result.status == OpStatus::error_hard || result.status == OpStatus::not_installed) return Verdict::hard;
  if (result.status == OpStatus::error_fatal) return Verdict::fatal;
  const int rc = plain_rc(result);
  const bool done = result.status == OpStatus::done || result.status == OpStatus::error;
  if (done && rc == result.expected_rc) return Verdict::sound;
  if (!done) return result.status == OpStatus::cancelled ? Verdict::sound : Verdict::failed;
  switch (static_cast<Rc>(rc)) {
    case Rc::ok:
      return is_probe(result) ? Verdict::sound : Verdict::failed;
    case Rc::not_running:
      return is_probe(result) || !item.managed ? Verdict::sound : Verdict::failed;
    case Rc::promoted:
      return is_probe(result) ? Verdict::sound : Verdict::failed;
    case Rc::not_installed:
    case Rc::permission:
    case Rc::bad_arguments:
      return Verdict::hard;
    case Rc::not_configured:
      return Verdict::fatal;
    case Rc::unimplemented:
      return result.interval == Duration{} ? Verdict::hard : Verdict::failed;
    case Rc::error:
    case Rc::failed_promoted:
    case Rc::degraded:
    case Rc::degraded_promoted:
    case Rc::pending:
      return Verdict::failed;
  }
  return Verdict::failed;
}

/// A success moves the role; one that shows the failure to be over forgives it.
void take_success(Replay& replay, const OperationResult& result, const Item& item) {
  const int rc = plain_rc(result);
  bool forgiven = false;
  if (result.operation == "monitor") {
    replay.known = true;
    forgiven = replay.failure != nullptr && replay.failure->operation == "monitor" &&
               replay.failure->interval == result.interval;
    if (rc == int(Rc::not_running)) {
      replay.role = Role::stopped;
      forgiven = true;
    } else if (rc == int(Rc::promoted)) {
      replay.role = Role::promoted;
    } else if (replay.role.value_or(Role::stopped) == Role::stopped) {
      replay.role = active_role(item);
    }
  } else if (result.operation == "start") {
    replay.role = active_role(item);
    replay.start_pending = false;
    forgiven = true;
  } else if (result.operation == "stop") {
    replay.role = Role::stopped;
    replay.start_pending = false;
    forgiven = true;
  } else if (result.operation == "promote") {
    replay.role = Role::promoted;
    forgiven = true;
  } else if (result.operation == "demote") {
    replay.role = active_role(item);
    forgiven = replay.on_fail == OnFail::demote;
  } else if (replay.role.value_or(Role::stopped) == Role::stopped) {
    replay.role = active_role(item);
  }
  if (forgiven && (replay.on_fail <= OnFail::block)) {
    replay.on_fail = OnFail::ignore;
    replay.failure = nullptr;
    replay.words.clear();
    replay.step_down = false;
  }
}

void take_failure(Plan& plan, Item& item, int node, Replay& replay, const OperationResult& result, Verdict verdict) {
  OnFail asked = on_fail_of(plan, item, result.operation, result.interval);
  // Without its agent it cannot go on there, whatever is to be ignored.
  if (asked == OnFail::ignore && result.status == OpStatus::not_installed) asked = OnFail::restart;
  const std::string words = in_words(result);
  if (asked == OnFail::ignore) {
    OperationResult pretended = result;
    pretended.rc = result.expected_rc;
    take_success(replay, pretended, item);
    item.failure_ignored = true;
    replay.words = words;
    return;
  }
  replay.failure = &result;
  replay.on_fail = std::max(replay.on_fail, asked);
  replay.words = words;
  if (verdict == Verdict::hard || verdict == Verdict::fatal) {
    const int where = verdict == Verdict::hard ? node : nowhere;
    Item* clone = clone_of(item);
    add_score(plan, clone != nullptr && !clone->unique ? *clone : item, where, Score::minus_infinity(),
              fmt::format("{} on {}", words, plan.node_name(node)));
  }
  if (is_probe(result) && plain_rc(result) == int(Rc::not_installed)) {     // what is not installed does not run
    if (result.last_rc_change != 0) item.not_installed_on.push_back(node);  // of old releases nobody knows when
    replay.role = Role::stopped;
    replay.on_fail = OnFail::ignore;
    replay.words.clear();
    return;
  }
  if (result.operation == "stop") {
    add_score(plan, item, node, Score::minus_infinity(), fmt::format("stop failed on {}", plan.node_name(node)));
  } else if (result.operation == "demote") {
    if (asked == OnFail::block) {
      replay.role = Role::promoted;
    } else {
      replay.role = result.rc == int(Rc::not_running) ? Role::stopped : Role::unpromoted;
    }
  } else if (result.operation == "promote") {
    replay.role = Role::promoted;  // nobody knows how far it came
    replay.step_down = true;
  } else if (plain_rc(result) == int(Rc::failed_promoted)) {
    replay.role = Role::promoted;
  }
  if (replay.role.value_or(Role::stopped) == Role::stopped) replay.role = active_role(item);
}

/// An action under way when the last leader went: its outcome is unknown, so the more active state is assumed.
void take_pending(Replay& replay, const OperationResult& result, const Item& item) {
  if (replay.pending.empty() && !is_probe(result)) replay.pending = result.operation;
  if (result.operation == "start") {
    replay.start_pending = true;
    replay.role = active_role(item);
  } else if (result.operation == "promote") {
    replay.role = Role::promoted;
  }
}

/// Old failures run out with failure-timeout: as long as their fail count has not been forgotten, the entry is only
/// skipped; ban_after_failures has them cleared.
bool expired(const Plan& plan, const Item& item, int node, const OperationResult& result) {
  if (item.failure_timeout_s <= 0 || result.last_rc_change == 0) return false;
  if (plan.view.epoch_s < result.last_rc_change + item.failure_timeout_s) return false;
  if (effective_fail_count(plan, item, node).points != 0) return false;
  return on_fail_of(plan, item, result.operation, result.interval) != OnFail::block;
}

/// A failure that blocks does not run out.
void keep_blocking(Plan& plan, Item& item, int node, const OperationResult& result) {
  const cib::NodeState* state = plan.nodes[std::size_t(node)].state;
  if (item.failure_timeout_s <= 0 || state == nullptr || cib::fail_count(*state, item.history_id).points <= 0) return;
  const cib::Operation* operation = find_operation(item, result.operation, result.interval);
  if (operation == nullptr || (result.rc == result.expected_rc && result.status <= OpStatus::cancelled)) return;
  const auto asked = operation->attributes.find("on-fail");
  if (asked != operation->attributes.end() && asked->second == "block") item.failure_timeout_s = 0;
}

/// The fail count is forgotten when all of it has run out, or the definition has changed under which the last failure
/// was: a mended parameter is tried at once.
void clear_old_failures(Plan& plan, Item& item, int node, const cib::ResourceHistory& history,
                        const OperationResult& result) {
  if (result.pending()) return;
  const bool old = item.failure_timeout_s > 0 && result.last_rc_change != 0 &&
                   plan.view.epoch_s >= result.last_rc_change + item.failure_timeout_s;
  const bool counted = cib::fail_count(*plan.nodes[std::size_t(node)].state, item.history_id).points > 0;
  if (old && counted && effective_fail_count(plan, item, node).points == 0)
    item.cleared_on.try_emplace(node, failures_are_over(item));
  const auto last = history.entries.find("last_failure_0");
  const bool is_last = last != history.entries.end() && &last->second == &result;
  if (old || !is_last || (result.operation != "start" && result.operation != "monitor")) return;
  if (!result.digests.all.empty() && changed_since(plan, item, node, result) != Changed::no)
    item.cleared_on.try_emplace(node, "its definition has changed");
}

Replay replay_history(Plan& plan, Item& item, int node, const cib::ResourceHistory& history) {
  Replay replay;
  const auto ordered = cib::in_order(history);
  for (const OperationResult* result : ordered) keep_blocking(plan, item, node, *result);
  for (const OperationResult* result : ordered) {
    if (result->operation == "notify") continue;
    if (!item.orphan) clear_old_failures(plan, item, node, history, *result);
    if (result->pending()) {
      take_pending(replay, *result, item);
      continue;
    }
    if (!is_probe(*result)) replay.known = true;
    const Verdict verdict = judge(*result, item);
    if (verdict == Verdict::sound) {
      take_success(replay, *result, item);
    } else if (!expired(plan, item, node, *result)) {
      take_failure(plan, item, node, replay, *result, verdict);
      replay.known = true;
    } else if (replay.role.value_or(Role::stopped) == Role::stopped && result->operation != "stop" &&
               !is_probe(*result)) {
      replay.role = active_role(item);  // forgotten as a failure; still, something was there
    }
  }
  return replay;
}

void block(Plan& plan, Item& item, const std::string& why) {
  item.blocked = true;
  item.managed = false;
  plan.problems.push_back(fmt::format("{} is blocked: {}. Nothing is done with it until `systole cleanup {}`", item.id,
                                      why, item.history_id.value));
}

void act_on_failure(Plan& plan, Item& item, int node, const Replay& replay) {
  switch (replay.on_fail) {
    case OnFail::ignore:
      break;
    case OnFail::demote:
      item.failed = item.demote_on_fail = true;
      item.mended_by[node] = Task::demote;
      break;
    case OnFail::restart:
      item.failed = true;
      item.demote_on_fail = false;
      item.mended_by[node] = Task::stop;
      break;
    case OnFail::block:
      block(plan, item, fmt::format("{} on {}", item.failure, plan.node_name(node)));
      break;
    case OnFail::stop:
      item.target = Role::stopped;
      item.failed = true;
      break;
    case OnFail::standby:
      item.failed = true;
      plan.nodes[std::size_t(node)].standby_on_fail = plan.nodes[std::size_t(node)].standby = true;
      plan.problems.push_back(
          fmt::format("node {} is put in standby: {} of {}", plan.node_name(node), item.failure, item.id));
      break;
    case OnFail::fence:
      if (plan.view.whole && plan.options.stonith) {
        PlanNode& facts = plan.nodes[std::size_t(node)];
        item.failed = facts.unclean = true;
        if (facts.fence_why.empty()) facts.fence_why = fmt::format("{} failed there", item.id);
        break;
      }
      block(plan, item,
            fmt::format("{} on {}, on-fail=fence, and fencing is not available in this version", item.failure,
                        plan.node_name(node)));
      break;
  }
}

void too_many(Plan& plan, Item& item) {
  std::vector<std::string> names;
  for (const int node : item.running_on) names.push_back(plan.node_name(node));
  plan.problems.push_back(fmt::format("{} is active on {} nodes ({})", item.id, names.size(), fmt::join(names, ", ")));
  if (item.multiple_active == "block") {
    block(plan, item, "multiple-active=block");
    const bool member = item.parent != nullptr && item.parent->kind == Kind::group;
    for (Item* sibling : member ? item.parent->children : std::vector<Item*>{})
      if (sibling != &item) block(plan, *sibling, fmt::format("{} is in its group", item.id));
  }
  if (item.multiple_active == "stop_only") {
    add_score(plan, item, nowhere, Score::minus_infinity(),
              "it is active on several nodes (multiple-active=stop_only)");
  }
}

void add_running(Plan& plan, Item& item, int node, const Replay& replay) {
  const Role role = *replay.role;
  item.role = item.running_on.empty() ? role : std::max(item.role, role);
  item.running_on.push_back(node);
  item.start_pending = item.start_pending || replay.start_pending;
  const PlanNode& facts = plan.nodes[std::size_t(node)];
  if (facts.maintenance) item.managed = false;
  if (!item.managed) {
    add_score(plan, item, node, Score::infinity(), "it is not managed and stays where it is");
  }
  if (item.running_on.size() == 2) too_many(plan, item);
}

/// Histories of anonymous instances carry no number: an instance that is not active anywhere yet takes it.
Item& instance_for(Plan& plan, Item& clone, int node, const ResourceId& id) {
  Item* idle = nullptr;
  bool surplus = false;
  for (Item* child : clone.children) {
    bool here = false, active = false, taken = false;
    for (const Item* leaf : leaves(*child)) {
      const bool runs_here = std::ranges::find(leaf->running_on, node) != leaf->running_on.end();
      active = active || !leaf->running_on.empty();
      here = here || runs_here;
      taken = taken || (runs_here && leaf->history_id == id);
    }
    if (here && !taken) {
      idle = child;
      surplus = false;
      break;
    }
    surplus = surplus || taken;  // a second one on this node: its number is of no use any more
    if (!active && idle == nullptr) idle = child;
  }
  Item& instance = idle != nullptr && !surplus ? *idle : add_orphan_instance(plan, clone);
  for (Item* leaf : leaves(instance)) {
    if (leaf->history_id == id) return *leaf;
  }
  return instance;
}

/// "rsc:0" where instances of rsc have no numbers of their own: rsc. Others as they are.
ResourceId plain_id(const Plan& plan, const ResourceId& id) {
  const auto named = [&](const ResourceId& name) {
    return std::ranges::any_of(plan.items, [&](const Item& item) { return item.leaf() && item.history_id == name; });
  };
  const std::size_t colon = id.value.rfind(':');
  if (colon == std::string::npos || !parse_int<int>(id.value.substr(colon + 1)) || named(id)) return id;
  const ResourceId base{id.value.substr(0, colon)};
  return named(base) ? base : id;
}

Item& item_for(Plan& plan, int node, const ResourceId& id, const cib::ResourceHistory& history) {
  for (Item& item : plan.items) {
    if (!item.leaf() || item.history_id != id || (item.orphan && item.parent != nullptr)) continue;
    Item* clone = clone_of(item);
    return clone != nullptr && !clone->unique ? instance_for(plan, *clone, node, id) : item;
  }
  return add_orphan(plan, id, history);
}

/// A resource that is gone from the configuration and stopped everywhere needs no further thought.
bool forgotten(Plan& plan, const ResourceId& id, const cib::ResourceHistory& history) {
  for (const Item& item : plan.items) {
    if (item.leaf() && item.history_id == id) return false;
  }
  cib::Primitive primitive;
  primitive.id = id;
  const auto entries = cib::in_order(history);
  const auto stops = [](const OperationResult* result) {
    return (result->operation == "stop" && result->rc == 0) ||
           (is_probe(*result) && result->rc == int(Rc::not_running));
  };
  return entries.empty() || stops(entries.back());
}

}  // namespace

namespace {

/// What was active on a node that is gone may be active still.
void suspect(Plan& plan, const Item& item, int index) {
  PlanNode& node = plan.nodes[std::size_t(index)];
  if (!plan.view.whole || !plan.options.stonith || node.online || node.maintenance || !item.managed) return;
  if (node.fence_why.empty()) node.fence_why = fmt::format("{} is thought to be active there", item.id);
  node.unclean = true;
}

void observe(Plan& plan, int index, const ResourceId& id, const cib::ResourceHistory& history) {
  const PlanNode& node = plan.nodes[std::size_t(index)];
  const ResourceId plain = plain_id(plan, id);
  if (history.entries.empty() || (!plan.view.whole && forgotten(plan, plain, history))) return;
  Item& item = item_for(plan, index, plain, history);
  if (!item.leaf()) return;
  if (plain != id) item.numbered_on[index] = id;
  plan.histories.push_back({&item, index, &history});
  const Replay replay = replay_history(plan, item, index, history);
  if (replay.known || replay.role) item.known_on.insert(index);
  const bool active = replay.role.value_or(Role::stopped) != Role::stopped;
  const Item* clone = clone_of(item);
  if (clone != nullptr && !clone->unique) item.named = active || plain == id ? id : ResourceId{};
  if (!active) return;
  suspect(plan, item, index);
  // A node that is shot has stopped all; nothing is asked of it for a failure.
  const bool lost = plan.view.whole && node.unclean;
  if (!replay.words.empty() && !lost) item.failure = replay.words;
  if (item.pending.empty()) item.pending = replay.pending;
  if (replay.step_down && !item.target) item.target = Role::unpromoted;
  if (!lost) act_on_failure(plan, item, index, replay);  // what is blocked by it stays where it is
  add_running(plan, item, index, replay);
}

/// As the document has them, then the others by name.
std::vector<int> node_order(const Plan& plan) {
  std::vector<int> order;
  const auto add = [&](int node) {
    if (node != nowhere && std::ranges::find(order, node) == order.end()) order.push_back(node);
  };
  for (const Mentioned& each : plan.view.order) add(plan.node_index(each.node));
  for (std::size_t node = 0; node < plan.nodes.size(); ++node) add(int(node));
  return order;
}

std::vector<ResourceId> resource_order(const Plan& plan, const PlanNode& node) {
  const auto found = std::ranges::find(plan.view.order, node.name, &Mentioned::node);
  if (found != plan.view.order.end()) return found->resources;
  std::vector<ResourceId> order;
  for (const auto& [id, history] : node.state->history) order.push_back(id);
  return order;
}

}  // namespace

void observe_status(Plan& plan) {
  for (const int index : node_order(plan)) {
    const PlanNode& node = plan.nodes[std::size_t(index)];
    const bool heard = plan.view.whole && plan.options.stonith;
    // Lost without fencing: taken as stopped.
    if (node.state == nullptr || (!node.online && !heard && (plan.view.whole || !node.unclean))) continue;
    for (const ResourceId& id : resource_order(plan, node)) {
      const auto history = node.state->history.find(id);
      if (history != node.state->history.end()) observe(plan, index, id, history->second);
    }
  }
}

}  // namespace systole::scheduler

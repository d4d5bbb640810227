// SPDX-License-Identifier: GPL-2.0-or-later
// A perfect cluster: each action of a transition succeeds, in dependency order, and its result becomes status.
#include "tests/golden/scheduler/story.hpp"

namespace systole::scheduler::testing {

namespace {

void forget_failures(cib::NodeState& node, const ResourceId& resource) {
  const std::string count = "fail-count-" + resource.value + "#", last = "last-failure-" + resource.value + "#";
  std::erase_if(node.transient,
                [&](const auto& each) { return each.first.starts_with(count) || each.first.starts_with(last); });
  auto history = node.history.find(resource);
  if (history != node.history.end()) history->second.entries.erase("last_failure_0");
}

void perform(const Action& action, Story& story, std::int32_t call_id) {
  if (action.kind == ActionKind::pseudo) return;
  cib::NodeState& node = story.status.nodes.at(action.node);
  if (action.kind == ActionKind::clear_failure) return forget_failures(node, action.resource);
  cib::ResourceHistory& history = node.history[action.resource];
  if (action.kind == ActionKind::cancel) {
    history.entries.erase(action.operation + "_" + std::to_string(to_ms(action.interval)));
    return;
  }
  history.standard = action.standard;
  history.provider = action.provider;
  history.type = action.type;
  cib::OperationResult result;
  result.resource = action.resource;
  result.operation = action.operation;
  result.interval = action.interval;
  result.call_id = call_id;
  result.rc = result.expected_rc = action.expected_rc;
  result.last_rc_change = story.epoch_s;
  cib::record(history, result);
}

}  // namespace

bool play(const Transition& transition, Story& story) {
  std::int32_t call_id = 1000;
  for (const auto& [name, node] : story.status.nodes) {
    for (const auto& [id, history] : node.history) {
      for (const auto& [key, entry] : history.entries) call_id = std::max(call_id, entry.call_id);
    }
  }
  std::vector<bool> done(transition.actions.size());
  const auto ready = [&](const Action& action) {
    for (const int id : action.after) {
      if (!done[std::size_t(id)]) return false;
    }
    for (const int id : action.after_any) {
      if (!done[std::size_t(id)]) return false;
    }
    return !done[std::size_t(action.id)];
  };
  std::size_t count = 0;
  for (bool progress = true; progress;) {
    progress = false;
    for (const Action& action : transition.actions) {
      if (!ready(action)) continue;
      perform(action, story, ++call_id);
      done[std::size_t(action.id)] = progress = true;
      ++count;
    }
  }
  return count == transition.actions.size();
}

}  // namespace systole::scheduler::testing

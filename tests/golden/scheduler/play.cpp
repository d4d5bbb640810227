// SPDX-License-Identifier: GPL-2.0-or-later
// A perfect cluster: each action of a transition succeeds, in dependency order, and its result becomes status.
#include "crmd/scheduler/outcome.hpp"
#include "tests/golden/scheduler/story.hpp"

namespace systole::scheduler::testing {

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
      succeed(story.status, action, ++call_id, story.epoch_s);
      done[std::size_t(action.id)] = progress = true;
      ++count;
    }
  }
  return count == transition.actions.size();
}

}  // namespace systole::scheduler::testing

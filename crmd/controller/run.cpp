// SPDX-License-Identifier: GPL-2.0-or-later
// Walking through a transition's graph.
#include "crmd/controller/run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ensure.hpp"

namespace systole::controller {

namespace {
/// How long a result may take beyond the action's own timeout before it counts as lost (Pacemaker's cluster-delay).
constexpr Duration cluster_delay = 60s;
}  // namespace

Run::Run(scheduler::Transition transition)
    : transition_(std::move(transition)), states_(transition_.actions.size(), State::waits) {}

bool Run::may_begin(const scheduler::Action& action) const {
  return std::ranges::all_of(action.after, [&](int before) { return state(before) == State::succeeded; }) &&
         std::ranges::all_of(action.after_any, [&](int before) {
           return state(before) == State::succeeded || state(before) == State::failed;
         });
}

/// After an abort only the news of what has happened still goes out: a promotion that nobody heard of would leave the
/// other instances following the wrong one.
bool Run::still_wanted(const scheduler::Action& action) const {
  if (!aborted() || action.kind == scheduler::ActionKind::pseudo) return true;
  const auto type = action.meta.find("notify_type");
  return action.operation == "notify" && type != action.meta.end() && type->second == "post";
}

std::vector<const scheduler::Action*> Run::next(Time now) {
  std::vector<const scheduler::Action*> ready;
  for (bool progress = true; progress;) {
    progress = false;
    skip_hopeless();
    for (const scheduler::Action& action : transition_.actions) {
      State& mine = states_[static_cast<std::size_t>(action.id)];
      if (mine != State::waits || !still_wanted(action) || !may_begin(action)) continue;
      if (action.kind == scheduler::ActionKind::pseudo) {
        mine = State::succeeded;
        progress = true;
        continue;
      }
      mine = State::runs;
      running_[action.id] = Started{now, now + action.timeout + cluster_delay};
      ready.push_back(&action);
    }
  }
  return ready;
}

/// What waits for a failed action will never begin; it counts as failed, so that those which only want it over go on.
void Run::skip_hopeless() {
  for (bool changed = true; changed;) {
    changed = false;
    for (const scheduler::Action& action : transition_.actions) {
      if (state(action.id) != State::waits) continue;
      if (std::ranges::any_of(action.after, [&](int before) { return state(before) == State::failed; })) {
        states_[static_cast<std::size_t>(action.id)] = State::failed;
        changed = true;
      }
    }
  }
}

void Run::ended(int id, bool success) {
  ensure(id >= 0 && static_cast<std::size_t>(id) < states_.size());
  if (running_.erase(id) == 0) return;
  const bool counts = success || action(id).may_fail;
  states_[static_cast<std::size_t>(id)] = counts ? State::succeeded : State::failed;
  if (!counts) failed_ = true;
}

void Run::abort(std::string reason) {
  if (!aborted()) abort_reason_ = std::move(reason);
}

void Run::node_lost(const NodeName& node) {
  std::vector<int> there;
  for (const auto& [id, started] : running_) {
    if (action(id).node == node) there.push_back(id);
  }
  for (const int id : there) ended(id, false);
}

std::vector<int> Run::overdue(Time now) const {
  std::vector<int> late;
  for (const auto& [id, started] : running_) {
    if (started.overdue <= now) late.push_back(id);
  }
  return late;
}

Time Run::next_deadline() const {
  Time soonest = never;
  for (const auto& [id, started] : running_) soonest = std::min(soonest, started.overdue);
  return soonest;
}

bool Run::done() const {
  if (!running_.empty()) return false;
  return std::ranges::none_of(transition_.actions, [&](const scheduler::Action& action) {
    return state(action.id) == State::waits && still_wanted(action) && may_begin(action);
  });
}

std::vector<std::string> Run::under_way(Time now) const {
  std::vector<std::string> lines;
  for (const auto& [id, started] : running_) {
    const scheduler::Action& what = action(id);
    const double seconds = std::chrono::duration<double>(now - started.at).count();
    lines.push_back(fmt::format("{} {} on {} ({:.1f} s)", what.probe ? "probe" : what.operation, what.resource.value,
                                what.node.value, seconds));
  }
  return lines;
}

}  // namespace systole::controller

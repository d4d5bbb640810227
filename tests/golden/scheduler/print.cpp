// SPDX-License-Identifier: GPL-2.0-or-later
// A transition as the cases show it: what is done, on what it waits, why; then where everything will be, and why.
#include <fmt/format.h>

#include "tests/golden/scheduler/story.hpp"

namespace systole::scheduler::testing {

namespace {
std::string shown(const Action& action) {
  const bool numbered =
      action.instance >= 0 && action.kind != ActionKind::pseudo && action.resource.value.find(':') == std::string::npos;
  return numbered ? fmt::format("{}:{}", action.resource.value, action.instance) : action.resource.value;
}

std::string waits(const Transition& transition, const std::vector<int>& ids) {
  std::string text;
  for (const int id : ids) {
    if (!text.empty()) text += ", ";
    text += label(transition.actions[std::size_t(id)]);
  }
  return text;
}
}  // namespace

std::string label(const Action& action) {
  if (action.kind == ActionKind::pseudo) return action.operation;
  if (action.kind == ActionKind::fence) return fmt::format("fence {} ({})", action.node.value, action.operation);
  if (action.kind == ActionKind::shutdown) return fmt::format("let {} go", action.node.value);
  std::string verb = action.probe ? "probe" : action.operation;
  if (action.kind == ActionKind::cancel) verb = "cancel " + action.operation;
  if (action.kind == ActionKind::forget) verb = "forget";
  if (action.kind == ActionKind::clear_failure) verb = "clear failures of";
  if (action.operation == "notify") {
    verb = fmt::format("notify({}-{})", action.meta.at("notify_type"), action.meta.at("notify_operation"));
  }
  if (action.interval != Duration{}) verb += "/" + to_text(action.interval);
  return fmt::format("{} {} {}", verb, shown(action), action.node.value);
}

std::string print(const Transition& transition, const Story& story) {
  std::string text = transition.empty() ? "nothing to do\n" : "actions\n";
  for (const Action& action : transition.actions) {
    text += "  " + label(action);
    if (!action.after.empty()) text += "\n      after " + waits(transition, action.after);
    if (!action.after_any.empty()) text += "\n      after any end of " + waits(transition, action.after_any);
    if (!action.reason.empty()) text += "\n      because: " + action.reason;
    text += "\n";
  }
  text += "decisions\n";
  for (const Decision& decision : transition.decisions) {
    text += fmt::format("  {} {}{}: {}\n", decision.resource.value, decision.role,
                        decision.node.empty() ? "" : " on " + decision.node.value, decision.sentence);
  }
  if (!transition.problems.empty()) text += "problems\n";
  for (const std::string& problem : transition.problems) text += "  " + problem + "\n";
  if (transition.recheck_at) text += fmt::format("recheck in {} s\n", *transition.recheck_at - story.epoch_s);
  return text;
}

}  // namespace systole::scheduler::testing

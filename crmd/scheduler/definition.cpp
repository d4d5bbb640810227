// SPDX-License-Identifier: GPL-2.0-or-later
// With which parameters an operation runs, and whether it ran with the same: a changed definition. What started the
// resource, or found it active, must have had today's parameters; otherwise it is restarted, or told to take them over
// where its agent can. A recurring operation with others is put in again.
#include <fmt/format.h>

#include "cib/model/digest.hpp"
#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

cib::Pairs parameters_of(const Plan& plan, const Item& item, int at, const cib::Operation* operation) {
  cib::Pairs parameters;
  const PlanNode& node = plan.nodes[std::size_t(at)];
  const cib::RuleSubject subject{
      .uname = node.name.value, .id = node.id, .attributes = &node.attributes, .is_dc = plan.view.dc == node.name};
  if (operation != nullptr) parameters = cib::all_values(operation->instance, &subject);
  const auto add = [&](const std::vector<cib::AttributeSet>& sets) {
    for (const auto& [name, value] : cib::all_values(sets, &subject)) parameters.insert({name, value});
  };
  add(item.primitive->instance);
  const cib::Resource* top = cib::find_top(plan.configuration, item.primitive->id);
  if (top == nullptr) return parameters;
  const cib::Group* group = std::get_if<cib::Group>(top);
  const cib::Clone* clone = std::get_if<cib::Clone>(top);
  if (clone != nullptr) group = std::get_if<cib::Group>(&clone->child);
  if (group != nullptr) add(group->instance);
  if (clone != nullptr) add(clone->instance);
  return parameters;
}

Duration timeout_of(const Plan& plan, const cib::Operation* operation) {
  const auto text = operation_value(plan, operation, "timeout");
  const auto parsed = text ? parse_duration(*text) : std::nullopt;
  return parsed && *parsed > Duration{} ? *parsed : Duration{20s};
}

namespace {

/// Of the names in " NAME NAME " only those, or all others.
cib::Pairs only(cib::Pairs parameters, const std::string& names, bool those) {
  std::erase_if(parameters, [&](const auto& pair) {
    return (names.find(fmt::format(" {} ", pair.first)) != std::string::npos) != those;
  });
  return parameters;
}

/// What saved CIBs do not show. Older releases left out the timeout, and what their fencer takes for itself.
bool only_secrets(const cib::Digests& then, const cib::Pairs& now, std::optional<Duration> timeout) {
  if (then.open.empty()) return false;
  cib::Pairs open = only(now, then.secrets, false);
  if (then.open == cib::digest_of(open, timeout) || then.open == cib::digest_of(open)) return true;
  std::erase_if(open, [](const auto& pair) { return pair.first.starts_with("pcmk_") || pair.first == "provides"; });
  return then.open == cib::digest_of(open);
}

bool counts(const cib::OperationResult& entry) {
  return entry.interval != Duration{} || entry.operation == "start" || entry.operation == "monitor" ||
         entry.operation == "promote" || entry.operation == "migrate_from";
}

}  // namespace

Changed changed_since(const Plan& plan, const Item& item, int node, const cib::OperationResult& entry) {
  const cib::Digests& then = entry.digests;
  if (!counts(entry) || (then.all.empty() && !plan.view.whole)) return Changed::no;
  const bool once = entry.interval == Duration{};
  const cib::Operation* operation = find_operation(item, entry.operation, entry.interval);
  const cib::Pairs now = parameters_of(plan, item, node, operation);
  const auto timeout = once ? std::nullopt : std::optional(timeout_of(plan, operation));
  const cib::Pairs fixed = then.restart_only.empty() ? now : only(now, then.restart_only, true);
  const bool restarts = !then.restart.empty() && then.restart != cib::digest_of(fixed);
  if (!restarts && then.all == cib::digest_of(now, timeout)) return Changed::no;
  if (only_secrets(then, now, timeout)) return Changed::no;
  // What only the start is given cannot be taken over later.
  const bool own = once && operation != nullptr && !cib::all_values(operation->instance).empty();
  if (restarts || (own && !then.all.empty())) return Changed::needs_restart;
  if (!once) return Changed::needs_recurring;
  return then.restart.empty() ? Changed::needs_restart : Changed::needs_reload;
}

void drop_reloads(Plan& plan) {
  for (Act& reload : plan.acts) {
    if (reload.task != Task::reload) continue;
    for (const Act* act : reload.item->acts)
      if ((act->task == Task::stop || act->task == Task::demote) && act->required()) reload.optional = true;
  }
}

}  // namespace systole::scheduler

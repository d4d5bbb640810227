// SPDX-License-Identifier: GPL-2.0-or-later
// Failures as numbers, and what the configuration wants done about them: fail counts with failure-timeout, and on-fail
// of an operation with its defaults. The fail counts themselves are kept by the controller as node attributes.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"
#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

Score effective_fail_count(const Plan& plan, const Item& item, int node) {
  const cib::NodeState* state = plan.nodes[std::size_t(node)].state;
  if (state == nullptr) return {};
  const Score count = cib::fail_count(*state, item.history_id);
  if (count.points <= 0 || item.failure_timeout_s <= 0) return count;
  const std::int64_t last = cib::last_failure(*state, item.history_id);
  return last > 0 && plan.view.epoch_s >= last + item.failure_timeout_s && !item.blocked ? Score{} : count;
}

std::string failures_are_over(const Item& item) {
  return fmt::format("failure-timeout of {} s is over", item.failure_timeout_s);
}

namespace {
const cib::Operation* find_configured(const Item& item, std::string_view name, Duration interval, bool disabled_too) {
  for (const cib::Operation& operation : item.primitive->operations) {
    if (operation.name != name || operation.interval != interval) continue;
    const auto enabled = operation.attributes.find("enabled");
    const bool disabled = enabled != operation.attributes.end() && !parse_bool(enabled->second).value_or(true);
    if (!disabled || disabled_too) return &operation;
  }
  return nullptr;
}
}  // namespace

const cib::Operation* find_operation(const Item& item, std::string_view name, Duration interval) {
  return find_configured(item, name, interval, false);
}

std::optional<std::string> operation_value(const Plan& plan, const cib::Operation* operation, std::string_view name) {
  if (operation != nullptr) {
    const auto found = operation->attributes.find(std::string(name));
    if (found != operation->attributes.end()) return found->second;
    if (auto value = cib::value_of(operation->meta, name)) return value;
  }
  return cib::value_of(plan.configuration.operation_defaults, name);
}

namespace {
std::optional<OnFail> parse_on_fail(std::string_view text) {
  if (text == "ignore" || text == "nothing") return OnFail::ignore;
  if (text == "demote") return OnFail::demote;
  if (text == "restart") return OnFail::restart;
  if (text == "block") return OnFail::block;
  if (text == "stop") return OnFail::stop;
  if (text == "standby") return OnFail::standby;
  if (text == "fence") return OnFail::fence;
  return std::nullopt;
}

/// A failed demotion is as bad as a failed monitor of the promoted instance.
const cib::Operation* promoted_monitor(const Item& item) {
  for (const cib::Operation& operation : item.primitive->operations) {
    const auto role = operation.attributes.find("role");
    if (operation.name == "monitor" && operation.interval != Duration{} && role != operation.attributes.end() &&
        cib::modern_role(role->second) == "Promoted" && operation.attributes.contains("on-fail")) {
      return &operation;
    }
  }
  return nullptr;
}
}  // namespace

OnFail on_fail_of(const Plan& plan, const Item& item, std::string_view operation, Duration interval) {
  const cib::Operation* configured = find_configured(item, operation, interval, true);
  auto text = operation_value(plan, configured, "on-fail");
  if (!text && operation == "demote") text = operation_value(plan, promoted_monitor(item), "on-fail");
  std::optional<OnFail> asked = text ? parse_on_fail(*text) : std::nullopt;
  if (asked == OnFail::fence && !plan.options.stonith) asked = operation == "stop" ? OnFail::block : OnFail::restart;
  if (asked == OnFail::demote && operation == "stop") asked.reset();
  if (asked) return *asked;
  if (operation == "stop") return plan.options.stonith ? OnFail::fence : OnFail::block;
  if (operation == "notify") return OnFail::ignore;
  return OnFail::restart;
}

std::string_view to_words(OnFail on_fail) {
  switch (on_fail) {
    case OnFail::ignore:
      return "ignore";
    case OnFail::demote:
      return "demote";
    case OnFail::restart:
      return "restart";
    case OnFail::block:
      return "block";
    case OnFail::stop:
      return "stop";
    case OnFail::standby:
      return "standby";
    case OnFail::fence:
      return "fence";
  }
  return "restart";
}

}  // namespace systole::scheduler

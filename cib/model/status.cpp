// SPDX-License-Identifier: GPL-2.0-or-later
// History keeping and the names of failure attributes.
#include "cib/model/status.hpp"

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::cib {

bool OperationResult::soft_ok() const {
  if (operation != "monitor") return rc == static_cast<int>(Rc::ok) && expected_rc == static_cast<int>(Rc::ok);
  if (interval != Duration{}) {  // recurring: degraded counts as its sound twin
    return (expected_rc == static_cast<int>(Rc::ok) && rc == static_cast<int>(Rc::degraded)) ||
           (expected_rc == static_cast<int>(Rc::promoted) && rc == static_cast<int>(Rc::degraded_promoted));
  }
  switch (static_cast<Rc>(rc)) {  // a probe: any clear answer is an answer
    case Rc::ok:
    case Rc::not_running:
    case Rc::promoted:
    case Rc::degraded:
    case Rc::degraded_promoted:
      return true;
    case Rc::error:
    case Rc::bad_arguments:
    case Rc::unimplemented:
    case Rc::permission:
    case Rc::not_installed:
    case Rc::not_configured:
    case Rc::failed_promoted:
    case Rc::pending:
      return false;
  }
  return false;
}

namespace {
std::string recurring_key(const OperationResult& result) {
  return result.operation + "_" + std::to_string(to_ms(result.interval));
}
}  // namespace

void record(ResourceHistory& history, const OperationResult& result) {
  if (result.operation == "notify") return;  // notifications are never history
  if (result.operation == "cancel") {        // a monitor that runs no more
    history.entries.erase("monitor_" + std::to_string(to_ms(result.interval)));
    return;
  }
  if (result.failed()) history.entries["last_failure_0"] = result;
  if (result.interval != Duration{}) {
    history.entries[recurring_key(result)] = result;
    return;
  }
  // A stop, or any other action that changes the state, ends all recurring monitors.
  if (result.operation != "monitor") {
    std::erase_if(history.entries, [](const auto& entry) {
      return entry.second.interval != Duration{} && entry.first != "last_failure_0";
    });
  }
  history.entries["last_0"] = result;
}

std::vector<const OperationResult*> in_order(const ResourceHistory& history) {
  std::vector<const OperationResult*> ordered;
  for (const auto& [key, entry] : history.entries) ordered.push_back(&entry);
  // A recurring call keeps its number: of two results of one the later is the newer.
  // One without a number has not ended yet: it is the last.
  std::ranges::stable_sort(
      ordered, {}, [](const auto* each) { return std::tuple(each->call_id < 0, each->call_id, each->last_rc_change); });
  return ordered;
}

std::string fail_count_name(const ResourceId& resource, std::string_view operation, Duration interval) {
  return "fail-count-" + resource.value + "#" + std::string(operation) + "_" + std::to_string(to_ms(interval));
}

std::string last_failure_name(const ResourceId& resource, std::string_view operation, Duration interval) {
  return "last-failure-" + resource.value + "#" + std::string(operation) + "_" + std::to_string(to_ms(interval));
}

namespace {
/// PREFIX alone, which was all before Pacemaker 1.1.17, or with an operation behind it.
template <class Take>
void each_of(const Pairs& attributes, const std::string& prefix, Take take) {
  if (const auto whole = attributes.find(prefix); whole != attributes.end()) take(whole->second);
  for (auto it = attributes.lower_bound(prefix); it != attributes.end() && it->first.starts_with(prefix); ++it) {
    std::string_view rest = std::string_view(it->first).substr(prefix.size());
    if (rest.starts_with(':'))  // instances of clones had numbers
      rest.remove_prefix(std::min(rest.size(), std::max<std::size_t>(1, rest.find_first_not_of("0123456789", 1))));
    if (rest.starts_with('#') || (rest.empty() && it->first.size() > prefix.size())) take(it->second);
  }
}
}  // namespace

Score fail_count(const NodeState& node, const ResourceId& resource) {
  Score sum;
  each_of(node.transient, "fail-count-" + resource.value,
          [&](const std::string& value) { sum = sum + parse_score(value).value_or(Score{}); });
  return sum;
}

std::int64_t last_failure(const NodeState& node, const ResourceId& resource) {
  std::int64_t newest = 0;
  each_of(node.transient, "last-failure-" + resource.value,
          [&](const std::string& value) { newest = std::max(newest, parse_int<std::int64_t>(value).value_or(0)); });
  return newest;
}

std::string promotion_score_name(const ResourceId& resource) {
  return "master-" + resource.value;
}

std::string_view to_words(Rc rc) {
  switch (rc) {
    case Rc::ok:
      return "ok";
    case Rc::error:
      return "error";
    case Rc::bad_arguments:
      return "invalid parameter";
    case Rc::unimplemented:
      return "unimplemented feature";
    case Rc::permission:
      return "insufficient privileges";
    case Rc::not_installed:
      return "not installed";
    case Rc::not_configured:
      return "not configured";
    case Rc::not_running:
      return "not running";
    case Rc::promoted:
      return "promoted";
    case Rc::failed_promoted:
      return "promoted (failed)";
    case Rc::degraded:
      return "ok (degraded)";
    case Rc::degraded_promoted:
      return "promoted (degraded)";
    case Rc::pending:
      return "pending";
  }
  return "unknown exit status";
}

std::string_view to_words(OpStatus status) {
  switch (status) {
    case OpStatus::pending:
      return "pending";
    case OpStatus::done:
      return "complete";
    case OpStatus::cancelled:
      return "cancelled";
    case OpStatus::timed_out:
      return "timed out";
    case OpStatus::not_supported:
      return "not supported";
    case OpStatus::error:
      return "error";
    case OpStatus::error_hard:
      return "hard error";
    case OpStatus::error_fatal:
      return "fatal error";
    case OpStatus::not_installed:
      return "not installed";
    case OpStatus::not_connected:
      return "no executor connection";
    case OpStatus::invalid:
      return "cannot execute now";
  }
  return "unknown status";
}

}  // namespace systole::cib

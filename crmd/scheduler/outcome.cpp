// SPDX-License-Identifier: GPL-2.0-or-later
// See outcome.hpp.
#include "crmd/scheduler/outcome.hpp"

#include <fmt/format.h>

#include "cib/model/digest.hpp"

namespace systole::scheduler {

namespace {

void forget_failures(cib::NodeState& node, const ResourceId& resource) {
  const std::string count = "fail-count-" + resource.value + "#", last = "last-failure-" + resource.value + "#";
  std::erase_if(node.transient,
                [&](const auto& each) { return each.first.starts_with(count) || each.first.starts_with(last); });
  auto history = node.history.find(resource);
  if (history != node.history.end()) history->second.entries.erase("last_failure_0");
}

cib::OperationResult result_of(const Action& action, int rc, std::int32_t call_id, std::int64_t now_s) {
  cib::OperationResult result;
  result.resource = action.resource;
  result.operation = action.operation == "reload-agent" ? "start" : action.operation;  // as good as one
  result.interval = action.interval;
  result.call_id = call_id;
  result.rc = rc;
  result.expected_rc = action.expected_rc;
  result.transition_key = fmt::format("{}:0:{}:simulated", action.id + 1, action.expected_rc);
  result.last_rc_change = now_s;
  result.digests.all = cib::digest_of(action.parameters, action.interval, action.timeout);
  return result;
}

void file(cib::NodeState& node, const Action& action, const cib::OperationResult& result) {
  cib::ResourceHistory& history = node.history[action.resource];
  history.standard = action.standard;
  history.provider = action.provider;
  history.type = action.type;
  std::erase_if(history.entries, [&](const auto& entry) {  // the one that was under way is this one
    const cib::OperationResult& other = entry.second;
    return other.pending() && other.operation == result.operation && other.interval == result.interval;
  });
  cib::record(history, result);
}

}  // namespace

void succeed(cib::Status& status, const Action& action, std::int32_t call_id, std::int64_t now_s) {
  if (action.kind == ActionKind::pseudo) return;
  if (action.kind == ActionKind::fence) status.nodes[action.node].uname = action.node;  // perhaps never seen
  const auto found = status.nodes.find(action.node);
  if (found == status.nodes.end()) return;
  cib::NodeState& node = found->second;
  if (action.kind == ActionKind::fence) {
    node.member = node.online = false;
    node.join = node.expected = "down";
    node.history.clear();
    node.transient.clear();
  }
  if (action.kind == ActionKind::fence || action.kind == ActionKind::shutdown) return;
  if (action.kind == ActionKind::forget) {
    node.history.erase(action.resource);
    return;
  }
  if (action.kind == ActionKind::clear_failure) return forget_failures(node, action.resource);
  if (action.kind == ActionKind::cancel) {
    node.history[action.resource].entries.erase(fmt::format("{}_{}", action.operation, to_ms(action.interval)));
    return;
  }
  file(node, action, result_of(action, action.expected_rc, call_id, now_s));
}

void fail(cib::Status& status, const Action& action, int rc, std::int32_t call_id, std::int64_t now_s) {
  const auto found = status.nodes.find(action.node);
  if (found == status.nodes.end() || action.kind != ActionKind::operation) return;
  const cib::OperationResult result = result_of(action, rc, call_id, now_s);
  file(found->second, action, result);
  count_failure(found->second, result, now_s);
}

void count_failure(cib::NodeState& node, const cib::OperationResult& result, std::int64_t now_s) {
  const bool not_there = result.rc == int(cib::Rc::not_running) && result.interval == Duration{};
  if (result.rc == int(cib::Rc::ok) || not_there) return;
  const auto name = [&](auto make) { return make(result.resource, result.operation, result.interval); };
  std::string& count = node.transient[name(cib::fail_count_name)];
  count = to_string(parse_score(count).value_or(Score{}) + Score{1});
  node.transient[name(cib::last_failure_name)] = std::to_string(now_s);
}

}  // namespace systole::scheduler

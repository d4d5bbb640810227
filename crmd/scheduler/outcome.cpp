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
  cib::ResourceHistory& history = node.history[action.resource];
  if (action.kind == ActionKind::cancel) {
    history.entries.erase(fmt::format("{}_{}", action.operation, to_ms(action.interval)));
    return;
  }
  history.standard = action.standard;
  history.provider = action.provider;
  history.type = action.type;
  cib::OperationResult result;
  result.resource = action.resource;
  result.operation = action.operation == "reload-agent" ? "start" : action.operation;  // as good as one
  result.interval = action.interval;
  result.call_id = call_id;
  result.rc = result.expected_rc = action.expected_rc;
  result.last_rc_change = now_s;
  result.digests.all = cib::digest_of(action.parameters, action.interval, action.timeout);
  std::erase_if(history.entries, [&](const auto& entry) {  // the one that was under way is this one
    const cib::OperationResult& other = entry.second;
    return other.pending() && other.operation == result.operation && other.interval == result.interval;
  });
  cib::record(history, result);
}

}  // namespace systole::scheduler

// SPDX-License-Identifier: GPL-2.0-or-later
// What happens to a cluster of crmd's, as its leader would learn of it.
#include <fmt/format.h>

#include <algorithm>

#include "cib/xml/cib_xml.hpp"
#include "common/base/text.hpp"
#include "crmd/scheduler/outcome.hpp"
#include "tools/simulate/world.hpp"

namespace systole::tools {

namespace {

using scheduler::Active;
using scheduler::Role;

/// A recurring monitor that runs while the resource has this role; nullptr: there is none.
const cib::Operation* monitor_for(const cib::Primitive& primitive, Role role) {
  for (const cib::Operation& operation : primitive.operations) {
    if (operation.name != "monitor" || operation.interval == Duration{}) continue;
    const auto given = operation.attributes.find("role");
    const std::string wanted = given == operation.attributes.end() ? "" : cib::modern_role(given->second);
    const bool promoted = wanted == "Promoted";
    if (wanted == "Stopped" || promoted != (role == Role::promoted)) continue;
    return &operation;
  }
  return nullptr;
}

}  // namespace

bool World::means(const std::string& asked, const ResourceId& id) const {
  const std::string plain = without_number(id.value);
  if (asked == id.value || asked == plain) return true;
  const cib::Resource* top = cib::find_top(configuration_, ResourceId{plain});
  return top != nullptr && cib::id_of(*top).value == asked;
}

void World::pass_time(Duration time) {
  now_s_ += std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

Result<void> World::lose(const NodeName& node) {
  const auto state = state_of(node);
  if (!state) return state.error();
  (*state)->member = (*state)->online = false;
  (*state)->join = "down";
  (*state)->transient.clear();
  if (dc_ != node) return {};
  dc_ = NodeName{};
  for (const auto& [name, other] : status_.nodes)
    if (other.online && dc_.empty()) dc_ = name;
  return {};
}

Result<void> World::ask_to_leave(const NodeName& node) {
  const auto state = state_of(node);
  if (!state) return state.error();
  if (!(*state)->online) return Error{Errc::refused, fmt::format("node {} is not there", node.value)};
  (*state)->transient["shutdown"] = std::to_string(now_s_);
  return {};
}

void World::gone(const NodeName& node) {
  static_cast<void>(lose(node));
  status_.nodes[node].expected = "down";
  status_.nodes[node].history.clear();
}

Result<void> World::bring_back(const NodeName& node) {
  const auto state = state_of(node);
  if (!state) return state.error();
  if ((*state)->online) return Error{Errc::refused, fmt::format("node {} is there", node.value)};
  (*state)->member = (*state)->online = true;
  (*state)->join = (*state)->expected = "member";
  (*state)->history.clear();
  if (dc_.empty()) dc_ = node;
  return {};
}

Result<void> World::set_attribute(const NodeName& node, const std::string& name, const std::string& value) {
  const auto state = state_of(node);
  if (!state) return state.error();
  (*state)->transient[name] = value;
  return {};
}

Result<void> World::configure(const std::string& cib) {
  auto configuration = cib::parse_configuration(cib);
  if (!configuration) return configuration.error();
  configuration_ = std::move(*configuration);
  source_ = cib;
  return {};
}

Result<std::string> World::fail_resource(const std::string& asked) {
  const std::size_t at = asked.find('@');
  const std::string resource = asked.substr(0, at), node = at == std::string::npos ? "" : asked.substr(at + 1);
  std::vector<Active> found;
  for (const Active& active : scheduler::observe_active(view()))
    if (means(resource, active.resource) && (node.empty() || active.node.value == node)) found.push_back(active);
  const auto promoted = [](const Active& active) { return active.role == Role::promoted; };
  if (found.size() > 1 && std::ranges::count_if(found, promoted) == 1) found = {*std::ranges::find_if(found, promoted)};
  if (found.empty())
    return Error{Errc::not_found, fmt::format("'{}' is active nowhere{}", resource, node.empty() ? "" : " on " + node)};
  if (found.size() > 1)
    return Error{Errc::invalid, fmt::format("'{}' is active {} times: which one fails? Say {}@{}", resource,
                                            found.size(), found.front().resource.value, found.front().node.value)};
  const Active& failed = found.front();
  const cib::Primitive* primitive =
      cib::find_primitive(configuration_, ResourceId{without_number(failed.resource.value)});
  const cib::Operation* monitor = primitive == nullptr ? nullptr : monitor_for(*primitive, failed.role);
  if (monitor == nullptr)
    return fmt::format("  ! nobody would notice: {} has no recurring monitor in the role {}\n", failed.resource.value,
                       scheduler::to_words(failed.role));
  cib::NodeState& state = status_.nodes[failed.node];
  cib::OperationResult result;
  result.resource = failed.resource;
  result.operation = "monitor";
  result.interval = monitor->interval;
  result.call_id = ++call_id_;
  result.rc = int(cib::Rc::not_running);
  result.expected_rc = failed.role == Role::promoted ? int(cib::Rc::promoted) : int(cib::Rc::ok);
  result.transition_key = fmt::format("1:0:{}:simulated", result.expected_rc);
  result.last_rc_change = now_s_;
  cib::record(state.history[failed.resource], result);
  scheduler::count_failure(state, result, now_s_);
  return fmt::format("  the monitor on {} finds {} not running, after {} at most\n", failed.node.value,
                     failed.resource.value, to_text(monitor->interval));
}

}  // namespace systole::tools

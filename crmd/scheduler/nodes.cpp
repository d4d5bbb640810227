// SPDX-License-Identifier: GPL-2.0-or-later
// First step: cluster options, and what each node is good for. A node may run resources when it is online, clean, not
// in standby, not in maintenance and not about to leave. A node that vanished without saying goodbye is unclean as long
// as fencing is expected (stonith-enabled, default true): nobody knows whether its resources still run there. Without
// fencing it counts as stopped; that this is true is then the job of leases and guardian, not of the scheduler.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"
#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

bool property_bool(const Plan& plan, std::string_view name, bool otherwise) {
  const auto text = cib::property(plan.configuration, name);
  return text ? parse_bool(*text).value_or(otherwise) : otherwise;
}

bool attribute_true(const PlanNode& node, const std::string& name) {
  const auto found = node.attributes.find(name);
  return found != node.attributes.end() && parse_bool(found->second).value_or(false);
}

/// A shutdown request is the time at which it was made; 0 or empty means none.
bool wants_to_leave(const PlanNode& node) {
  const auto found = node.attributes.find("shutdown");
  return found != node.attributes.end() && !found->second.empty() && found->second != "0";
}

bool asked_to_be_shot(const PlanNode& node) {
  const auto found = node.attributes.find("terminate");
  if (found == node.attributes.end() || found->second.empty()) return false;
  const char first = found->second.front();
  return parse_bool(found->second).value_or(first >= '1' && first <= '9');  // it may be the time of the request
}

void make_unclean(PlanNode& node, std::string why) {
  node.unclean = true;
  if (node.fence_why.empty()) node.fence_why = std::move(why);
}

/// As Pacemaker tells a node's state with fencing: what is not known for certain is settled by it.
void judge_with_fencing(PlanNode& node) {
  const cib::NodeState& state = *node.state;
  const bool terminate = asked_to_be_shot(node);
  node.online = state.member;
  if (node.leaving) {
    node.online = state.online;
  } else if (state.join == "banned") {
    make_unclean(node, "peer failed Pacemaker membership criteria");
  } else if (!terminate && state.expected == "down") {
    node.pending = state.member || state.online;
  } else if (terminate && state.join == "down" && !state.member && !state.online) {
    node.online = false;  // it was just shot
  } else if (!state.member) {
    make_unclean(node, "peer is no longer part of the cluster");
  } else if (!state.online) {
    make_unclean(node, "peer process is no longer available");
  } else if (terminate) {
    make_unclean(node, "termination was requested");
  } else if (state.join == "pending" || state.join == "down") {
    node.pending = true;
  } else if (state.join != "member") {
    make_unclean(node, "peer was in an unknown state");
  }
}

void judge_without_fencing(PlanNode& node) {
  const cib::NodeState& state = *node.state;
  if (!state.member) return;
  node.online = state.online && state.join == "member";
  if (!state.online && state.expected == "member" && !node.leaving) make_unclean(node, "peer is unexpectedly down");
}

/// As Pacemaker does, for whoever can fence.
void judge_whole(Plan& plan, PlanNode& node) {
  node.standby = attribute_true(node, "standby");
  node.maintenance = attribute_true(node, "maintenance");
  node.leaving = wants_to_leave(node);
  if (node.state == nullptr) {
    if (plan.options.stonith && plan.options.startup_fencing) make_unclean(node, "node is unclean");
  } else if (plan.options.stonith) {
    judge_with_fencing(node);
  } else {
    judge_without_fencing(node);
  }
  const auto policy = cib::property(plan.configuration, "no-quorum-policy");
  if (policy == "suicide" && plan.view.had_quorum && !plan.view.quorate && node.online && node.state != nullptr)
    make_unclean(node, "cluster does not have quorum");
}

void judge(Plan& plan, PlanNode& node) {
  if (plan.view.whole) return judge_whole(plan, node);
  const cib::NodeState* state = node.state;
  const bool up = state != nullptr && state->member && state->online;
  node.online = up && state->join == "member";
  node.pending = state != nullptr && state->member && !node.online && state->join != "down";
  node.standby = attribute_true(node, "standby");
  node.maintenance = attribute_true(node, "maintenance") || plan.options.maintenance;
  node.leaving = wants_to_leave(node);
  if (!plan.options.stonith || node.online || node.pending) return;
  node.unclean = state == nullptr ? plan.options.startup_fencing : state->expected == "member" || state->member;
  if (!node.unclean) return;
  plan.problems.push_back(fmt::format(
      "node {} is lost and stonith-enabled is true: what ran there may still run, so it is not started elsewhere. "
      "Fencing is not available in this version: set stonith-enabled=false, or make sure that the node is off and "
      "bring it back.",
      node.name.value));
}

}  // namespace

bool comes_before(const NodeName& a, const NodeName& b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const std::string_view left = a.value, right = b.value;
  std::size_t i = 0, j = 0;
  while (i < left.size() && j < right.size()) {
    if (!is_digit(left[i]) || !is_digit(right[j])) {
      if (left[i] != right[j]) return left[i] < right[j];
      ++i, ++j;
      continue;
    }
    const auto number = [&](std::string_view text, std::size_t& at) {
      const std::size_t begin = std::min(text.find_first_not_of('0', at), text.size());
      for (at = begin; at < text.size() && is_digit(text[at]);) ++at;
      return std::pair(at - begin, text.substr(begin, at - begin));
    };
    const auto one = number(left, i), other = number(right, j);
    if (one != other) return one < other;
  }
  if (i < left.size() || j < right.size()) return i == left.size();
  return left < right;
}

int Plan::node_index(const NodeName& name) const {
  const auto found = std::ranges::lower_bound(nodes, name, comes_before, &PlanNode::name);
  return found != nodes.end() && found->name == name ? static_cast<int>(found - nodes.begin()) : nowhere;
}

void read_options(Plan& plan) {
  Options& options = plan.options;
  options.symmetric = property_bool(plan, "symmetric-cluster", true);
  options.stop_all = property_bool(plan, "stop-all-resources", false);
  options.maintenance = property_bool(plan, "maintenance-mode", false);
  options.startup_probes = property_bool(plan, "enable-startup-probes", true);
  options.start_failure_is_fatal = property_bool(plan, "start-failure-is-fatal", true);
  options.stonith = property_bool(plan, "stonith-enabled", true);
  options.startup_fencing = property_bool(plan, "startup-fencing", true);
  options.stop_orphans = property_bool(plan, "stop-orphan-resources", true);
  options.stop_orphan_actions = property_bool(plan, "stop-orphan-actions", true);
  options.concurrent_fencing = property_bool(plan, "concurrent-fencing", true);
  options.stonith_action = cib::property(plan.configuration, "stonith-action").value_or("reboot");
  if (options.stonith_action == "poweroff") options.stonith_action = "off";
  options.no_quorum_policy = cib::property(plan.configuration, "no-quorum-policy").value_or("stop");
  const auto primitives = cib::primitives_of(plan.configuration);
  options.have_stonith_device =
      std::ranges::any_of(primitives, [](const auto* primitive) { return primitive->standard == "stonith"; });
  const auto& policy = options.no_quorum_policy;
  if (policy != "stop" && policy != "ignore" && policy != "freeze") {
    plan.problems.push_back(fmt::format(
        "no-quorum-policy={} is not supported in this version (stop, freeze, ignore are): it acts as stop", policy));
    options.no_quorum_policy = "stop";
  }
  if (options.stonith && !options.have_stonith_device) {
    plan.problems.push_back(
        "stonith-enabled is true (the default) and there is no fencing device: no resource is started or stopped. "
        "Fencing is not available in this version: set stonith-enabled=false.");
  }
}

void judge_nodes(Plan& plan) {
  for (const cib::Node& configured : plan.configuration.nodes) {
    PlanNode node;
    node.name = configured.uname;
    node.id = configured.id;
    node.attributes = cib::all_values(configured.attributes);
    plan.nodes.push_back(std::move(node));
  }
  for (const auto& [name, state] : plan.status.nodes) {  // nodes that the configuration does not know yet
    const auto same = [&](const PlanNode& node) { return node.name == name; };
    if (plan.view.whole || std::ranges::any_of(plan.nodes, same)) continue;
    PlanNode node;
    node.name = name;
    node.id = state.id;
    plan.nodes.push_back(std::move(node));
  }
  std::ranges::sort(plan.nodes, comes_before, &PlanNode::name);
  for (PlanNode& node : plan.nodes) {
    const auto state = plan.status.nodes.find(node.name);
    if (state != plan.status.nodes.end()) {
      node.state = &state->second;
      for (const auto& [name, value] : state->second.transient) node.attributes[name] = value;
    }
    judge(plan, node);
  }
}

}  // namespace systole::scheduler

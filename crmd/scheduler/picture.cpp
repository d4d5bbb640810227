// SPDX-License-Identifier: GPL-2.0-or-later
// The plan copied into plain values. Nothing is decided here.
#include "crmd/scheduler/picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

ShownResource::Kind kind_of(const Item& item) {
  switch (item.kind) {
    case Kind::group:
      return ShownResource::Kind::group;
    case Kind::clone:
      return ShownResource::Kind::clone;
    case Kind::primitive:
      break;
  }
  return ShownResource::Kind::primitive;
}

/// An instance of an anonymous clone is one like the others.
std::string name_of(const Item& item) {
  const Item* clone = clone_of(item);
  if (clone == nullptr || clone->unique || !item.leaf()) return item.id;
  return item.primitive->id.value;
}

void copy_acts(const Plan& plan, const Item& item, ShownResource& shown) {
  for (const Act* act : item.acts) {
    const NodeName node = act->node == nowhere ? NodeName{} : plan.nodes[std::size_t(act->node)].name;
    shown.acts.push_back({.task = std::string(to_words(act->task)),
                          .node = node,
                          .optional = act->optional,
                          .runnable = act->runnable,
                          .cause = act->cause});
  }
}

/// Nodes that were asked.
std::vector<NodeName> known_on(const Plan& plan, const Item& item) {
  std::vector<NodeName> nodes;
  for (std::size_t node = 0; node < plan.nodes.size(); ++node)
    for (const Item& other : plan.items)
      if (within(other, item) && other.known_on.contains(int(node))) {
        nodes.push_back(plan.nodes[node].name);
        break;
      }
  return nodes;
}

ShownResource shown(const Plan& plan, const Item& item) {
  ShownResource seen;
  seen.kind = kind_of(item);
  seen.id = item.id;
  seen.name = name_of(item);
  if (item.leaf()) {
    seen.standard = item.primitive->standard;
    seen.provider = item.primitive->provider;
    seen.type = item.primitive->type;
  }
  for (const Item* child : item.children) seen.children.push_back(shown(plan, *child));
  seen.orphan = item.orphan;
  seen.managed = item.managed;
  seen.blocked = item.blocked;
  seen.failed = item.failed || (!item.failure.empty() && !item.failure_ignored);
  seen.failure_ignored = item.failure_ignored;
  seen.pending = item.pending;
  seen.promotable = item.promotable;
  seen.unique = item.unique;
  seen.instances = item.clone_max;
  seen.target_role = cib::modern_role(meta_of(item, "target-role", ""));
  seen.role = item.role;
  for (const int node : item.running_on) seen.running_on.push_back(plan.nodes[std::size_t(node)].name);
  for (const int node : item.not_installed_on) seen.not_installed_on.push_back(plan.nodes[std::size_t(node)].name);
  for (std::size_t node = 0; node < plan.nodes.size(); ++node)
    if (item.weights[node].present) seen.possible_on.push_back(plan.nodes[node].name);
  if (seen.possible_on.empty()) seen.possible_on = known_on(plan, item);
  seen.next_role = item.next();
  if (item.allocated != nowhere) seen.next_node = plan.nodes[std::size_t(item.allocated)].name;
  copy_acts(plan, item, seen);
  return seen;
}

bool is_busy(const Plan& plan, int node) {
  return std::ranges::any_of(plan.items, [&](const Item& item) {
    return item.leaf() && std::ranges::find(item.running_on, node) != item.running_on.end();
  });
}

/// An anonymous instance that its node's history knows under another id than its own.
bool has_another_name(const Item& item) {
  return !item.named.value.empty() && item.named.value != item.id;
}

std::string task_name(const Act& act) {
  switch (act.task) {
    case Task::monitor:
    case Task::cancel:
      return act.name;
    case Task::clear_failure:
      return "clear_failcount";
    case Task::notify:
      return fmt::format(
          "{}_notify_{}", act.notify_key_type,
          act.item->leaf() && !has_another_name(*act.item) ? act.notify_operation : act.notify_key_operation);
    case Task::start:
    case Task::started:
    case Task::stop:
    case Task::stopped:
    case Task::promote:
    case Task::promoted:
    case Task::demote:
    case Task::demoted:
    case Task::probe:
    case Task::reload:
    case Task::forget:
    case Task::shutdown:
    case Task::fence:
    case Task::boundary:
      return std::string(to_words(act.task));
  }
  return "";
}

std::string point_name(const Plan& plan, const Act& act) {
  if (act.task == Task::boundary) return act.name;
  const std::string node = act.node == nowhere ? act.item->leaf() ? "<none>" : "" : plan.node_name(act.node);
  if (act.task == Task::fence) return fmt::format("stonith '{}' {}", plan.options.stonith_action, node);
  if (act.task == Task::shutdown) return fmt::format("do_shutdown {}", node);
  const std::string& id = act.item->named.value.empty() ? act.item->id : act.item->named.value;
  return fmt::format("{}{}_{}_{}{}{}", act.task == Task::cancel ? "Cancel " : "", id, task_name(act),
                     to_ms(act.interval), node.empty() ? "" : " ", node);
}

/// Points that no member needs are none.
void copy_graph(const Plan& plan, Picture& picture) {
  std::map<const Act*, std::size_t> places;
  for (const Act& act : plan.acts) {
    const bool done = stays(act);
    const bool managed = !act.item->leaf() || act.item->managed || act.item == &plan.cluster;
    const bool point = act.task == Task::boundary || act.task == Task::notify;
    const bool optional = act.item->leaf() || point ? act.optional : state_of(act, nowhere).optional;
    if (!done && point) continue;
    places[&act] = picture.points.size();
    picture.points.push_back(
        {.name = point_name(plan, act), .done = done, .optional = optional, .managed = managed, .pseudo = act.pseudo});
  }
  std::set<std::pair<std::size_t, std::size_t>> arrows;
  for (const Edge& each : plan.edges) {
    const auto first = places.find(each.first), then = places.find(each.then);
    if (first != places.end() && then != places.end()) arrows.emplace(first->second, then->second);
  }
  picture.arrows.assign(arrows.begin(), arrows.end());
}

}  // namespace

Picture draw(const Plan& plan) {
  Picture picture;
  picture.maintenance = plan.options.maintenance;
  picture.stops_all = plan.options.stop_all;
  for (std::size_t index = 0; index < plan.nodes.size(); ++index) {
    const PlanNode& node = plan.nodes[index];
    picture.nodes.push_back({.name = node.name,
                             .online = node.online,
                             .standby = node.standby,
                             .standby_on_fail = node.standby_on_fail,
                             .maintenance = node.maintenance,
                             .unclean = node.unclean,
                             .pending = node.pending,
                             .busy = is_busy(plan, int(index)),
                             .attributes = node.attributes});
  }
  for (const Seen& seen : plan.histories) {
    const cib::NodeState* state = plan.nodes[std::size_t(seen.node)].state;
    const ResourceId& id = history_on(*seen.item, seen.node);
    const Score count = state == nullptr ? Score{} : cib::fail_count(*state, id);
    if (count.points > 0)
      picture.nodes[std::size_t(seen.node)].failures.push_back(
          {id, seen.item->migration_threshold, count, cib::last_failure(*state, id)});
  }
  for (const Act* act : plan.cluster.acts) {
    if (act->task != Task::fence) continue;
    ShownNode& node = picture.nodes[std::size_t(act->node)];
    node.fenced = plan.options.stonith_action;
    node.fence_why = act->reason;
  }
  copy_graph(plan, picture);
  picture.scores = plan.scores;
  std::vector<const Item*> roots(plan.roots.begin(), plan.roots.end());
  std::ranges::stable_sort(roots, [](const Item* a, const Item* b) { return a->priority > b->priority; });
  for (const Item* root : roots) picture.resources.push_back(shown(plan, *root));
  return picture;
}

}  // namespace systole::scheduler

// SPDX-License-Identifier: GPL-2.0-or-later
// The scheduler as a list of steps. Read this file first, then plan.hpp, then the steps in this order; each one's essay
// says what it decides and what it leaves to others.
#include "crmd/scheduler/scheduler.hpp"

#include "common/base/ensure.hpp"
#include "crmd/scheduler/picture.hpp"
#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {
void look(Plan& plan) {
  read_options(plan);
  judge_nodes(plan);
  build_items(plan);
  observe_status(plan);
}

Transition decide(Plan& plan) {
  look(plan);
  apply_scores(plan);
  ban_after_failures(plan);
  check_histories(plan);
  place_all(plan);
  create_probes(plan);
  create_acts(plan);
  if (plan.view.whole) create_node_acts(plan);
  create_orders(plan);
  propagate(plan);
  drop_reloads(plan);
  create_notifications(plan);
  Transition transition = prune(plan);
  explain(plan, transition);
  transition.problems = plan.problems;
  transition.recheck_at = plan.recheck_at;
  return transition;
}
}  // namespace

Transition schedule(const View& view) {
  ensure(view.configuration != nullptr && view.status != nullptr);
  Plan plan(view);
  return decide(plan);
}

Planned schedule_in_full(const View& view) {
  ensure(view.configuration != nullptr && view.status != nullptr);
  Plan made(view);
  made.in_full = true;
  Transition transition = decide(made);
  return {std::move(transition), draw(made)};
}

Picture picture_of(const View& view) {
  ensure(view.configuration != nullptr && view.status != nullptr);
  Plan plan(view);
  look(plan);
  return draw(plan);
}

std::string_view to_words(Role role) {
  switch (role) {
    case Role::stopped:
      return "Stopped";
    case Role::started:
      return "Started";
    case Role::unpromoted:
      return "Unpromoted";
    case Role::promoted:
      return "Promoted";
  }
  return "Unknown";
}

std::vector<Active> observe_active(const View& view) {
  ensure(view.configuration != nullptr && view.status != nullptr);
  Plan plan(view);
  look(plan);
  std::vector<Active> active;
  for (const Item& item : plan.items) {
    if (!item.leaf()) continue;
    for (const int node : item.running_on) {
      active.push_back({.resource = item.history_id,
                        .node = plan.nodes[std::size_t(node)].name,
                        .role = item.role,
                        .failed = item.failed || !item.failure.empty(),
                        .pending = item.start_pending,
                        .managed = item.managed,
                        .failure = item.failure});
    }
  }
  return active;
}

std::vector<NodeFitness> observe_nodes(const View& view) {
  ensure(view.configuration != nullptr && view.status != nullptr);
  Plan plan(view);
  look(plan);
  std::vector<NodeFitness> fitness;
  for (const PlanNode& node : plan.nodes) {
    fitness.push_back(
        {node.name, node.online, node.standby || node.standby_on_fail, node.maintenance, node.unclean, node.pending});
  }
  return fitness;
}

}  // namespace systole::scheduler

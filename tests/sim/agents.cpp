// SPDX-License-Identifier: GPL-2.0-or-later
// Fake agents with state. An agent dies with its daemon, but what it started stays active then, and while the daemon is
// stopped; only the loss of power, or an agent's own doing, ends it.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/world.hpp"

namespace systole::sim {

namespace {

/// "db:0" → "db": an anonymous clone is one thing per node.
std::string without_number(const std::string& instance) {
  return instance.substr(0, instance.find(':'));
}

constexpr int ok = 0, not_running = 7, running_promoted = 8, generic = 1;

}  // namespace

int World::act(Node& node, const std::string& resource, const std::string& action) {
  int& state = node.active[resource];
  if (action == "start") {
    if (state == 0) state = 1;
  } else if (action == "stop") {
    state = 0;
  } else if (action == "promote") {
    if (state == 0) return not_running;
    state = 2;
  } else if (action == "demote") {
    if (state == 0) return not_running;
    state = 1;
  } else if (action == "monitor") {
    return state == 0 ? not_running : state == 2 ? running_promoted : ok;
  } else if (action != "notify") {
    return generic;
  }
  return ok;
}

void World::run_agent(Node& node, const executor::RunAgent& run) {
  const auto instance = run.environment.find("OCF_RESOURCE_INSTANCE");
  if (instance == run.environment.end()) return judge_.broken("an agent was run for no resource");
  const std::string resource = without_number(instance->second);
  if (!node.under_way.emplace(resource, run.action).second)
    return judge_.broken(fmt::format("node {} runs two agents for {} at a time", node.id.value, resource));
  const Duration takes = storming_ && dice_.chance(1, 6) ? some(10ms, plan_.deadtime * 2) : some(1ms, 20ms);
  at(now_ + takes,
     [this, &node, resource, action = run.action, type = run.type, call = run.call, takes, life = node.life] {
       if (node.life != life) return;
       const int rc = act(node, resource, action);
       if (tracing()) tell(fmt::format("node {}: agent {} {} → {}", node.id.value, resource, action, rc));
       node.under_way.erase(resource);
       const bool active = node.active[resource] != 0;
       if (type == "stateful" && active && (action == "start" || action == "monitor"))
         feed(node, AgentSays{"master-" + resource, std::to_string(10 + node.id.value)});
       feed(node, AgentDone{call, executor::Outcome{rc, cib::OpStatus::done, "", takes}});
     });
}

void World::resource_dies(Node& node) {
  for (auto& [resource, state] : node.active) {
    if (state == 0 || !dice_.chance(1, 2)) continue;
    tell(fmt::format("resource {} dies on node {}", resource, node.id.value));
    count("a resource died by itself");
    state = 0;
  }
}

bool World::resources_in_place() const {
  return std::all_of(plan_.resources.begin(), plan_.resources.end(), [&](const Expected& wanted) {
    std::size_t active = 0, promoted = 0;
    for (const Node& node : nodes_) {
      const auto found = node.active.find(wanted.instance);
      if (found == node.active.end()) continue;
      active += found->second > 0 ? 1 : 0;
      promoted += found->second == 2 ? 1 : 0;
    }
    return active == (wanted.everywhere ? nodes_.size() : 1) && promoted == (wanted.promoted_once ? 1 : 0);
  });
}

/// A leader says "start RESOURCE on NODE: …" when it orders that. Then none of the nodes that follow it and have told
/// it what runs on them may have that resource active, nor be about to start it by an order of an earlier leader.
void World::look_for_second_owner(const Node& leader, const std::string& decision) {
  for (const Expected& wanted : plan_.resources) {
    const std::string& resource = wanted.instance;
    if (wanted.everywhere || !decision.starts_with(fmt::format("start {} on ", resource))) continue;
    for (const Node& node : nodes_) {
      const auto state = node.active.find(resource);
      const auto agent = node.under_way.find(resource);
      const bool active = state != node.active.end() && state->second != 0;
      const bool starting = agent != node.under_way.end() && agent->second == "start";
      const bool to_it = decision.starts_with(fmt::format("start {} on node{}:", resource, node.id.value));
      if ((!active && !starting) || to_it) continue;
      const bool follows = node.machine && node.machine->membership().term() == leader.machine->membership().term();
      if (follows && leader.machine->has_joined(node.id))
        judge_.broken(
            fmt::format("node {} orders '{}' while it is active on node {}", leader.id.value, decision, node.id.value));
    }
  }
}

std::string World::where_resources_are() const {
  std::string text;
  for (const Node& node : nodes_)
    for (const auto& [resource, state] : node.active)
      if (state != 0)
        text += fmt::format("{}{} {} on node {}", text.empty() ? "" : ", ", resource,
                            state == 2 ? "promoted" : "active", node.id.value);
  return text.empty() ? "no resource is active anywhere" : text;
}

}  // namespace systole::sim

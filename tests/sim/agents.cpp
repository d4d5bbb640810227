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
  count_owners(node, resource);
  return ok;
}

void World::run_agent(Node& node, const executor::RunAgent& run) {
  const auto instance = run.environment.find("OCF_RESOURCE_INSTANCE");
  if (instance == run.environment.end()) return judge_.broken("an agent was run for no resource");
  const std::string resource = without_number(instance->second);
  if (node.id == plan_.witness) return judge_.broken("a witness runs an agent");
  if (!node.under_way.emplace(resource, Agent{run.action, run.call}).second)
    return judge_.broken(fmt::format("node {} runs two agents for {} at a time", node.id.value, resource));
  Duration takes = storming_ && dice_.chance(1, 6) ? some(10ms, plan_.deadtime * 2) : some(1ms, 20ms);
  if (node.active[resource] != 0) takes = std::max(takes, node.stuck_until - now_);
  at(now_ + takes, [this, &node, resource, agent = Agent{run.action, run.call}, takes, life = node.life] {
    process_of(node, [this, &node, resource, agent, takes, life] {
      const auto found = node.under_way.find(resource);
      if (node.life == life && found != node.under_way.end() && found->second.call == agent.call &&
          !found->second.in_kernel)
        end_agent(node, resource, agent, true, takes);
    });
  });
}

/// done: it did its work and tells; else it was killed, perhaps a moment after its work.
void World::end_agent(Node& node, const std::string& resource, const Agent& agent, bool done, Duration took) {
  node.under_way.erase(resource);
  const std::uint64_t call = agent.call;
  if (!done) {
    if (!agent.in_kernel && dice_.chance(1, 2)) act(node, resource, agent.action);
    tell(fmt::format("node {}: agent {} {} is killed", node.id.value, resource, agent.action));
    return feed(node, AgentDone{call, executor::Outcome{1, cib::OpStatus::error, "killed by signal 9", took}});
  }
  const int rc = act(node, resource, agent.action);
  if (tracing()) tell(fmt::format("node {}: agent {} {} → {}", node.id.value, resource, agent.action, rc));
  if (resource == "db" && node.active[resource] != 0 && (agent.action == "start" || agent.action == "monitor"))
    feed(node, AgentSays{"master-" + resource, std::to_string(10 + node.id.value)});
  feed(node, AgentDone{call, executor::Outcome{rc, cib::OpStatus::done, "", took}});
}

void World::kill_agent(Node& node, std::uint64_t call) {
  count("agent call cancelled");
  const bool in_kernel = storming_ && dice_.chance(1, 10);
  for (auto& [resource, agent] : node.under_way)
    if (agent.call == call) agent.in_kernel = in_kernel;
  const Duration takes = in_kernel ? 6s : some({}, 2ms);
  // What waits behind it, such as the end of a split, comes later by that.
  if (in_kernel) last_trouble_ = std::max(last_trouble_, now_ + takes);
  at(now_ + takes, [this, &node, call, life = node.life] {
    process_of(node, [this, &node, call, life] {
      for (const auto& [resource, agent] : std::map(node.under_way))
        if (node.life == life && agent.call == call) end_agent(node, resource, agent, false, {});
    });
  });
}

/// db's agent offers it, and its watch may end without a reason, too; the others' do not.
void World::begin_watch(Node& node, const executor::RunAgent& run) {
  const std::string resource = without_number(run.environment.at("OCF_RESOURCE_INSTANCE"));
  for (const auto& [call, watched] : node.shell.watches)
    if (watched == resource) judge_.broken(fmt::format("node {} watches {} twice", node.id.value, resource));
  node.shell.watches[run.call] = resource;
  const bool offered = resource == "db";
  if (!offered || dice_.chance(1, 8)) end_watch(node, run.call, offered);
}

void World::end_watch(Node& node, std::uint64_t call, bool offered) {
  at(now_ + some({}, 5ms), [this, &node, call, offered, life = node.life] {
    process_of(node, [this, &node, call, offered, life] {
      if (node.life != life || node.shell.watches.erase(call) == 0) return;
      count(offered ? "a watch ended" : "an agent without watch");
      feed(node, WatchEnded{call, offered});
    });
  });
}

/// Why a node may go on owning what it should not, "": it may not. A hardware watchdog leaves no excuse, a soft one
/// that the machine stood still as a whole; but mode none waits for no watchdog.
std::string World::excuse_of(const Node& node) const {
  const WatchdogKind watchdog = plan_.mode == membership::Mode::none ? WatchdogKind::none : plan_.watchdog;
  if (watchdog == WatchdogKind::hardware) return {};
  if (node.frozen == Frozen::machine) return "frozen";
  if (now_ <= node.excused) return "frozen";
  if (watchdog == WatchdogKind::soft) return {};
  if (node.frozen == Frozen::processes) return "frozen";
  if (!node.guardian.machine || now_ <= node.guarded_from) return "without a guardian";
  const Duration until_seen = guardian::climb_again_after + guard + ladder;
  return now_ <= node.stuck_until + until_seen ? "hanging in the kernel" : "";
}

/// The promise: no two nodes own a resource (or are both promoted) at any moment, but for nodes that have an excuse,
/// and in two-node modes while the network fails between the nodes.
void World::count_owners(const Node& newest, const std::string& resource) {
  const auto wanted = std::ranges::find(plan_.resources, resource, &Expected::instance);
  if (wanted == plan_.resources.end()) return;
  const int owns = wanted->everywhere ? 2 : 1;
  std::string owners, excuse;
  for (const Node& node : nodes_) {
    const auto state = node.active.find(resource);
    if (node.id == newest.id || state == node.active.end() || state->second < owns) continue;
    owners += fmt::format(" {}", node.id.value);
    if (excuse.empty()) excuse = excuse_of(node);
  }
  if (owners.empty() || newest.active.at(resource) < owns) return;
  const std::string what = wanted->everywhere ? "promoted" : "active";
  const bool cut = plan_.mode != membership::Mode::majority && now_ < last_trouble_ + 3 * plan_.lost_after();
  const std::string newer = excuse_of(newest);
  if (!cut && excuse.empty() && newer.empty())
    return judge_.broken(
        fmt::format("{} is {} on node {} while it is on node{}", resource, what, newest.id.value, owners));
  count(fmt::format("two owners: {}", !excuse.empty()                        ? "one of them was " + excuse
                                      : !newer.empty()                       ? "the newer one was " + newer
                                      : plan_.mode == membership::Mode::ping ? "mode ping"
                                                                             : "mode none"));
}

void World::resource_dies(Node& node) {
  for (auto& [resource, state] : node.active) {
    if (state == 0 || !dice_.chance(1, 2)) continue;
    tell(fmt::format("resource {} dies on node {}", resource, node.id.value));
    count("a resource died by itself");
    state = 0;
    for (const auto& [call, watched] : node.shell.watches)
      if (watched == resource) end_watch(node, call, true);
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
    const std::size_t all = in_service() - (plan_.witness ? 1 : 0);
    return active == (wanted.everywhere ? all : 1) && promoted == (wanted.promoted_once ? 1 : 0);
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
      const bool starting = agent != node.under_way.end() && agent->second.action == "start";
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

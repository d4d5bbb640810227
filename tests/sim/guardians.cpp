// SPDX-License-Identifier: GPL-2.0-or-later
// The guardians of the simulated nodes: what crmd/guardian_process does around the machine that ships, the watchdogs
// that they pet, and what stops everything that could act on a node. A guardian outlives its daemon; the next guardian
// knows what the one before it held.
#include <fmt/format.h>

#include "common/base/overloaded.hpp"
#include "tests/sim/world.hpp"

namespace systole::sim {

/// What a process of this node does now, or once the node is no longer frozen.
void World::process_of(Node& node, std::function<void()> what) {
  if (node.frozen != Frozen::no)
    node.when_thawed.push_back(std::move(what));
  else
    what();
}

// ---- its life

void World::begin_guardian(Node& node) {
  node.guardian.machine.emplace();
  node.guardian.crmd = 0;
  node.guardian.armed = false;
  ++node.guardian.life;
  look_at_page(node);
  guardian_takes(node, guardian::Remembered{node.remembered});
  node.guarded_from = now_ + guard + 2 * ladder;
  guardian_turns(node);
}

/// Whatever ended it: the daemon that is connected sees it at once.
void World::end_guardian(Node& node) {
  node.guardian.machine.reset();
  at(now_ + 50us, [this, &node, life = node.life, which = node.guardian.life] {
    if (node.life == life) daemon_of(node, [this, &node, which] { guardian_is_lost(node, which); });
  });
}

void World::kill_guardian(Node& node) {
  if (!node.guardian.machine || node.frozen != Frozen::no) return;
  tell(fmt::format("node {}'s guardian is killed", node.id.value));
  count("guardian killed");
  if (node.guardian.machine->on_ladder()) count("guardian killed on its ladder");
  end_guardian(node);
}

void World::daemon_is_gone(Node& node) {
  at(now_ + 50us, [this, &node, gone = node.life, which = node.guardian.life] {
    process_of(node, [this, &node, gone, which] {
      if (!node.guardian.machine || node.guardian.life != which || node.guardian.crmd != gone) return;
      node.guardian.crmd = 0;
      look_at_page(node);
      guardian_takes(node, guardian::CrmdGone{});
      guardian_turns(node);
    });
  });
}

// ---- its loop

void World::look_at_page(Node& node) {
  if (!node.guardian.machine || node.page == Time{}) return;
  const auto known = node.guardian.machine->until();
  if (!known || *known < node.page) guardian_takes(node, guardian::LeaseUntil{node.page});
}

/// Its timer may be as late as the inequality allows.
void World::guardian_turns(Node& node) {
  if (!node.guardian.machine) return;
  look_at_page(node);
  guardian_takes(node, guardian::Tick{});
  if (!node.guardian.machine) return;
  if (plan_.watchdog != WatchdogKind::none && !node.guardian.armed && !node.guardian.machine->on_ladder()) {
    node.guardian.armed = true;
    pet(node);
    guardian_takes(node, guardian::Armed{plan_.watchdog_timeout});
  }
  const Time due = world(node, node.guardian.machine->wake_at(local(node)));
  at(std::max(now_, due) + some(1us, guard),
     [this, &node, power = node.power, which = node.guardian.life, sleep = ++node.guardian.sleeps] {
       if (node.power != power || node.guardian.life != which || node.guardian.sleeps != sleep) return;
       process_of(node, [this, &node, which, sleep] {
         if (node.guardian.life == which && node.guardian.sleeps == sleep) guardian_turns(node);
       });
     });
}

void World::guardian_takes(Node& node, const guardian::Event& event) {
  if (!node.guardian.machine) return;
  auto effects = node.guardian.machine->step(local(node), event);
  for (guardian::Effect& effect : effects) guardian_does(node, effect);
}

void World::guardian_hears(Node& node, std::uint64_t from, const guardian::FromCrmd& message) {
  look_at_page(node);
  const bool greets = std::holds_alternative<guardian::Hello>(message);
  if (greets && node.guardian.crmd != 0) guardian_takes(node, guardian::CrmdGone{});
  if (!greets && node.guardian.crmd != from) return;
  std::visit(Overloaded{
                 [&](const guardian::Hello&) {
                   guardian_takes(node, guardian::CrmdHere{});
                   node.guardian.crmd = from;
                   guardian_says(node, guardian::state_of(*node.guardian.machine, 1, "simulated"));
                 },
                 [&](const guardian::HoldList& list) {
                   guardian_takes(node, guardian::Hold{list.holdings, list.number});
                 },
                 [&](const guardian::HeardNews&) { guardian_takes(node, guardian::Heard{}); },
                 [&](const guardian::CrmdDone&) { guardian_takes(node, guardian::Done{}); },
             },
             message);
  guardian_turns(node);
}

void World::guardian_does(Node& node, guardian::Effect& effect) {
  const bool has_crmd = node.guardian.crmd != 0;
  std::visit(Overloaded{
                 [&](guardian::Climb& climb) {
                   count("ladder");
                   at(now_ + some({}, ladder), [this, &node, which = node.guardian.life, power = node.power,
                                                holdings = std::move(climb.holdings)] {
                     if (node.power != power) return;
                     process_of(node, [this, &node, which, holdings] {
                       if (node.guardian.machine && node.guardian.life == which) climbed(node, holdings);
                     });
                   });
                 },
                 [&](const guardian::Accept& accept) {
                   if (has_crmd) guardian_says(node, guardian::Ack{accept.number});
                 },
                 [&](guardian::Remember& remember) { node.remembered = std::move(remember.holdings); },
                 [&](const guardian::Pet&) { pet(node); },
                 [&](const guardian::LetBite&) { count("the guardian lets the watchdog bite"); },
                 [&](const guardian::Tell& news) {
                   if (has_crmd) guardian_says(node, guardian::LadderedNews{news.news});
                 },
                 [&](const guardian::Note& note) {
                   if (tracing()) tell(fmt::format("node {}'s guardian: {}", node.id.value, note.text));
                 },
                 [&](const guardian::Exit&) {
                   node.page = node.bites = {};
                   end_guardian(node);
                 },
             },
             effect);
}

// ---- its ladder

void World::climbed(Node& node, const std::vector<guardian::Holding>& holdings) {
  std::string left;
  for (const guardian::Holding& holding : holdings)
    if (!end_by_force(node, holding.resource.substr(0, holding.resource.find(':')))) left = holding.resource;
  look_at_page(node);
  guardian_takes(node, guardian::Climbed{left.empty(), left});
  guardian_turns(node);
}

/// False: something of it hangs in the kernel.
bool World::end_by_force(Node& node, const std::string& resource) {
  bool gone = true;
  if (const auto agent = node.under_way.find(resource); agent != node.under_way.end()) {
    gone = !agent->second.in_kernel;
    if (gone) end_agent(node, resource, Agent(agent->second), false, {});
  }
  int& state = node.active[resource];
  if (state != 0 && now_ < node.stuck_until) {
    count("the ladder left something");
    return false;
  }
  if (state != 0) tell(fmt::format("node {}'s guardian drops {}", node.id.value, resource));
  state = 0;
  return gone;
}

// ---- the watchdog

void World::pet(Node& node) {
  if (plan_.watchdog == WatchdogKind::none) return;
  node.bites = local(node) + plan_.watchdog_timeout;
  watch(node);
}

void World::watch(Node& node) {
  at(world(node, node.bites) + 1us, [this, &node, power = node.power] {
    if (node.power != power || node.bites == Time{} || local(node) < node.bites) return;
    if (plan_.watchdog == WatchdogKind::soft && node.frozen == Frozen::machine) return;
    tell(fmt::format("node {}'s watchdog resets it", node.id.value));
    count("watchdog fired");
    crash(node, true);
    at(now_ + some(1ms, plan_.deadtime * 6), [this, &node] { start(node); });
  });
}

// ---- frozen nodes

/// All its processes, the guardian too; or the whole machine, as a suspended virtual one is.
void World::freeze(Node& node, Duration how_long, Frozen how) {
  if (node.frozen != Frozen::no || !node.machine || node.paused) return;
  pause(node, how_long);
  tell(fmt::format("node {} is frozen, {}", node.id.value,
                   how == Frozen::machine ? "the whole machine" : "all its processes"));
  node.frozen = how;
  node.frozen_at = now_;
  at(now_ + how_long, [this, &node, power = node.power] {
    if (node.power == power) thaw(node);
  });
}

void World::thaw(Node& node) {
  if (node.frozen == Frozen::no) return;
  if (plan_.watchdog == WatchdogKind::soft && node.frozen == Frozen::machine && node.bites != Time{}) {
    node.bites += now_ - node.frozen_at;
    watch(node);
  }
  if (plan_.watchdog == WatchdogKind::none || node.frozen == Frozen::machine) node.excused = now_ + guard + 2 * ladder;
  node.frozen = Frozen::no;
  last_trouble_ = std::max(last_trouble_, now_);  // two nodes without votes may both lead, and have to meet first
  const std::uint64_t power = node.power;
  for (const auto& what : std::exchange(node.when_thawed, {}))
    if (node.power == power) what();
}

/// Mode ping: each node asks the ping target, and the addresses that the other one should have.
void World::ping(Node& node) {
  at(now_ + plan_.keepalive, [this, &node] { ping(node); });
  if (!node.machine || node.paused || node.frozen != Frozen::no || node.target_cut) return;
  const Time sent = local(node);
  const Node& other = nodes_[node.id.value == 1 ? 1 : 0];
  const auto vip = other.active.find("vip");
  const bool peer_answers = !other.target_cut && vip != other.active.end() && vip->second != 0;
  at(now_ + some(100us, 2ms), [this, &node, sent, peer_answers, life = node.life] {
    if (node.life != life) return;
    feed(node, membership::PingAnswered{sent, false});
    if (peer_answers) feed(node, membership::PingAnswered{sent, true});
  });
}

}  // namespace systole::sim

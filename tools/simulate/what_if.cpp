// SPDX-License-Identifier: GPL-2.0-or-later
// See what_if.hpp. The same scheduler decides as in crmd, on the same CIB. Every action succeeds; what an agent would
// say besides – a promotion score, for instance – is not known and stays as it is.
#include "tools/simulate/what_if.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "common/base/text.hpp"
#include "crmd/scheduler/picture.hpp"
#include "tools/cib_file.hpp"
#include "tools/simulate/world.hpp"

namespace systole::tools {

namespace {

using scheduler::Action;
using scheduler::ActionKind;

constexpr int rounds_max = 20;  // a cluster that is not at rest after so many transitions never will be

Result<World> read_world(Surroundings& here, const std::string& cib_file) {
  std::string cib;
  if (!cib_file.empty()) {
    auto text = read_whole(cib_file);
    if (!text) return text.error();
    cib = std::move(*text);
  } else {
    const auto reply = here.daemon->ask(wire::ipc::QueryCib{});
    if (!reply) return reply.error();
    if (reply->exit_code != 0) return refusal(*reply);
    cib = reply->text;
  }
  auto world = World::of(cib, static_cast<std::int64_t>(std::time(nullptr)));
  if (world) world->as_crmd();
  return world;
}

/// What a person calls an action: probes, monitors and points in time are none.
std::optional<std::string> words_of(const Action& action) {
  if (action.kind == ActionKind::clear_failure)
    return fmt::format("forget the failures of {} on {}", action.resource.value, action.node.value);
  const bool told = action.operation == "start" || action.operation == "stop" || action.operation == "promote" ||
                    action.operation == "demote" || action.operation == "reload-agent";
  if (action.kind != ActionKind::operation || !told) return std::nullopt;
  const std::string why = action.reason.empty() ? "" : ": " + action.reason;
  return fmt::format("{} {} on {}{}", action.operation == "reload-agent" ? "reload" : action.operation,
                     action.resource.value, action.node.value, why);
}

/// "vip@n1" → "Started": where everything is.
std::map<std::string, std::string> places(const World& world) {
  std::map<std::string, std::string> all;
  for (const scheduler::Active& active : scheduler::observe_active(world.view()))
    all[fmt::format("{} on {}", active.resource.value, active.node.value)] = scheduler::to_words(active.role);
  return all;
}

std::string differences(const std::map<std::string, std::string>& before,
                        const std::map<std::string, std::string>& after) {
  std::string text;
  for (const auto& [place, role] : after) {
    const auto old = before.find(place);
    if (old == before.end()) text += fmt::format("  + {} ({})\n", place, role);
    if (old != before.end() && old->second != role)
      text += fmt::format("  ~ {} ({}, was {})\n", place, role, old->second);
  }
  for (const auto& [place, role] : before)
    if (!after.contains(place)) text += fmt::format("  - {} ({})\n", place, role);
  return text;
}

/// The transitions that follow, until there is nothing to do. False: there always is.
bool react(World& world, std::string& out) {
  const auto before = places(world);
  std::vector<std::string> said;
  bool rests = false;
  for (int round = 0; round < rounds_max && !rests; ++round) {
    const scheduler::Transition transition = scheduler::schedule(world.view());
    rests = transition.empty();
    for (const std::string& problem : transition.problems) {
      std::string line = fmt::format("  ! {}\n", problem);
      if (std::ranges::find(said, line) == said.end()) said.push_back(std::move(line));
    }
    for (const Action* action : World::in_order(transition, World::Listed::by_id))
      if (const auto words = words_of(*action)) said.push_back(fmt::format("  * {}\n", *words));
    world.play(transition);
  }
  for (const std::string& line : said) out += line;
  const std::string changed = differences(before, places(world));
  if (said.empty() && changed.empty()) out += "  nothing is done\n";
  if (!changed.empty()) out += "  then:\n" + changed;
  if (!rests)
    out +=
        fmt::format("  ! after {} transitions there was still something to do: it never comes to rest\n", rounds_max);
  return rests;
}

/// What is active and not served by anybody else: for the last lines.
std::string outcome(const World& world) {
  std::string text = "In the end:\n";
  for (const scheduler::Decision& decision : scheduler::schedule(world.view()).decisions)
    text += fmt::format("  {}: {}{}{}\n", decision.resource.value, decision.role,
                        decision.node.empty() ? "" : " on " + decision.node.value,
                        decision.node.empty() ? ": " + decision.sentence : "");
  return text;
}

std::string title_of(const Step& step) {
  switch (step.what) {
    case Step::What::node_dies:
      return fmt::format("node {} dies", step.value);
    case Step::What::node_leaves:
      return fmt::format("node {} is shut down", step.value);
    case Step::What::node_returns:
      return fmt::format("node {} comes back", step.value);
    case Step::What::resource_fails:
      return fmt::format("{} fails", step.value);
    case Step::What::attribute:
      return fmt::format("attribute {}", step.value);
    case Step::What::apply:
      return fmt::format("the configuration of {} is applied", step.value);
    case Step::What::time_passes:
      return fmt::format("{} pass", step.value);
  }
  return "";
}

Result<void> set_attribute(World& world, const std::string& text) {
  const std::size_t colon = text.find(':'), equals = text.find('=', colon == std::string::npos ? 0 : colon);
  if (colon == std::string::npos || equals == std::string::npos || colon == 0 || equals == colon + 1)
    return Error{Errc::invalid, fmt::format("--attribute '{}': NODE:NAME=VALUE is meant", text)};
  return world.set_attribute(NodeName{text.substr(0, colon)}, text.substr(colon + 1, equals - colon - 1),
                             text.substr(equals + 1));
}

/// Errors: what was named does not exist, or is not there at the moment. A remark in `out` is part of the answer.
Result<void> happen(World& world, const Step& step, std::string& out) {
  switch (step.what) {
    case Step::What::node_dies:
      return world.lose(NodeName{step.value});
    case Step::What::node_leaves:
      return world.ask_to_leave(NodeName{step.value});
    case Step::What::node_returns:
      return world.bring_back(NodeName{step.value});
    case Step::What::resource_fails: {
      const auto noticed = world.fail_resource(step.value);
      if (!noticed) return noticed.error();
      out += *noticed;
      return {};
    }
    case Step::What::attribute:
      return set_attribute(world, step.value);
    case Step::What::apply: {
      const auto text = read_whole(step.value);
      if (!text) return text.error();
      return world.configure(*text);
    }
    case Step::What::time_passes: {
      const auto interval = parse_duration(step.value);
      if (!interval)
        return Error{Errc::invalid, fmt::format("--after '{}': an interval is meant, as 10min", step.value)};
      world.pass_time(*interval);
      return {};
    }
  }
  return {};
}

}  // namespace

int what_if(Surroundings& here, const WhatIfOptions& options) {
  auto world = read_world(here, options.cib_file);
  if (!world) return fail(here, "systole", world.error());
  if (options.quorum) {
    Events quorum;
    quorum.quorum = options.quorum;
    static_cast<void>(world->happen(quorum));
  }
  here.out += "As it is now:\n";
  bool rests = react(*world, here.out);
  int number = 0;
  for (const Step& step : options.steps) {
    here.out += fmt::format("\n{}. {}:\n", ++number, title_of(step));
    if (const auto done = happen(*world, step, here.out); !done) return fail(here, "systole", done.error());
    rests = react(*world, here.out) && rests;
    if (step.what == Step::What::node_leaves) world->gone(NodeName{step.value});
  }
  here.out += "\n" + outcome(*world);
  const auto loses = [](const Step& step) {
    return step.what == Step::What::node_dies || step.what == Step::What::node_leaves;
  };
  if (!options.quorum && std::ranges::any_of(options.steps, loses))
    here.out += fmt::format(
        "Assumed: quorum is {} as now, whoever dies (--quorum=yes or no says otherwise); agents keep their "
        "promotion scores.\n",
        world->view().quorate ? "there" : "missing");
  return rests ? exit_code::ok : exit_code::error;
}

int why_not_on(Surroundings& here, const std::string& cib_file, const std::string& resource, const std::string& node) {
  auto world = read_world(here, cib_file);
  if (!world) return fail(here, "systole", world.error());
  const scheduler::Planned planned = scheduler::schedule_in_full(world->view());
  bool known = false, there = false;
  for (const scheduler::Decision& decision : planned.transition.decisions) {
    const std::string& name = decision.resource.value;
    if (!world->means(resource, decision.resource)) continue;
    known = true;
    if (decision.node.value == node) {
      here.out += fmt::format("{}: it is on {}, {}\n", name, node, decision.sentence);
      there = true;
    }
    for (const auto& [other, why] : decision.elsewhere) {
      if (other.value != node) continue;
      here.out += fmt::format("{}: not on {}: {}\n", name, node, why);
      there = true;
    }
  }
  if (!known) return fail(here, "systole", Error{Errc::not_found, fmt::format("no resource is named '{}'", resource)});
  if (!there) return fail(here, "systole", Error{Errc::not_found, fmt::format("no node is named '{}'", node)});
  return exit_code::ok;
}

}  // namespace systole::tools

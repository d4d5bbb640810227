// SPDX-License-Identifier: GPL-2.0-or-later
// Actions are done as soon as those before them are, in passes over the graph in its order: what comes to be ready in a
// pass is done in it, if its turn has not passed.
#include "tools/simulate/world.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cib/xml/cib_xml.hpp"
#include "common/base/text.hpp"
#include "crmd/scheduler/outcome.hpp"

namespace systole::tools {

namespace {

using scheduler::Action;
using scheduler::ActionKind;
using scheduler::Transition;

/// An attribute of the document's first element.
std::string header_value(std::string_view cib, std::string_view name) {
  const std::size_t begin = cib.find("<cib"), end = cib.find('>', begin);
  if (begin == std::string_view::npos || end == std::string_view::npos) return {};
  return between(cib.substr(begin, end - begin), fmt::format(" {}=\"", name), "\"").value_or("");
}

/// Whether somebody imagines that this action has another result.
const ImaginedResult* named_in(const std::vector<ImaginedResult>& failing, const Action& action,
                               const std::string& shown) {
  const auto meant = [&](const ImaginedResult& each) {
    return (each.resource == action.resource || each.resource.value == shown) && each.operation == action.operation &&
           each.interval == action.interval && each.node == action.node;
  };
  const auto found = std::ranges::find_if(failing, meant);
  return found == failing.end() ? nullptr : &*found;
}

}  // namespace

Result<World> World::of(std::string_view cib, std::int64_t now_s) {
  auto configuration = cib::parse_configuration(cib);
  if (!configuration) return configuration.error();
  auto status = cib::parse_status(cib);
  if (!status) return status.error();
  const auto order = cib::status_order(cib);
  if (!order) return order.error();
  World world;
  world.source_ = cib;
  world.configuration_ = std::move(*configuration);
  world.status_ = std::move(*status);
  for (const auto& [node, resources] : *order) world.order_.push_back({node, resources});
  world.quorate_ = parse_bool(header_value(cib, "have-quorum")).value_or(false);
  world.panics_ = parse_int<int>(header_value(cib, "no-quorum-panic")).value_or(0) != 0;
  world.unchecked_ = header_value(cib, "validate-with") == "none";
  const std::string dc = header_value(cib, "dc-uuid");
  for (const cib::Node& node : world.configuration_.nodes)
    if (node.id == dc) world.dc_ = node.uname;
  world.said_time_ = parse_int<std::int64_t>(header_value(cib, "execution-date"));
  world.now_s_ = world.said_time_.value_or(now_s);
  for (const auto& [name, node] : world.status_.nodes)
    for (const auto& [id, history] : node.history) {
      world.known_.insert(id.value);
      for (const auto& [key, entry] : history.entries) world.call_id_ = std::max(world.call_id_, entry.call_id);
    }
  return world;
}

scheduler::View World::view() const {
  return {.configuration = &configuration_,
          .status = &status_,
          .quorate = quorate_,
          .dc = dc_,
          .epoch_s = now_s_,
          .whole = whole_,
          .order = order_,
          .had_quorum = quorate_ || panics_};
}

std::string without_number(const std::string& id) {
  const std::size_t colon = id.rfind(':');
  const bool numbered = colon != std::string::npos && parse_int<int>(id.substr(colon + 1));
  return numbered ? id.substr(0, colon) : id;
}

/// Instances are named with their numbers, unless a history has been seen that has none.
std::string World::shown_name(const Action& action) const {
  if (action.instance < 0) return action.resource.value;
  const std::string& id = action.resource.value;
  const bool numbered = without_number(id) != id;
  return numbered || known_.contains(id) ? id : fmt::format("{}:{}", id, action.instance);
}

std::string World::line_of(const Action& action) const {
  if (action.kind == ActionKind::pseudo) return fmt::format("  * Pseudo action:   {}", action.operation);
  if (action.kind == ActionKind::fence) return fmt::format("  * Fencing {} ({})", action.node.value, action.operation);
  if (action.kind == ActionKind::shutdown)
    return fmt::format("  * Cluster action:  {} on {}", action.operation, action.node.value);
  const std::string resource = shown_name(action);
  if (action.kind == ActionKind::forget)
    return fmt::format("  * Resource action: {:<15} delete on {}", action.resource.value, action.node.value);
  if (action.kind == ActionKind::clear_failure)
    return fmt::format("  * Cluster action:  clear_failcount for {} on {}",
                       action.instance < 0 ? action.resource.value : without_number(action.resource.value),
                       action.node.value);
  if (action.kind == ActionKind::cancel)
    return fmt::format("  * Resource action: {:<15} cancel={} on {}", resource, to_ms(action.interval),
                       action.node.value);
  const std::string every = action.interval == Duration{} ? "" : fmt::format("={}", to_ms(action.interval));
  return fmt::format("  * Resource action: {:<15} {}{} on {}", resource, action.operation, every, action.node.value);
}

/// True when it failed.
bool World::do_action(const Action& action, const std::vector<ImaginedResult>& failing,
                      std::vector<std::string>& lines) {
  lines.push_back(line_of(action));
  // As in the original, what the cluster itself does has no effect here.
  if (whole_ && (action.kind == ActionKind::clear_failure || action.kind == ActionKind::forget)) return false;
  const bool call = action.kind == ActionKind::operation;
  const ImaginedResult* imagined = call ? named_in(failing, action, shown_name(action)) : nullptr;
  ++call_id_;
  if (imagined == nullptr) {
    scheduler::succeed(status_, action, call_id_, now_s_);
  } else {
    const cib::NodeState& state = status_.nodes[action.node];
    const cib::Pairs before = state.transient;
    scheduler::fail(status_, action, imagined->rc, call_id_, now_s_);
    lines.push_back(fmt::format("Pretending action {} failed with rc={}", action.id + 1, imagined->rc));
    tell_attributes(before, state, lines);
  }
  if (call) mention(action.node, action.resource);
  return imagined != nullptr;
}

std::vector<const Action*> World::in_order(const Transition& transition, Listed listed) {
  std::vector<const Action*> waiting, order;
  for (const Action& action : transition.actions) waiting.push_back(&action);
  if (listed == Listed::by_rank) std::ranges::sort(waiting, {}, &Action::rank);
  std::vector<bool> done(transition.actions.size());
  const auto is_done = [&](int id) { return done[std::size_t(id)]; };
  for (bool progress = true; progress;) {
    progress = false;
    for (const Action* action : waiting) {
      const bool waits =
          !std::ranges::all_of(action->after, is_done) || !std::ranges::all_of(action->after_any, is_done);
      if (is_done(action->id) || waits) continue;
      order.push_back(action);
      done[std::size_t(action->id)] = progress = true;
    }
  }
  return order;
}

std::vector<std::string> World::play(const Transition& transition, const std::vector<ImaginedResult>& failing) {
  std::vector<std::string> lines;
  for (const Action* action : in_order(transition, Listed::by_rank))
    if (do_action(*action, failing, lines)) break;
  return lines;
}

}  // namespace systole::tools

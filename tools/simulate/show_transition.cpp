// SPDX-License-Identifier: GPL-2.0-or-later
// A synapse for each action: what it is, and what must have ended before. Element and attribute names are those of
// Pacemaker 2.1's transition graphs; so are the numbers, which begin with 1.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tools/simulate/show.hpp"
#include "tools/simulate/world.hpp"
#include "tools/xml_bits.hpp"

namespace systole::tools {

namespace {

using scheduler::Action;
using scheduler::ActionKind;

std::string attribute(std::string_view name, std::string_view value) {
  return fmt::format(" {}=\"{}\"", name, escape_xml(value));
}

std::string_view element_of(const Action& action) {
  switch (action.kind) {
    case ActionKind::pseudo:
      return "pseudo_event";
    case ActionKind::fence:
    case ActionKind::shutdown:
    case ActionKind::clear_failure:
      return "crm_event";
    case ActionKind::operation:
    case ActionKind::cancel:
    case ActionKind::forget:
      return "rsc_op";
  }
  return "";
}

/// "start", and the key by which controllers know it: "db_start_0".
std::pair<std::string, std::string> operation_and_key(const Action& action) {
  const std::string& id = action.resource.value;
  switch (action.kind) {
    case ActionKind::pseudo: {  // its name is the key: WHAT_OPERATION_0
      const std::size_t end = action.operation.rfind('_');
      const std::size_t begin = end == std::string::npos || end == 0 ? end : action.operation.rfind('_', end - 1);
      if (begin == std::string::npos) return {action.operation, action.operation};
      return {action.operation.substr(begin + 1, end - begin - 1), action.operation};
    }
    case ActionKind::fence:
      return {"stonith", fmt::format("stonith-{}-{}", action.node.value, action.operation)};
    case ActionKind::shutdown:
      return {"do_shutdown", fmt::format("do_shutdown-{}", action.node.value)};
    case ActionKind::clear_failure:
      return {"clear_failcount", fmt::format("{}_clear_failcount_0", id)};
    case ActionKind::forget:
      return {"delete", fmt::format("{}_delete_0", id)};
    case ActionKind::cancel:
      return {"cancel", fmt::format("{}_{}_{}", id, action.operation, to_ms(action.interval))};
    case ActionKind::operation:
      return {action.operation, fmt::format("{}_{}_{}", id, action.operation, to_ms(action.interval))};
  }
  return {};
}

std::string head_of(const Action& action) {
  const auto [operation, key] = operation_and_key(action);
  std::string text = fmt::format("<{} id=\"{}\"", element_of(action), action.id + 1);
  text += attribute("operation", operation) + attribute("operation_key", key);
  if (action.node.empty()) return text;
  const auto uuid = action.meta.find("on_node_uuid");
  text += attribute("on_node", action.node.value);
  return text + attribute("on_node_uuid", uuid == action.meta.end() ? action.node.value : uuid->second);
}

std::string body_of(const Action& action) {
  std::string text;
  if (!action.type.empty()) {
    text += "        <primitive" + attribute("id", without_number(action.resource.value));
    if (action.instance >= 0)
      text += attribute("long-id", fmt::format("{}:{}", without_number(action.resource.value), action.instance));
    text += attribute("class", action.standard);
    if (!action.provider.empty()) text += attribute("provider", action.provider);
    text += attribute("type", action.type) + "/>\n";
  }
  text += "        <attributes";
  for (const auto& [name, value] : action.meta) text += attribute("CRM_meta_" + name, value);
  if (action.kind == ActionKind::fence) text += attribute("CRM_meta_stonith_action", action.operation);
  for (const auto& [name, value] : action.parameters) text += attribute(name, value);
  return text + "/>\n";
}

std::string inputs_of(const scheduler::Transition& transition, const Action& action) {
  std::vector<int> before = action.after;
  before.insert(before.end(), action.after_any.begin(), action.after_any.end());
  std::ranges::sort(before);
  before.erase(std::unique(before.begin(), before.end()), before.end());
  if (before.empty()) return "    <inputs/>\n";
  std::string text = "    <inputs>\n";
  for (const int id : before)
    text +=
        fmt::format("      <trigger>\n        {}/>\n      </trigger>\n", head_of(transition.actions[std::size_t(id)]));
  return text + "    </inputs>\n";
}

}  // namespace

std::string show_transition(const scheduler::Transition& transition) {
  std::string text =
      "<transition_graph cluster-delay=\"60s\" stonith-timeout=\"60s\" failed-stop-offset=\"INFINITY\" "
      "failed-start-offset=\"INFINITY\" batch-limit=\"0\" transition_id=\"0\">\n";
  std::vector<const Action*> order;
  for (const Action& action : transition.actions) order.push_back(&action);
  std::ranges::stable_sort(order, {}, &Action::rank);
  int synapse = 0;
  for (const Action* action : order) {
    text +=
        fmt::format("  <synapse id=\"{}\">\n    <action_set>\n      {}>\n{}      </{}>\n    </action_set>\n{}",
                    synapse++, head_of(*action), body_of(*action), element_of(*action), inputs_of(transition, *action));
    text += "  </synapse>\n";
  }
  return text + "</transition_graph>\n";
}

}  // namespace systole::tools

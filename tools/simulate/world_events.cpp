// SPDX-License-Identifier: GPL-2.0-or-later
// What is imagined to happen becomes what the status section would say of it, in the words of Pacemaker's crm_simulate.
#include <fmt/format.h>

#include <algorithm>

#include "cib/xml/cib_xml.hpp"
#include "common/base/text.hpp"
#include "crmd/scheduler/outcome.hpp"
#include "tools/simulate/world.hpp"

namespace systole::tools {

namespace {

void set_state(cib::NodeState& state, bool member, bool there) {
  state.member = member;
  state.online = there;
  state.join = state.expected = there ? "member" : "down";
}

}  // namespace

cib::Header World::header() const {
  cib::Header header;
  header.have_quorum = quorate_;
  for (const cib::Node& node : configuration_.nodes)
    if (node.uname == dc_) header.dc_uuid = node.id;
  return header;
}

Result<std::string> World::document() const {
  const auto document = cib::to_document(source_);
  if (!document) return document.error();
  return cib::render(*document, header(), status_);
}

Result<void> World::set_property(const std::string& name, const std::string& value) {
  const auto document = cib::to_document(source_);
  if (!document) return document.error();
  const std::string xml =
      fmt::format(R"(<cluster_property_set id="cib-bootstrap-options"><nvpair )"
                  R"(id="cib-bootstrap-options-{0}" name="{0}" value="{1}"/></cluster_property_set>)",
                  name, value);
  const cib::Request request{.change = cib::Change::modify, .scope = "crm_config", .xml = xml, .allow_create = true};
  const auto changed = cib::apply(*document, header(), status_, request, now_s_);
  if (!changed) return changed.error();
  return configure(changed->document);
}

Result<cib::NodeState*> World::state_of(const NodeName& node) {
  const auto found = std::ranges::find(configuration_.nodes, node, &cib::Node::uname);
  if (found == configuration_.nodes.end()) {
    std::vector<std::string> names;
    for (const cib::Node& each : configuration_.nodes) names.push_back(each.uname.value);
    return Error{Errc::not_found, fmt::format("no node is named '{}'; there are: {}", node.value, join(names, " "))};
  }
  cib::NodeState& state = status_.nodes[node];
  if (state.id.empty()) state.id = found->id;
  state.uname = node;
  return &state;
}

void World::mention(const NodeName& node, const ResourceId& resource) {
  const auto found = std::ranges::find(order_, node, &scheduler::Mentioned::node);
  if (found == order_.end()) return;
  if (std::ranges::find(found->resources, resource) == found->resources.end()) found->resources.push_back(resource);
}

void World::tell_attributes(const cib::Pairs& before, const cib::NodeState& state, std::vector<std::string>& lines) {
  for (const auto& [name, value] : state.transient) {
    const auto old = before.find(name);
    if (old != before.end() && old->second == value) continue;
    lines.push_back(fmt::format("  * Injecting attribute {}={} into /node_state '{}'", name,
                                name.starts_with("fail-count-") ? "value++" : value, state.id));
  }
}

Result<void> World::happen(const ImaginedResult& imagined, std::vector<std::string>& lines) {
  const auto state = state_of(imagined.node);
  if (!state) return state.error();
  // Histories of anonymous instances bear no number, those of unique ones do.
  const std::string plain = without_number(imagined.resource.value);
  const bool known = (*state)->history.contains(imagined.resource) || known_.contains(imagined.resource.value);
  const ResourceId id = known ? imagined.resource : ResourceId{plain};
  const cib::Primitive* primitive = cib::find_primitive(configuration_, ResourceId{plain});
  if (primitive == nullptr)
    return Error{Errc::not_found, fmt::format("'{}': no primitive is named '{}'", imagined.text, plain)};
  lines.push_back(fmt::format("  * Injecting {} into the configuration", imagined.text));
  cib::OperationResult result;
  result.resource = id;
  result.operation = imagined.operation;
  result.interval = imagined.interval;
  result.call_id = ++call_id_;
  result.rc = imagined.rc;
  result.last_rc_change = now_s_;
  cib::ResourceHistory& history = (*state)->history[id];
  history.standard = primitive->standard;
  history.provider = primitive->provider;
  history.type = primitive->type;
  cib::record(history, result);
  mention(imagined.node, id);
  const cib::Pairs before = (*state)->transient;
  scheduler::count_failure(**state, result, now_s_);
  tell_attributes(before, **state, lines);
  return {};
}

Result<std::vector<std::string>> World::happen(const Events& events) {
  std::vector<std::string> lines;
  if (events.quorum) {
    quorate_ = *events.quorum;
    lines.push_back(fmt::format("  * Setting quorum: {}", quorate_ ? 1 : 0));
  }
  if (events.watchdog) {
    const std::string value = *events.watchdog ? "true" : "false";
    if (const auto set = set_property("have-watchdog", value); !set) return set.error();
    lines.push_back(fmt::format("  * Setting watchdog: {}", value));
  }
  const auto each = [&](const std::vector<NodeName>& nodes, const char* words, auto change) -> Result<void> {
    for (const NodeName& node : nodes) {
      const auto state = state_of(node);
      if (!state) return state.error();
      change(**state);
      lines.push_back(fmt::format(fmt::runtime(words), node.value));
    }
    return {};
  };
  if (auto up = each(events.up, "  * Bringing node {} online", [](auto& state) { set_state(state, true, true); }); !up)
    return up.error();
  const auto leave = [](cib::NodeState& state) {
    set_state(state, false, false);
    state.history.clear();
    state.transient.clear();
  };
  if (auto down = each(events.down, "  * Taking node {} offline", leave); !down) return down.error();
  if (auto gone = each(events.fails, "  * Failing node {}", [](auto& state) { set_state(state, false, true); }); !gone)
    return gone.error();
  for (const ImaginedResult& result : events.results)
    if (const auto done = happen(result, lines); !done) return done.error();
  return lines;
}

}  // namespace systole::tools

// SPDX-License-Identifier: GPL-2.0-or-later
// One function changes a node's knowledge of the cluster, on the leader and on every member alike, so that all know the
// same.
#include "common/base/overloaded.hpp"
#include "crmd/controller/messages.hpp"

namespace systole::controller {

namespace {

void take_in(Known& known, const NodeJoined& joined) {
  cib::NodeState& node = known.status.nodes[joined.node];
  node.history = joined.history;
  node.transient.clear();
  for (const auto& [name, value] : joined.attributes) {
    if (!value.is_private) node.transient[name] = value.text;
  }
  known.attributes.replace(joined.node, joined.attributes);
}

void forget(cib::NodeState& node, const HistoryForgotten& gone) {
  const auto history = node.history.find(gone.resource);
  if (history == node.history.end()) return;
  if (gone.failures_only) {
    std::erase_if(history->second.entries, [](const auto& entry) { return entry.second.failed(); });
    if (!history->second.entries.empty()) return;
  }
  node.history.erase(history);
}

void add(cib::NodeState& node, const executor::Report& report) {
  const ResourceId& resource = report.result.resource;
  // The end of a monitor tells nothing of the resource: where no history is, it must still be probed.
  if (report.result.operation == "cancel" && !node.history.contains(resource)) return;
  cib::ResourceHistory& history = node.history[resource];
  history.standard = report.standard;
  history.provider = report.provider;
  history.type = report.type;
  cib::record(history, report.result);
}

}  // namespace

void learn(Known& known, const Update& update) {
  std::visit(Overloaded{
                 [&](const NodeChanged& changed) {
                   cib::NodeState& node = known.status.nodes[changed.node];
                   node.uname = changed.node;
                   node.id = changed.id;
                   node.member = changed.member;
                   node.online = changed.online;
                   node.join = changed.join;
                   node.expected = changed.expected;
                 },
                 [&](const NodeJoined& joined) { take_in(known, joined); },
                 [&](const NodeGone& gone) {
                   known.status.nodes[gone.node].transient.clear();
                   known.attributes.forget(gone.node);
                 },
                 [&](const HistoryAdded& added) { add(known.status.nodes[added.node], added.report); },
                 [&](const HistoryForgotten& gone) { forget(known.status.nodes[gone.node], gone); },
                 [&](const AttributeChanged& changed) { static_cast<void>(known.attributes.apply(changed.change)); },
                 [&](const AttributeWritten& written) {
                   cib::Pairs& transient = known.status.nodes[written.node].transient;
                   const attributes::Value* value = known.attributes.find(written.node, written.name);
                   if (value != nullptr && !value->is_private) {
                     transient[written.name] = value->text;
                   } else {
                     transient.erase(written.name);
                   }
                 },
                 [&](const Progress& progress) { known.progress = progress; },
             },
             update);
  if (!std::holds_alternative<Progress>(update)) ++known.num_updates;
}

}  // namespace systole::controller

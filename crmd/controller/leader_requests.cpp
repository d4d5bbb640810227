// SPDX-License-Identifier: GPL-2.0-or-later
// What tools ask of the leader: configuration writes, attributes, cleanup, reasons.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/exit_codes.hpp"
#include "common/base/limits.hpp"
#include "common/base/overloaded.hpp"
#include "common/base/text.hpp"
#include "crmd/controller/leader.hpp"

namespace systole::controller {

void Leader::request(Now now, const Origin& origin, const wire::ipc::Request& wanted) {
  if (!ready_) {
    if (waiting_.size() >= limits::queued_writes_max)
      return reply(origin, exit_code::no_quorum,
                   "the leader is not ready yet and too many requests wait already; try again");
    waiting_.emplace_back(origin, wanted);
    return;
  }
  std::visit(
      Overloaded{
          [&](const wire::ipc::ChangeCib& ask) { change(now, origin, ask.request); },
          [&](const wire::ipc::Cleanup& ask) { cleanup(now, origin, ask); },
          [&](const wire::ipc::Why& ask) { why(origin, ask); },
          // The others are answered by the node that is asked; they never reach a leader.
          [&](const wire::ipc::QueryCib&) { reply(origin, exit_code::usage, "a leader does not answer this request"); },
          [&](const wire::ipc::SetAttribute&) {
            reply(origin, exit_code::usage, "a leader does not answer this request");
          },
          [&](const wire::ipc::QueryAttribute&) {
            reply(origin, exit_code::usage, "a leader does not answer this request");
          },
          [&](const wire::ipc::ConfirmLost&) {
            reply(origin, exit_code::usage, "a leader does not answer this request");
          },
          [&](const wire::ipc::Reexec&) { reply(origin, exit_code::usage, "a leader does not answer this request"); },
          [&](const wire::ipc::Reload&) { reply(origin, exit_code::usage, "a leader does not answer this request"); },
          [&](const wire::ipc::QueryCluster&) {
            reply(origin, exit_code::usage, "a leader does not answer this request");
          },
      },
      wanted);
  proceed(now);
}

void Leader::change(Now now, const Origin& origin, const cib::Request& wanted) {
  if (writes_.size() >= limits::queued_writes_max)
    return reply(origin, exit_code::no_quorum,
                 fmt::format("{} changes wait to be stored already; try again", writes_.size()));
  const cib::Header header{true, std::to_string(config_.membership.self.value), known_.num_updates};
  Result<cib::Changed> result = rules_.apply(replica_.head().document, header, known_.status, wanted, now.epoch_s);
  if (!result) return reply(origin, exit_code_of(result.error()), result.error().what);
  if (result->status) status_replaced(*result->status);
  if (!result->configuration) return reply(origin, exit_code::ok, result->output);
  if (result->document.size() > limits::document_bytes_max) {
    return reply(origin, exit_code::data,
                 fmt::format("the configuration would have {} bytes; the limit is {}", result->document.size(),
                             limits::document_bytes_max));
  }
  replica::Replica::Proposed proposed = replica_.propose(std::move(result->document));
  known_.num_updates = 0;
  if (origin.node) writes_.emplace(proposed.index, PendingWrite{origin, std::move(result->output)});
  for (replica::Effect& effect : proposed.effects) out_.replica.push_back(std::move(effect));
}

/// A tool edited the status section: its transient attributes and removed histories count, all else is ours to say.
void Leader::status_replaced(const cib::Status& wanted) {
  const cib::Status before = known_.status;
  for (const auto& [name, old] : before.nodes) {
    const auto found = wanted.nodes.find(name);
    const cib::NodeState state = found == wanted.nodes.end() ? cib::NodeState{} : found->second;
    for (const auto& [attribute, value] : state.transient) {
      const auto known = old.transient.find(attribute);
      if (known != old.transient.end() && known->second == value) continue;
      publish(AttributeChanged{{name, attribute, value, std::nullopt, false}});
      publish(AttributeWritten{name, attribute});
    }
    for (const auto& [attribute, value] : old.transient) {
      if (state.transient.contains(attribute)) continue;
      publish(AttributeChanged{{name, attribute, std::nullopt, std::nullopt, false}});
      publish(AttributeWritten{name, attribute});
    }
    for (const auto& [resource, history] : old.history) {
      if (state.history.contains(resource)) continue;
      publish(HistoryForgotten{name, resource, false});
      if (const NodeId id = id_of(name); peers_.contains(id)) send(id, Forget{term_, resource, false});
    }
  }
  fruitless_ = 0;
  changed("the status was edited");
}

void Leader::set_attributes(Now now, const std::vector<attributes::Change>& changes) {
  for (const attributes::Change& wanted : changes) {
    if (!id_of(wanted.node)) continue;  // no such node (any more)
    const Result<std::optional<std::string>> after = known_.attributes.apply(wanted);
    if (!after) {
      note(membership::Note::Level::warning, after.error().what + ", ignoring");
      continue;
    }
    attributes::Change absolute = wanted;
    absolute.value = *after;
    publish(AttributeChanged{absolute});
    // News is what the status does not say yet; memory may know it already, when a tool of this node set it.
    const cib::Pairs& written = known_.status.nodes[wanted.node].transient;
    const auto said = written.find(wanted.name);
    const bool same = said == written.end() ? !after->has_value() : *after == said->second;
    if (!wanted.is_private && !same) known_.attributes.schedule_write(now, wanted);
  }
  // What has no dampening is written at once.
  for (const auto& [node, name] : known_.attributes.due(now)) {
    publish(AttributeWritten{node, name});
    fruitless_ = 0;
    changed(fmt::format("attribute {} of {} changed", name, node.value));
  }
}

void Leader::clear_failures(Now now, const NodeName& node, const ResourceId& resource) {
  const attributes::Memory memory = known_.attributes.memory();
  std::vector<attributes::Change> gone;
  if (const auto values = memory.find(node); values != memory.end()) {
    for (const auto& [name, value] : values->second) {
      if (name.starts_with("fail-count-" + resource.value + "#") ||
          name.starts_with("last-failure-" + resource.value + "#")) {
        gone.push_back({node, name, std::nullopt, Duration{}, false});
      }
    }
  }
  set_attributes(now, gone);
  const auto state = known_.status.nodes.find(node);
  if (state == known_.status.nodes.end() || !state->second.history.contains(resource)) return;
  publish(HistoryForgotten{node, resource, true});
  if (const NodeId id = id_of(node); peers_.contains(id)) send(id, Forget{term_, resource, true});
}

void Leader::cleanup(Now now, const Origin& origin, const wire::ipc::Cleanup& wanted) {
  if (!wanted.node.empty() && !id_of(NodeName{wanted.node}))
    return reply(origin, exit_code::no_such, fmt::format("there is no node '{}'", wanted.node));
  std::vector<ResourceId> meant;
  if (configuration_) {
    for (const cib::Primitive* primitive : cib::primitives_of(*configuration_)) {
      const cib::Resource* top = cib::find_top(*configuration_, primitive->id);
      const bool asked = wanted.resource.empty() || primitive->id.value == wanted.resource ||
                         (top != nullptr && cib::id_of(*top).value == wanted.resource);
      if (asked) meant.push_back(primitive->id);
    }
  }
  if (meant.empty() && !wanted.resource.empty())
    return reply(origin, exit_code::no_such, fmt::format("there is no resource '{}'", wanted.resource));
  std::vector<std::string> done;
  for (const auto& [name, state] : std::map(known_.status.nodes)) {
    if (!wanted.node.empty() && name.value != wanted.node) continue;
    for (const ResourceId& resource : meant) clear_failures(now, name, resource);
    done.push_back(name.value);
  }
  fruitless_ = 0;
  changed("failures were cleaned up");
  reply(origin, exit_code::ok,
        fmt::format("Cleaned up {} on {}", wanted.resource.empty() ? "all resources" : wanted.resource,
                    systole::join(done, ", ")));
}

void Leader::why(const Origin& origin, const wire::ipc::Why& wanted) {
  std::string text;
  for (const scheduler::Decision& decision : last_.decisions) {
    const std::string& name = decision.resource.value;
    const std::string plain = name.substr(0, name.find(':'));
    const cib::Resource* top = configuration_ ? cib::find_top(*configuration_, ResourceId{plain}) : nullptr;
    const bool asked = wanted.resource.empty() || name == wanted.resource || plain == wanted.resource ||
                       (top != nullptr && cib::id_of(*top).value == wanted.resource);
    if (!asked) continue;
    text += fmt::format("{}: {}{}: {}\n", name, decision.role,
                        decision.node.empty() ? "" : " on " + decision.node.value, decision.sentence);
  }
  for (const std::string& problem : last_.problems) text += "problem: " + problem + "\n";
  if (!text.empty()) return reply(origin, exit_code::ok, text);
  if (wanted.resource.empty())
    return reply(origin, exit_code::ok, "there are no resources, so there is nothing to decide\n");
  reply(origin, exit_code::no_such,
        fmt::format("no decision is known about '{}': is it a resource of this cluster? ('systole why' lists all)",
                    wanted.resource));
}

}  // namespace systole::controller

// SPDX-License-Identifier: GPL-2.0-or-later
// What tools ask for: answered here where this node knows the answer, else passed on to the leader.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/exit_codes.hpp"
#include "common/base/limits.hpp"
#include "common/base/overloaded.hpp"
#include "crmd/controller/core_impl.hpp"

namespace systole::controller {
namespace {

/// How long a tool's request waits for a leader before it hears that there is none.
constexpr Duration leader_patience = 5s;

std::string mode_name(const membership::Config& config) {
  switch (config.mode) {
    case membership::Mode::majority:
      return std::ranges::any_of(config.nodes, &membership::Member::witness) ? "witness" : "majority";
    case membership::Mode::ping:
      return "ping";
    case membership::Mode::none:
      return "none";
  }
  return "?";
}

wire::ipc::LinkInfo link_info(const membership::LinkView& link) {
  wire::ipc::LinkInfo info;
  info.state = link.state == membership::LinkState::up     ? "up"
               : link.state == membership::LinkState::late ? "late"
                                                           : "dead";
  info.silent_ms = to_ms(link.silent);
  info.lasts_ms = to_ms(link.lasts);
  info.ever_heard = link.ever_heard;
  info.lost = link.lost;
  info.expected = link.expected;
  const auto us = [](Duration time) { return std::chrono::duration_cast<std::chrono::microseconds>(time).count(); };
  if (const auto& trip = link.round_trip)
    info.round_trip = wire::ipc::RoundTripInfo{us(trip->least), us(trip->average), us(trip->most)};
  info.flaps = link.flaps;
  info.carries = link.carries;
  info.trouble = link.trouble;
  return info;
}

}  // namespace

void Core::Impl::ask(Now now, const ClientRequest& request) {
  std::visit(Overloaded{
                 [&](const wire::ipc::QueryCib& query) {
                   const NodeId leading = members.leader();
                   const cib::Header header{members.quorate(), leading ? std::to_string(leading.value) : "",
                                            known.num_updates};
                   out.push_back(ReplyCib{request.client, query, documents.head().document, header, known.status});
                 },
                 [&](const wire::ipc::QueryCluster&) {
                   out.push_back(Reply{request.client, wire::ipc::Reply{0, "", cluster_info(now), {}}});
                 },
                 [&](const wire::ipc::ConfirmLost& lost) { confirm_lost(now, request.client, lost.node); },
                 [&](const wire::ipc::Reexec&) { begin_reexec(now, request.client); },
                 [&](const wire::ipc::SetAttribute& wanted) { set_attribute(request.client, wanted); },
                 [&](const wire::ipc::QueryAttribute& wanted) { get_attribute(request.client, wanted); },
                 [&](const wire::ipc::Reload&) {  // the shell's own
                   reply(request.client, exit_code::usage, "nothing here can be read again");
                 },
                 [&](const auto&) { ask_leader(now, request); },  // ChangeCib, Why, Cleanup
             },
             request.request);
}

void Core::Impl::ask_leader(Now now, const ClientRequest& request) {
  if (asked.size() >= limits::queued_writes_max)
    return reply(request.client, exit_code::no_quorum,
                 fmt::format("{} requests wait for a leader already; try again", asked.size()));
  asked[next_ask++] = Asked{request.client, request.request, request.user, now.at + leader_patience, false};
  pass_on(now, next_ask - 1);
}

/// What waits beside it with the same leader goes on waiting.
void Core::Impl::pass_on(Now now, std::uint64_t id) {
  Asked& one = asked.at(id);
  if (!members.leader()) return;
  one.sent = true;
  one.until = now.at + 60s;
  send(members.leader(), Forward{id, one.request, one.user});
}

void Core::Impl::pass_on_waiting(Now now) {
  for (auto it = asked.begin(); it != asked.end();) {
    Asked& one = it->second;
    const bool write = std::holds_alternative<wire::ipc::ChangeCib>(one.request);
    if (one.sent && write) {  // the leader that had it is gone
      reply(one.client, exit_code::timeout,
            "the leader was lost while it worked on this change: it may or may not take effect; look again");
      it = asked.erase(it);
      continue;
    }
    pass_on(now, it->first);
    ++it;
  }
}

void Core::Impl::expire(Now now) {
  for (auto it = asked.begin(); it != asked.end();) {
    if (it->second.until > now.at) {
      ++it;
      continue;
    }
    const bool sent = it->second.sent;
    reply(it->second.client, sent ? exit_code::timeout : exit_code::no_quorum,
          sent ? "the leader did not answer in time: the change may or may not take effect; look again"
               : fmt::format("no leader: {} of {} nodes are there and none leads (see 'systole status')",
                             members.up().size(), config.membership.nodes.size()));
    it = asked.erase(it);
  }
}

/// A person says that the other node is off. It ends the waiting of a node that is alone; where votes decide, nobody's
/// word can stand for them.
void Core::Impl::confirm_lost(Now now, std::uint64_t client, const std::string& name) {
  const auto& nodes = config.membership.nodes;
  const auto node = std::ranges::find(nodes, name, &membership::Member::name);
  if (node == nodes.end()) return reply(client, exit_code::no_host, fmt::format("there is no node '{}'", name));
  if (node->id == config.membership.self) return reply(client, exit_code::usage, fmt::format("{} is this node", name));
  if (members.up().contains(node->id))
    return reply(client, exit_code::error, fmt::format("{} is heard by this node: it is not lost", name));
  if (config.membership.mode == membership::Mode::majority)
    return reply(client, exit_code::error,
                 fmt::format("in mode {} more than half of the {} nodes must agree, and nobody's word replaces a vote: "
                             "start one of the nodes that are off",
                             mode_name(config.membership), nodes.size()));
  note(membership::Note::Level::warning, fmt::format("a person confirms that node {} is lost", name));
  members.confirm_lost();
  take(now, members.step(now, membership::Tick{}));
  reply(client, exit_code::ok, fmt::format("{} is taken for lost until it is heard again", name));
}

void Core::Impl::set_attribute(std::uint64_t client, const wire::ipc::SetAttribute& wanted) {
  const NodeName node = wanted.node.empty() ? self_name() : NodeName{wanted.node};
  if (std::ranges::find(config.membership.nodes, node.value, &membership::Member::name) ==
      config.membership.nodes.end()) {
    return reply(client, exit_code::no_host, fmt::format("there is no node '{}'", node.value));
  }
  const bool own = node == self_name();
  if (!own && !members.leader())
    return reply(client, exit_code::no_quorum, "no leader: attributes of other nodes cannot be set now");
  std::vector<std::string> names{wanted.name};
  if (wanted.pattern) {
    Result<std::vector<std::string>> found = known.attributes.matching(node, wanted.name);
    if (!found) return reply(client, exit_code_of(found.error()), found.error().what);
    names = std::move(*found);
  }
  std::vector<attributes::Change> changes;
  for (const std::string& name : names)
    changes.push_back({node, name, wanted.value, wanted.dampening, wanted.is_private});
  for (const attributes::Change& change : changes) {
    // A relative value is the leader's to work out, or it would count twice; a plain one is visible here at once.
    const bool relative = change.value && change.value->starts_with("value+");
    if (!own || (relative && members.leader())) continue;
    const auto applied = known.attributes.apply(change);
    if (!applied) return reply(client, exit_code_of(applied.error()), applied.error().what);
  }
  if (members.leader()) send(members.leader(), AttributesWanted{std::move(changes)});
  reply(client, exit_code::ok, "");
}

void Core::Impl::get_attribute(std::uint64_t client, const wire::ipc::QueryAttribute& wanted) {
  wire::ipc::Reply answer;
  const NodeName node = wanted.node.empty() ? self_name() : NodeName{wanted.node};
  for (const auto& [name, values] : known.attributes.memory()) {
    if (!wanted.all_nodes && name != node) continue;
    const auto value = values.find(wanted.name);
    if (value != values.end()) answer.attributes.push_back({wanted.name, name.value, value->second.text});
  }
  if (answer.attributes.empty()) {
    answer.exit_code = exit_code::no_such;
    answer.text =
        fmt::format("attribute '{}' is not set{}", wanted.name, wanted.all_nodes ? "" : " on node " + node.value);
  }
  out.push_back(Reply{client, std::move(answer)});
}

wire::ipc::ClusterInfo Core::Impl::cluster_info(Now now) const {
  wire::ipc::ClusterInfo info;
  info.cluster = config.membership.cluster;
  info.self = self_name().value;
  info.mode = mode_name(config.membership);
  info.term = members.term();
  info.quorate = members.quorate();
  info.settled = known.progress.settled;
  info.configuration = documents.head().stamp;
  info.under_way = known.progress.under_way;
  info.problems = known.progress.problems;
  if (members.forgetful())
    info.problems.push_back(fmt::format(
        "the stored configuration of {} was damaged: it neither votes nor leads until a leader has sent it the "
        "present one; if no sound node can be started: crmd --accept-loss",
        info.self));
  if (lapsed)
    info.problems.push_back(
        fmt::format("{} lost its lease and drops what it ran; it joins again when all is off", info.self));
  const auto& nodes = config.membership.nodes;
  if (const auto lead = std::ranges::find(nodes, members.leader(), &membership::Member::id); lead != nodes.end())
    info.leader = lead->name;
  const auto joined = [&](const std::string& name) {
    const auto state = known.status.nodes.find(NodeName{name});
    return state != known.status.nodes.end() && state->second.online;
  };
  info.lease_ms = std::max<std::int64_t>(to_ms(members.lease_until() - now.at), 0);
  const auto witness = [&](NodeId id) { return std::ranges::find(nodes, id, &membership::Member::id)->witness; };
  const NodeId self = config.membership.self;
  info.nodes.push_back({self.value, info.self, true, joined(info.self), witness(self), {}});
  for (const membership::PeerView& peer : members.peers(now.at)) {
    wire::ipc::NodeInfo node{peer.id.value, peer.name, peer.up, peer.up && joined(peer.name), witness(peer.id), {}};
    for (const membership::LinkView& link : peer.links) node.links.push_back(link_info(link));
    info.nodes.push_back(std::move(node));
  }
  std::ranges::sort(info.nodes, {}, &wire::ipc::NodeInfo::name);
  const membership::Counters& dropped = members.counters();
  info.dropped_packets = {{"foreign_cluster", dropped.foreign_cluster}, {"unknown_node", dropped.unknown_node},
                          {"old_session", dropped.old_session},         {"replayed", dropped.replayed},
                          {"same_node_id", dropped.same_node_id},       {"malformed", dropped.malformed}};
  return info;
}

}  // namespace systole::controller

// SPDX-License-Identifier: GPL-2.0-or-later
// Composition: routes events to the machines and their effects onward. A message to this node itself takes the same way
// as one to another node, only without the network, so that the leader treats its own node like any other.
#include "crmd/controller/core.hpp"
#include "common/base/overloaded.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "common/base/ensure.hpp"
#include "common/base/exit_codes.hpp"
#include "common/base/limits.hpp"
#include "crmd/controller/leader.hpp"
#include "crmd/controller/messages.hpp"

namespace systole::controller {

namespace {

/// How long a tool's request waits for a leader before it hears that there is none.
constexpr Duration leader_patience = 5s;
/// How long a node that shuts down waits for a leader to move its resources before it stops them itself.
constexpr Duration leaving_patience = 10s;
/// After the disk refused the configuration.
constexpr Duration store_again_after = 1s;

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

}  // namespace

struct Core::Impl {
  Impl(Config c, std::uint64_t boot, Vote vote, Stamped stored, std::string first_document, DocumentRules r, Dice d,
       Now now)
      : config(std::move(c)),
        rules(std::move(r)),
        dice(d),
        members(config.membership, boot, vote, stored.stamp, Dice(dice.next()), now),
        documents(config.membership.self, config.membership.nodes.size(), config.membership.mode,
                  stored.document.empty() ? Stamped{stored.stamp, std::move(first_document), {}} : std::move(stored)),
        runner(config.agent_environment),
        next_ask(boot) {}

  struct Asked {  // a request of a tool of this node that a leader must answer
    std::uint64_t client = 0;
    wire::ipc::Request request;
    std::string user;
    Time until{};
    bool sent = false;
  };

  // ---- routing
  void step(Now now, const Event& event);
  void settle(Now now);
  bool pass_outbox(Now now);
  void take(Now now, std::vector<membership::Effect> effects);
  void take(Now now, std::vector<replica::Effect> effects);
  void take(std::vector<executor::Effect> effects);
  void send(NodeId to, Message message);
  void handle(Now now, NodeId from, const Message& message);
  void leader_changed(Now now, const membership::LeaderChanged& changed);
  bool from_leader(NodeId from, Term term) const { return from == members.leader() && term == members.term(); }
  NodeName self_name() const;

  // ---- tools
  void ask(Now now, const ClientRequest& asked);
  void ask_leader(Now now, const ClientRequest& asked);
  void pass_on_waiting(Now now);
  void expire(Now now);
  void confirm_lost(Now now, std::uint64_t client, const std::string& name);
  void set_attribute(std::uint64_t client, const wire::ipc::SetAttribute& wanted);
  void get_attribute(std::uint64_t client, const wire::ipc::QueryAttribute& wanted);
  wire::ipc::ClusterInfo cluster_info(Now now) const;
  void reply(std::uint64_t client, int code, std::string text) {
    out.push_back(Reply{client, wire::ipc::Reply{code, std::move(text), {}, {}}});
  }

  // ---- the lease
  void check_lease(Now now);
  void lapse(std::string why);
  void end_lapse();
  void join(const JoinOffer& offer);
  void tell_guardian();

  // ---- leaving
  void shut_down(Now now);
  void leave_alone(Now now);
  void resign() {
    members.resign();
    flush = true;
  }
  void note(membership::Note::Level level, std::string text) {
    out.push_back(membership::Note{level, std::move(text)});
  }

  Config config;
  DocumentRules rules;
  Dice dice;
  membership::Membership members;
  replica::Replica documents;
  executor::Executor runner;
  Known known;
  std::optional<Leader> leader;
  std::deque<std::pair<NodeId, Message>> loopback;  // messages of this node to itself
  bool flush = false;                               // membership has something to send
  std::map<std::uint64_t, Asked> asked;
  std::uint64_t next_ask;  // begins elsewhere after a restart: an answer for the daemon before must answer nobody now
  Time store_again_at = never;         // after a failed store of the configuration
  std::optional<Time> leave_alone_at;  // shutting down: when to stop waiting for a leader
  // The lease is over: what ran here is being dropped, and until that is done this node has nothing to tell a leader.
  bool lapsed = false, all_dropped = false;
  std::optional<JoinOffer> offer;  // the newest; answered when it comes, and again after a lapse
  Time fed{};                      // what the guardian was told last
  bool leaving = false, stopping_alone = false, ended = false;
  std::vector<Effect> out;
};

NodeName Core::Impl::self_name() const {
  const auto& nodes = config.membership.nodes;
  return NodeName{std::ranges::find(nodes, config.membership.self, &membership::Member::id)->name};
}

void Core::Impl::send(NodeId to, Message message) {
  if (to == config.membership.self) {
    loopback.emplace_back(to, std::move(message));
    return;
  }
  members.send(to, wire::encode(message));
  flush = true;
}

// ---------------------------------------------------------------- effects of the machines

void Core::Impl::take(Now now, std::vector<membership::Effect> effects) {
  for (membership::Effect& effect : effects) {
    std::visit(Overloaded{
                   [&](membership::Transmit& transmit) { out.push_back(std::move(transmit)); },
                   [&](membership::StoreVote& store) { out.push_back(store); },
                   [&](membership::Note& line) { out.push_back(std::move(line)); },
                   [&](const membership::LeaderChanged& changed) { leader_changed(now, changed); },
                   [&](const membership::QuorumChanged&) {},
                   [&](const membership::PeerUp& up) {
                     take(now, documents.members(members.up()));
                     if (leader) leader->peer_up(now, up.peer);
                   },
                   [&](const membership::PeerLost& lost) {
                     // It may be up again by the end of this very step: the replica must see it gone all the same.
                     std::set<NodeId> without = members.up();
                     without.erase(lost.peer);
                     take(now, documents.members(without));
                     if (leader) leader->peer_lost(now, lost.peer, lost.reason, lost.released);
                   },
                   [&](const membership::Deliver& delivered) {
                     if (const auto message = wire::decode<Message>(delivered.message)) {
                       handle(now, delivered.from, *message);
                     } else {
                       note(membership::Note::Level::warning,
                            fmt::format("a message of node {} cannot be read (another version?), ignoring",
                                        delivered.from.value));
                     }
                   },
               },
               effect);
  }
}

void Core::Impl::take(Now now, std::vector<replica::Effect> effects) {
  for (replica::Effect& effect : effects) {
    std::visit(Overloaded{
                   [&](replica::Store& store) { out.push_back(StoreDocument{std::move(store.document)}); },
                   [&](replica::Send& message) { send(message.to, std::move(message.message)); },
                   [&](const replica::Ready&) {
                     if (leader) leader->ready(now);
                   },
                   [&](const replica::Committed& committed) {
                     if (leader) leader->committed(now, committed.index);
                   },
                   [&](const replica::Adopted&) { known.num_updates = 0; },
                   [&](replica::Aside& aside) {
                     out.push_back(KeepAside{std::move(aside.document), std::move(aside.reason)});
                   },
                   [&](const replica::Dropped& dropped) {
                     if (leader) leader->dropped(dropped.after_index);
                   },
               },
               effect);
  }
}

void Core::Impl::take(std::vector<executor::Effect> effects) {
  for (executor::Effect& effect : effects) {
    std::visit(Overloaded{
                   [&](executor::RunAgent& run) {
                     run.environment["SYSTOLE_RUNDIR"] = config.run_directory;
                     run.environment["OCF_RESKEY_CRM_meta_on_node"] = self_name().value;
                     out.push_back(std::move(run));
                   },
                   [&](const executor::KillAgent& kill) { out.push_back(kill); },
                   [&](executor::Report& report) {
                     if (members.leader()) send(members.leader(), ResultOf{std::move(report)});
                   },
               },
               effect);
  }
}

void Core::Impl::leader_changed(Now now, const membership::LeaderChanged& changed) {
  if (leader) {
    leader->dropped(0);
    pass_outbox(now);
    leader.reset();
  }
  known.progress = {};
  offer.reset();
  if (changed.leader == config.membership.self) {
    std::map<NodeId, Time> released;
    for (const membership::Member& node : config.membership.nodes) released[node.id] = members.released_at(node.id);
    leader.emplace(config, changed.term, known, documents, rules, dice);
    leader->begin(now, members.up(), released);
    take(now, documents.lead(changed.term, members.up()));
  } else {
    take(now, documents.follow(changed.term, changed.leader));
  }
  pass_on_waiting(now);
}

// ---------------------------------------------------------------- messages between nodes

void Core::Impl::handle(Now now, NodeId from, const Message& message) {
  std::visit(
      Overloaded{
          [&](const JoinOffer& wanted) {
            if (!from_leader(from, wanted.term)) return;
            offer = wanted;
            if (!lapsed) join(wanted);
          },
          [&](const Welcome& welcome) {
            if (!from_leader(from, welcome.term)) return;
            known.status = welcome.status;
            known.attributes.replace(welcome.memory);
            known.num_updates = welcome.num_updates;
          },
          [&](const OrderTo& order) {
            if (!from_leader(from, order.term) || lapsed) return;
            const bool begins = order.order.operation == "start" || order.order.operation == "promote";
            if (begins && now.at >= members.lease_until())
              return lapse(fmt::format("{} of {} was ordered", order.order.operation, order.order.resource.value));
            take(runner.order(now, order.order));
          },
          [&](const Updates& updates) {
            if (!from_leader(from, updates.term)) return;
            for (const Update& update : updates.list) learn(known, update);
          },
          [&](const Forget& forget) {
            if (!from_leader(from, forget.term)) return;
            forget.failures_only ? runner.forget_failures(forget.resource) : runner.forget(forget.resource);
          },
          [&](const Forward& forward) {
            if (leader) return leader->request(now, Origin{from, forward.id, forward.user}, forward.request);
            send(from,
                 Forwarded{
                     forward.id,
                     wire::ipc::Reply{
                         exit_code::no_quorum, "the node that was asked does not lead any more; try again", {}, {}}});
          },
          [&](const Forwarded& answer) {
            const auto waiting = asked.find(answer.id);
            if (waiting == asked.end()) return;
            out.push_back(Reply{waiting->second.client, answer.reply});
            asked.erase(waiting);
          },
          [&](const MayLeave& leave) {
            if (!from_leader(from, leave.term) || !leaving || ended) return;
            ended = true;
            if (leader) resign();
            out.push_back(Ended{"all resources have left this node"});
          },
          [&](const replica::Message& inner) {
            take(now, documents.message(from, inner));
            members.set_document(documents.stored_stamp());  // it may be on disk already
          },
          [&](const auto& for_the_leader) {  // JoinRequest, ResultOf, AttributesWanted, Leaving
            if (leader) leader->message(now, from, Message{for_the_leader});
          },
      },
      message);
}

bool Core::Impl::pass_outbox(Now now) {
  if (!leader) return false;
  Outbox box = leader->take_outbox();
  const bool any = !box.messages.empty() || !box.replies.empty() || !box.replica.empty() || !box.notes.empty();
  for (membership::Note& line : box.notes) out.push_back(std::move(line));
  for (auto& [to, message] : box.messages) send(to, std::move(message));
  for (auto& [origin, answer] : box.replies) {
    if (origin.node) send(origin.node, Forwarded{origin.id, std::move(answer)});
  }
  take(now, std::move(box.replica));
  for (const auto& [peer, yes] : box.grants) members.grant(peer, yes);
  if (box.resign) resign();
  return any;
}

/// Passes on what the machines left for each other until nothing is left.
void Core::Impl::settle(Now now) {
  for (bool progress = true; progress;) {
    progress = pass_outbox(now);
    while (!loopback.empty()) {
      const auto [from, message] = std::move(loopback.front());
      loopback.pop_front();
      handle(now, from, message);
      progress = true;
    }
    if (std::exchange(flush, false)) {
      take(now, members.step(now, membership::Tick{}));
      progress = true;
    }
  }
}

// ---------------------------------------------------------------- events

void Core::Impl::step(Now now, const Event& event) {
  // Time first. A daemon that was stopped for a while must notice whom it has lost, and that it leads no more, before
  // it believes what waited in its sockets or goes on with a transition.
  const bool ticks = std::holds_alternative<membership::Tick>(event);
  check_lease(now);
  if (!ticks && now.at >= members.next_deadline()) take(now, members.step(now, membership::Tick{}));
  std::visit(Overloaded{
                 [&](const membership::Tick& tick) {
                   take(now, members.step(now, tick));
                   take(runner.tick(now));
                   if (leader) leader->tick(now);
                   if (now.at >= store_again_at) {
                     store_again_at = never;
                     take(now, documents.retry());
                   }
                   expire(now);
                   if (leaving && !ended) leave_alone(now);
                 },
                 [&](const membership::PacketIn& packet) { take(now, members.step(now, packet)); },
                 [&](const membership::VoteStored& vote) { take(now, members.step(now, vote)); },
                 [&](const membership::PingAnswered& answer) { take(now, members.step(now, answer)); },
                 [&](const DocumentStored& stored) {
                   take(now, documents.stored(stored.stamp));
                   members.set_document(documents.stored_stamp());
                 },
                 [&](const DocumentStoreFailed& failed) {
                   note(membership::Note::Level::warning,
                        fmt::format("the configuration could not be stored: {}; trying again in {}", failed.reason,
                                    to_text(store_again_after)));
                   const bool led = members.leads();
                   take(now, documents.store_failed(failed.stamp));
                   store_again_at = now.at + store_again_after;
                   if (led) resign();
                 },
                 [&](const AgentDone& done) {
                   take(runner.done(now, done.call, done.outcome));
                   end_lapse();
                   if (leaving && !ended) leave_alone(now);
                 },
                 [&](Inherited inherited) { runner.holdings().inherit(std::move(inherited.held)); },
                 [&](const Dropped& dropped) {
                   lapse("the guardian says so");
                   all_dropped = true;
                   note(membership::Note::Level::warning, dropped.what);
                   end_lapse();
                 },
                 [&](const ClientRequest& request) { ask(now, request); },
                 [&](const Shutdown&) { shut_down(now); },
             },
             event);
  settle(now);
  tell_guardian();
}

// ---------------------------------------------------------------- the lease

void Core::Impl::join(const JoinOffer& to) {
  const auto& memory = known.attributes.memory();
  const auto own = memory.find(self_name());
  send(to.term.node,
       JoinRequest{to.term, to.number, runner.history(), own == memory.end() ? attributes::OfNode{} : own->second,
                   runner.in_flight(), leaving});
}

void Core::Impl::check_lease(Now now) {
  if (lapsed || runner.holdings().empty() || now.at < members.lease_until()) return;
  lapse("nobody renewed it in time");
}

/// Somebody else may run by now what this node ran. The guardian drops it; here nothing is begun any more, and nothing
/// that was known of the resources is true any longer.
void Core::Impl::lapse(std::string why) {
  if (lapsed) return;
  lapsed = true;
  all_dropped = runner.holdings().empty();
  note(membership::Note::Level::warning, fmt::format("this node's lease is over ({}): {}", why,
                                                     all_dropped ? "it runs nothing" : "what it runs is dropped"));
  take(runner.forget_everything());
  known.attributes.forget(self_name());
  end_lapse();
}

void Core::Impl::end_lapse() {
  if (!lapsed || !all_dropped || !runner.idle()) return;
  lapsed = false;
  runner.holdings().clear();
  note(membership::Note::Level::notice, "what this node ran is off; it joins again with nothing");
  if (offer && from_leader(offer->term.node, offer->term)) join(*offer);
}

/// Before the effects of this step, because they may run agents. While something is being dropped the guardian must not
/// take a new lease for a renewal of the old one.
void Core::Impl::tell_guardian() {
  if (runner.holdings().take_changed()) out.insert(out.begin(), Hold{runner.holdings().list()});
  const Time until = members.lease_until();
  if (until > fed && !(lapsed && !all_dropped)) {
    fed = until;
    out.insert(out.begin(), Feed{until});
  }
}

// ---------------------------------------------------------------- leaving

void Core::Impl::shut_down(Now now) {
  if (leaving) return;
  leaving = true;
  leave_alone_at = now.at + leaving_patience;
  note(membership::Note::Level::notice, "shutting down: resources leave this node first");
  if (members.leader()) send(members.leader(), Leaving{});
}

/// Without a leader nobody will move the resources: after a while they are stopped here, so that none is left
/// unmanaged.
void Core::Impl::leave_alone(Now now) {
  if (members.leader() && !stopping_alone) {
    leave_alone_at = now.at + leaving_patience;
    return;
  }
  if (!stopping_alone && now.at >= *leave_alone_at) {
    stopping_alone = true;
    note(membership::Note::Level::warning, "no leader answers: stopping the resources of this node without one");
    take(runner.stop_everything(now));
  }
  if (stopping_alone && runner.idle()) {
    ended = true;
    out.push_back(Ended{"left without a leader"});
  }
}

// ---------------------------------------------------------------- tools

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
                 [&](const wire::ipc::SetAttribute& wanted) { set_attribute(request.client, wanted); },
                 [&](const wire::ipc::QueryAttribute& wanted) { get_attribute(request.client, wanted); },
                 [&](const auto&) { ask_leader(now, request); },  // ChangeCib, Why, Cleanup
             },
             request.request);
}

void Core::Impl::ask_leader(Now now, const ClientRequest& request) {
  if (asked.size() >= limits::queued_writes_max)
    return reply(request.client, exit_code::no_quorum,
                 fmt::format("{} requests wait for a leader already; try again", asked.size()));
  asked[next_ask++] = Asked{request.client, request.request, request.user, now.at + leader_patience, false};
  pass_on_waiting(now);
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
    if (members.leader()) {
      one.sent = true;
      one.until = now.at + 60s;
      send(members.leader(), Forward{it->first, one.request, one.user});
    }
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

/// A person says that the other node is off. It ends the waiting of a node that is alone; where votes decide, nobody's word
/// can stand for them.
void Core::Impl::confirm_lost(Now now, std::uint64_t client, const std::string& name) {
  const auto& nodes = config.membership.nodes;
  const auto node = std::ranges::find(nodes, name, &membership::Member::name);
  if (node == nodes.end()) return reply(client, exit_code::no_host, fmt::format("there is no node '{}'", name));
  if (node->id == config.membership.self)
    return reply(client, exit_code::usage, fmt::format("{} is this node", name));
  if (members.up().contains(node->id))
    return reply(client, exit_code::error, fmt::format("{} is heard by this node: it is not lost", name));
  if (config.membership.mode == membership::Mode::majority)
    return reply(client, exit_code::error,
                 fmt::format("in mode {} more than half of the {} nodes must agree, and nobody's word replaces a vote: start "
                             "one of the nodes that are off",
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
    for (const membership::LinkView& link : peer.links) {
      const char* state = link.state == membership::LinkState::up     ? "up"
                          : link.state == membership::LinkState::late ? "late"
                                                                      : "dead";
      node.links.push_back({state, to_ms(link.silent)});
    }
    info.nodes.push_back(std::move(node));
  }
  std::ranges::sort(info.nodes, {}, &wire::ipc::NodeInfo::name);
  const membership::Counters& dropped = members.counters();
  info.dropped_packets = {{"foreign_cluster", dropped.foreign_cluster}, {"unknown_node", dropped.unknown_node},
                          {"old_session", dropped.old_session},         {"replayed", dropped.replayed},
                          {"same_node_id", dropped.same_node_id},       {"malformed", dropped.malformed}};
  return info;
}

// ---------------------------------------------------------------- the door

Core::Core(Config config, std::uint64_t boot_id, Vote vote, Stamped stored, std::string first_document,
           DocumentRules rules, Dice dice, Now now)
    : impl_(std::make_unique<Impl>(std::move(config), boot_id, vote, std::move(stored), std::move(first_document),
                                   std::move(rules), dice, now)) {}
Core::~Core() = default;
Core::Core(Core&&) noexcept = default;

std::vector<Effect> Core::step(Now now, const Event& event) {
  impl_->step(now, event);
  return std::exchange(impl_->out, {});
}

Time Core::next_deadline() const {
  Time soonest = std::min({impl_->members.next_deadline(), impl_->runner.next_deadline(), impl_->store_again_at});
  if (impl_->leader) soonest = std::min(soonest, impl_->leader->next_deadline());
  if (!impl_->lapsed && !impl_->runner.holdings().empty()) soonest = std::min(soonest, impl_->members.lease_until());
  for (const auto& [id, one] : impl_->asked) soonest = std::min(soonest, one.until);
  if (impl_->leave_alone_at && !impl_->ended && !impl_->stopping_alone)
    soonest = std::min(soonest, *impl_->leave_alone_at);
  return soonest;
}

const membership::Membership& Core::membership() const {
  return impl_->members;
}
const replica::Replica& Core::replica() const {
  return impl_->documents;
}
const executor::Executor& Core::executor() const {
  return impl_->runner;
}
const cib::Status& Core::status() const {
  return impl_->known.status;
}
bool Core::settled() const {
  return impl_->leader && impl_->leader->settled();
}

}  // namespace systole::controller

// SPDX-License-Identifier: GPL-2.0-or-later
// Composition: routes events to the machines and their effects onward. A message to this node itself takes the same way
// as one to another node, only without the network, so that the leader treats its own node like any other.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/ensure.hpp"
#include "common/base/exit_codes.hpp"
#include "common/base/overloaded.hpp"
#include "crmd/controller/core_impl.hpp"

namespace systole::controller {

namespace {

/// After the disk refused the configuration.
constexpr Duration store_again_after = 1s;

}  // namespace

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
                     if (reexec) reexec->asked.reset();
                     take(now, documents.members(members.up()));
                     if (leader) leader->peer_up(now, up.peer);
                   },
                   [&](const membership::PeerLost& lost) {
                     if (reexec) reexec->asked.reset();
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
  const auto add_whereabouts = [this](executor::RunAgent& run) {
    run.environment["SYSTOLE_RUNDIR"] = config.run_directory;
    run.environment["OCF_RESKEY_CRM_meta_on_node"] = self_name().value;
  };
  for (executor::Effect& effect : effects) {
    std::visit(Overloaded{
                   [&](executor::RunAgent& run) {
                     add_whereabouts(run);
                     out.push_back(std::move(run));
                   },
                   [&](executor::BeginWatch& watch) {
                     add_whereabouts(watch.run);
                     out.push_back(std::move(watch));
                   },
                   [&](const executor::KillAgent& kill) { out.push_back(kill); },
                   [&](const executor::EndWatch& end) { out.push_back(end); },
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
  if (reexec) reexec->asked.reset();
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
              return lapse(now, fmt::format("{} of {} was ordered", order.order.operation, order.order.resource.value));
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
          [&](const Expelled& expelled) {
            if (from_leader(from, expelled.term)) lapse(now, "the leader gave this node up: it " + expelled.reason);
          },
          [&](const HoldMe& wish) {
            members.hold(now, from);
            send(from, Holding{wish.number, members.term()});
          },
          [&](const Holding& promise) { held_by(from, promise); },
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
                   if (leaving && !ended) leave_alone(now);
                 },
                 [&](const WatchEnded& watch) { take(runner.watch_ended(now, watch.call, watch.offered)); },
                 [&](Inherited inherited) {
                   inherited_until = inherited.until;
                   runner.holdings().inherit(std::move(inherited.held));
                 },
                 [&](const Dropped& dropped) {
                   lapse(now, "the guardian says so");
                   all_dropped = true;
                   note(membership::Note::Level::warning, dropped.what);
                 },
                 [&](const ClientRequest& request) { ask(now, request); },
                 [&](const Reconfigure& wanted) { reconfigure(now, wanted.nodes); },
                 [&](const Shutdown&) { shut_down(now); },
             },
             event);
  end_lapse(now);
  if (leader) leader->confirmed(now, members.confirmed_at());
  settle(now);
  look_at_reexec(now);
  tell_guardian();
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
  if (!impl_->lapsed && !impl_->runner.holdings().empty()) soonest = std::min(soonest, impl_->lease_until());
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

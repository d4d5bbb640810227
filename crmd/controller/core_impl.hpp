// SPDX-License-Identifier: GPL-2.0-or-later
// What a core is made of; its parts are in core.cpp (routing), core_lease.cpp and core_requests.cpp (tools).
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "crmd/controller/core.hpp"
#include "crmd/controller/leader.hpp"
#include "crmd/controller/messages.hpp"

namespace systole::controller {

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
  void pass_on(Now now, std::uint64_t id);
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
  void lapse(Now now, std::string why);
  void end_lapse(Now now);
  void join(const JoinOffer& offer);
  void tell_guardian();

  // ---- leaving
  void begin_reexec(Now now, std::uint64_t client);
  void look_at_reexec(Now now);
  bool led_by_another(Now now);
  bool held_by_all(Now now);
  void held_by(NodeId peer, const Holding& promise);
  void reconfigure(Now now, const std::vector<membership::Member>& nodes);
  std::optional<std::string> lags() const;
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
  Time store_again_at = never;  // after a failed store of the configuration
  struct Reexec {
    std::uint64_t client = 0;
    Time begun{};
    // The members are asked to hold this node meanwhile; whatever changes among them makes the question void.
    std::uint64_t number = 0;
    std::optional<Time> asked;
    std::set<NodeId> missing;
  };
  std::optional<Reexec> reexec;
  std::optional<Time> leave_alone_at;  // shutting down: when to stop waiting for a leader
  // The lease is over: what ran here is being dropped, and until that is done this node has nothing to tell a leader.
  bool lapsed = false, all_dropped = false;
  std::optional<JoinOffer> offer;  // the newest; answered when it comes, and again after a lapse
  Time fed{};                      // what the guardian was told last
  Time inherited_until{};          // the lease of an earlier life of this daemon
  Time lease_until() const { return std::max(members.lease_until(), inherited_until); }
  bool leaving = false, stopping_alone = false, ended = false;
  std::vector<Effect> out;
};

}  // namespace systole::controller

// SPDX-License-Identifier: GPL-2.0-or-later
// The leader's loop (Pacemaker's DC): collects what every member knows, decides, has the actions carried out one
// transition at a time, counts failures, and writes the configuration for those who ask. It lives for one term. Pure:
// it leaves what it wants done in an outbox.
//
//   replica ready ─▶ offers ─▶ all members joined ─▶ schedule ─▶ run ─▶ (results, events) ─▶ schedule … ─▶ settled
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/dice.hpp"
#include "crmd/controller/core.hpp"
#include "crmd/controller/messages.hpp"
#include "crmd/controller/run.hpp"

namespace systole::controller {

/// Who asked: a tool of this node, or one of another node that passed it on.
struct Origin {
  NodeId node;           // where the tool is connected
  std::uint64_t id = 0;  // client number there
  std::string user;
};

/// What the leader wants done by its surroundings.
struct Outbox {
  std::vector<std::pair<NodeId, Message>> messages;
  std::vector<std::pair<Origin, wire::ipc::Reply>> replies;
  std::vector<replica::Effect> replica;
  std::vector<membership::Note> notes;
  std::vector<std::pair<NodeId, bool>> grants;  // whose lease is renewed no more, or again
  bool resign = false;
};

class Leader {
 public:
  /// References stay valid as long as the leader lives: the core owns both.
  Leader(const Config& config, Term term, Known& known, replica::Replica& replica, const DocumentRules& rules,
         Dice& dice);

  // ---- what happens
  /// At the start of the term. released: for those who are not up, from when on they run nothing any more.
  void begin(Now now, const std::set<NodeId>& up, const std::map<NodeId, Time>& released);
  void ready(Now now);  // the document is committed under this term
  void committed(Now now, std::uint64_t index);
  void dropped(std::uint64_t after_index);
  /// The configuration's list of nodes changed. released: from when on those that are not up run nothing.
  void reconfigured(Now now, const std::map<NodeId, Time>& released);
  void peer_up(Now now, NodeId peer);
  void peer_lost(Now now, NodeId peer, const std::string& reason, Time released);
  /// A majority has confirmed that this node leads, by a packet of that time.
  void confirmed(Now now, Time sent);
  void message(Now now, NodeId from, const Message& message);
  void request(Now now, const Origin& origin, const wire::ipc::Request& request);
  void tick(Now now);
  Time next_deadline() const;
  Outbox take_outbox() { return std::exchange(out_, {}); }

  /// Nothing is left to do. A witness still has its lead to give away while a node that runs something is there.
  bool settled() const;

 private:
  struct Peer {
    bool joined = false;
    bool leaving = false;
    Time offered = never;     // when the last offer went out
    std::uint64_t offer = 0;  // its number
    Time released = never;    // it was expelled: its lease is renewed no more, and is over then
    bool empty = false;       // and that was noticed
    // Since when it has this document to store and has not said that it did.
    std::uint64_t behind = 0;
    Time behind_since = never;
    bool forsaken = false;              // for store_timeout: it is nobody until it has stored the newest
    std::set<std::uint64_t> in_flight;  // results of an earlier leader's orders that are still to come
  };

  // leader.cpp: members, status, transitions
  const membership::Member& member(NodeId id) const;
  bool runs_nothing(NodeId id) const { return member(id).witness; }
  void expel(Now now, NodeId id, const std::string& reason);
  void look_at_joins(Now now);
  void look_at_stores(Now now);
  void does_not_store(Now now, NodeId id, Peer& peer);
  std::vector<std::string> problems() const;
  void forget_orders(const NodeName& name);
  void step_back_as_witness();
  NodeName name_of(NodeId id) const;
  NodeId id_of(const NodeName& name) const;
  void offer(Now now, NodeId peer);
  void forget_removed();
  void join(Now now, NodeId from, const JoinRequest& request);
  void result(Now now, NodeId from, const executor::Report& report);
  void count_failure(Now now, const NodeName& node, const executor::Report& report);
  void publish(Update update);
  void send(NodeId to, Message message) { out_.messages.emplace_back(to, std::move(message)); }
  void note(membership::Note::Level level, std::string text) { out_.notes.push_back({level, std::move(text)}); }
  void changed(std::string why);
  void proceed(Now now);
  bool may_schedule(Now now) const;
  cib::Status status_for_decisions() const;
  void schedule(Now now);
  void dispatch(Now now);
  void carry_out(Now now, const scheduler::Action& action);
  executor::Order order_of(const scheduler::Action& action);
  void finish_run();
  void let_go(Now now);
  void show_progress(Now now);
  void configuration_committed();
  void ensure_nodes_are_configured(Now now);

  // leader_requests.cpp: tools
  void change(Now now, const Origin& origin, const cib::Request& request);
  void status_replaced(const cib::Status& wanted);
  void set_attributes(Now now, const std::vector<attributes::Change>& changes);
  void cleanup(Now now, const Origin& origin, const wire::ipc::Cleanup& request);
  void why(const Origin& origin, const wire::ipc::Why& request);
  void clear_failures(Now now, const NodeName& node, const ResourceId& resource);
  void reply(const Origin& origin, int exit_code, std::string text) {
    out_.replies.emplace_back(origin, wire::ipc::Reply{exit_code, std::move(text), {}, {}});
  }

  const Config& config_;
  const Term term_;
  Known& known_;
  replica::Replica& replica_;
  const DocumentRules& rules_;
  Outbox out_;
  std::map<NodeId, Peer> peers_;  // those that are up, self included
  Time confirmed_{};
  std::map<NodeId, Time> unreleased_;  // those that are not, and may run something until then
  std::uint64_t offers_ = 0;
  bool ready_ = false;
  bool settled_ = false;
  std::optional<cib::Configuration> configuration_;  // of the newest committed document
  std::string dirty_;                                // why a new decision is due; empty: none is
  std::optional<Run> run_;
  std::map<std::uint64_t, int> orders_;  // order id → action of run_
  std::uint64_t next_order_ = 0;
  std::uint64_t transition_number_ = 0;
  std::string uuid_;
  scheduler::Transition last_;   // for `why`, and its problems
  std::optional<Time> recheck_;  // when time alone may change the decision
  Time begun_at_ = never;
  Time looked_at_{};        // when it was last considered whether a decision is due
  unsigned fruitless_ = 0;  // transitions in a row without news from outside: a guard against loops
  Time not_before_ = Time::min();
  std::deque<std::pair<Origin, wire::ipc::Request>> waiting_;  // requests that came before this leader was ready
  struct PendingWrite {
    Origin origin;
    std::string output;
  };
  std::multimap<std::uint64_t, PendingWrite> writes_;  // by document index
};

}  // namespace systole::controller

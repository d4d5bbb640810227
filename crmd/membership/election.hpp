// SPDX-License-Identifier: GPL-2.0-or-later
// Who leads. Raft's election with its later additions (pre-vote, check-quorum, sticky leader), and for two nodes
// without tie-break the solo term. Pure bookkeeping over facts that Membership hands in; every decision falls in
// tick(), after all facts of a step are known, so that a peer lost and regained within one step upsets nobody.
//
// What makes two leaders of one term impossible: a node leads term n only with votes of more than half, its own among
// them; it votes once in n; its vote is on disk before it counts or is sent. A candidate may ask before its own vote is
// on disk: it counts itself only after, and a reborn candidate that forgot asking can at most win the same term once.
//
// A damaged store: of a document that was acknowledged, one copy less exists than its leader counted on. Its node keeps
// out of elections until a leader's document is on its disk again, so that who is elected has at least what the others
// keep. Two nodes without tie-break have no others: there the damaged one must not lead alone, but once the whole one
// asks for votes, all that is left is at hand, and the newer of the two documents decides as ever.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/dice.hpp"
#include "common/base/ids.hpp"
#include "common/base/term.hpp"
#include "common/base/time.hpp"
#include "common/wire/packet.hpp"
#include "crmd/membership/membership.hpp"

namespace systole::membership {

class Election {
 public:
  Election(const Config& config, Vote stored, Stamp document, Dice dice, Time now);

  // ---- facts
  /// Another list of nodes holds: from now on votes are counted against it.
  void reconfigure(const Config& config);
  void peer_up(NodeId peer);
  void peer_lost(NodeId peer);
  /// Term and role of a peer's newest packet; overtaken ones say nothing about the present.
  void heard(Time now, NodeId peer, Term term, wire::Role role);
  void ballot(Time now, NodeId from, const wire::Ballot& ballot);
  void vote_stored(Vote vote);
  void document(Stamp stored);
  void resign();
  /// Until when this leader's lease of the present term lasts.
  void authority(Time until) { authority_ = until; }
  void ping_answered(const PingAnswered& answer);
  /// The peer's daemon begins again: until then no vote for anybody who does not hold it, too.
  void hold(NodeId peer, Time until) { held_[peer] = until; }
  void confirm_lost() { confirmed_ = true; }
  /// Leading: this node has turned away from us, or not.
  void deserted_by(NodeId peer, bool yes) {
    if (yes)
      deserters_.insert(peer);
    else
      deserters_.erase(peer);
  }

  /// Decides what the facts call for.
  void tick(Time now);
  Time next_deadline() const;

  // ---- what follows from it
  Term term() const { return {vote_.number, leader_}; }
  wire::Role role() const;
  bool quorate() const;
  /// This node follows another in this term, or did.
  bool followed_in_term() const;
  /// The store was damaged, and no leader's document has come since.
  bool forgetful() const { return forgetful_; }
  /// The leader of the term before this one, if whoever voted had waited until its lease was over; else none.
  NodeId outlasted() const { return outlasted_; }
  /// The next ballot for this peer, taken out.
  std::optional<wire::Ballot> take_ballot(NodeId peer);
  bool has_ballot(NodeId peer) const;
  /// The vote to be written, taken out.
  std::optional<Vote> take_vote() { return std::exchange(to_store_, std::nullopt); }
  /// Leadership was won or given up: peers should hear it now, not at the next keepalive. Taken out.
  bool take_proclaim() { return std::exchange(proclaim_, false); }
  /// Lines for the log, taken out.
  std::vector<Note> take_notes() { return std::exchange(notes_, {}); }

 private:
  enum class Phase { following, asking, voting, solo, leading };

  bool enough(std::size_t votes) const { return votes >= majority_; }
  bool holds_back() const;
  void ask_for_help(Time now);
  bool two_nodes() const { return mode_ != Mode::majority; }
  bool has_evidence(Time now) const;
  bool alone_allowed(Time now) const;
  Time alone_at() const;
  void check_authority(Time now);
  bool refuses(Time now, const wire::Ballot& ballot) const;
  bool ignores_a_held_one(Time now, const wire::Ballot& ballot) const;
  wire::Ballot request(Time now, wire::Ballot::Kind kind, std::uint64_t number) const;
  void answer(NodeId from, const wire::Ballot& request, bool granted);
  void pre_vote_request(Time now, NodeId from, const wire::Ballot& request);
  void vote_request(Time now, NodeId from, wire::Ballot request);
  bool yields_to(Term theirs);
  void adopt(std::uint64_t number);
  void follow(NodeId leader);
  void campaign(Time now);
  void request_from_rest(Time now);
  void leaderless();
  void set_vote(Vote vote);
  void ask(Time now);
  void request_votes(Time now);
  void take_solo();
  void lead(Time now);
  Duration some(Duration low, Duration high);
  void say(Note::Level level, std::string text) { notes_.push_back({level, std::move(text)}); }

  NodeId self_;
  Mode mode_;
  Duration keepalive_, deadtime_, initdead_;
  Duration lost_after_;  // deadtime and takeover_delay
  Duration lease_;
  bool wait_for_all_, witness_;
  std::size_t nodes_, majority_;
  Vote vote_, durable_;  // what we stand by; what the disk holds of it
  Stamp document_;
  Dice dice_;
  Time started_;
  NodeId leader_;
  Term served_;  // the latest term in which this node led or followed
  Phase phase_ = Phase::following;
  std::set<NodeId> up_, granted_, deserters_;
  bool met_anyone_ = false;
  bool forgetful_;              // the store was damaged, and no leader's document has come since
  bool peer_is_whole_ = false;  // mode none: the other node asked for votes, which a forgetful one does not do first
  Time ask_for_help_at_;
  Time promised_until_;      // whom we followed relies on us until then
  bool all_waited_ = false;  // this candidate and all its voters
  NodeId outlasted_;
  std::map<NodeId, Time> held_;
  Time authority_{}, led_since_{};
  Time target_answered_ = Time::min(), peer_answered_ = Time::min();  // when the requests were sent
  Time target_since_{};                          // since when the target answers without a break of a lease
  bool confirmed_ = false;                       // a person says that the peer is off
  std::optional<wire::Ballot> granted_request_;  // the request for a vote that was granted, but is not yet on disk
  Time campaign_at_ = never;                     // next attempt while nobody leads
  Time ask_again_at_ = never;                    // repeats the requests of a running election
  Time hold_until_ = Time::min();                // after resign(): no campaign of our own before
  bool resigned_ = false;                        // resign() has no time of its own: tick() sets hold_until_
  bool proclaim_ = false;
  std::map<NodeId, std::vector<wire::Ballot>> ballots_;
  std::optional<Vote> to_store_;
  std::vector<Note> notes_;
};

}  // namespace systole::membership

// SPDX-License-Identifier: GPL-2.0-or-later
// The lease: until when this node may keep what it runs, whoever else may have been elected meanwhile.
//
// A node renews it from the time at which it *sent* a packet that those who grant it have surely heard (they echo that
// time), never from what it hears itself: over a cable that carries one way only, hearing proves nothing. Who grants,
// counts the other node as lost no earlier than deadtime + takeover_delay after that packet came. So with
//
//   lease + guard + ladder (+ watchdog) ≤ 0.98 × (deadtime + takeover_delay)
//
// everything is off on this node before anybody starts it elsewhere, if both clocks run at the same rate within 1 %.
//
//   majority  a leader's lease is granted by more than half of the nodes, itself among them: those who follow it in
//             this term. Any other node's by the leader, while that one has authority (a lease of this very term).
//   ping      by the peer, or by the ping target
//             While that leader is silent, by more than half as well: those who have turned away from it (below).
//   none      by nobody: it runs from the last heartbeat, so that what a daemon that dies leaves is off in time
//
// A leader that dies must not take with it what runs on healthy nodes, whose lease it granted and which ends before
// anybody may be elected. So a follower that has not heard its leader for desertion_after() turns away from it: it
// says so, confirms it no more, and its echoes renew the lease of other followers instead, if they come from more than
// half. A leader that counts a node as lost must have been confirmed since, so by one of them before it turned away or
// when what it granted had run out; and nobody takes others' grants while it confirms the leader itself. Whoever is
// elected next has a vote of one of them, given after what that one granted, and waits deadtime + takeover_delay from
// then. A leader that is heard again is confirmed again when what was granted without it has run out. A node whose
// daemon restarts forgets that it turned away: so a leader counts its confirmation at once only where it is back too
// early to have done so. The leader itself is granted nothing by deserters: its successor need not wait for it.
//
// A daemon that begins again is silent for longer than a short lease. So it asks all members first, and each promises
// to count it as lost no earlier than twice (deadtime + takeover_delay) from then, and until then to vote for nobody
// who has not promised it, too. When all have, the lease is longer by 0.98 × (deadtime + takeover_delay), once. A
// member that forgets its promise because its own daemon restarts breaks nothing: it votes deadtime + takeover_delay
// after its start at the earliest, and whom it elects waits as long again for what the leader before may have granted.
#pragma once

#include <map>

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "crmd/membership/membership.hpp"

namespace systole::membership {

/// So long a follower bears the silence of its leader. The lease that it was granted is up to a keepalive older than
/// the leader's last packet, and the others' word has to come before it ends. Zero: the lease is too short for that.
Duration desertion_after(const Config& config);

class Lease {
 public:
  explicit Lease(const Config& config);

  /// Another list of nodes holds; what was granted stays granted.
  void reconfigure(const Config& config);
  /// This node begins to lead a term: no echo of an earlier one gives authority in it.
  void led() { followers_.clear(), authority_ = {}; }
  /// Mode majority: a node that has turned away from the leader of this term, which is not this one, has heard our
  /// packet of that time.
  void deserter_heard(NodeId peer, Time sent);
  /// Another term.
  void term_changed() { deserters_.clear(); }
  /// Mode majority, leading: a node that follows us in this term has heard our packet of that time.
  void follower_heard(NodeId peer, Time sent);
  /// Whoever may grant it alone – the leader, the peer, the ping target – has heard our packet of that time.
  void granted(Time sent);
  /// All members hold this node, and were asked at that time.
  void held(Time asked);
  Duration held_length() const { return held_length_; }
  // Modes and clusters in which nobody else need be asked.
  void tick(Time now);
  void heartbeat(Time sent);

  /// Until when what runs here may run. It never shrinks: each grant was good when it was given.
  Time until() const { return until_; }
  /// Until when a leader may grant leases, and lead.
  Time authority() const { return authority_; }
  /// When the newest packet was sent that a majority has confirmed in this term; zero: none; never: nobody need
  /// confirm.
  Time confirmed() const {
    if (needs_nobody_) return never;
    return authority_ == Time{} ? Time{} : authority_ - length_;
  }

 private:
  bool needs_nobody_ = false;
  Duration length_, held_length_;
  std::size_t others_needed_;  // for a majority, beside this node
  std::map<NodeId, Time> followers_, deserters_;
  Time until_{}, authority_{};
};

}  // namespace systole::membership

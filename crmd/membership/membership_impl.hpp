// SPDX-License-Identifier: GPL-2.0-or-later
// What a membership is made of; its parts are in membership.cpp (sessions, time, what goes out) and
// membership_lease.cpp (whose word renews which lease).
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "crmd/membership/election.hpp"
#include "crmd/membership/lease.hpp"
#include "crmd/membership/membership.hpp"
#include "crmd/membership/peer.hpp"

namespace systole::membership {

struct Membership::Impl {
  Impl(Config&& configuration, std::uint64_t boot_id, Vote stored, Stamp document, Dice chance, Now now);

  std::vector<Effect> step(Now now, const Event& event);
  void packet_in(Time now, const PacketIn& in);
  void complain(Time now, const char* kind, std::string text);
  bool ours(Time now, const PacketIn& in);
  void of_session(Time now, Peer& peer, const wire::Packet& packet, bool newest);
  void echoed(Time now, Peer& peer, const wire::Packet& packet);
  void begin(Time now, Peer& peer, const PacketIn& in);
  void lose(Peer& peer, const std::string& reason, Time released);
  void forgive_own_stall(Time now);
  void expire(Time now);
  void look_at_links(Time now, Peer& peer);
  void reconfigure(Time now, const std::vector<Member>& nodes);
  Peer unheard(const Member& member);
  void announce(Time now);
  void count_silent_nodes();
  Time granted_until(const Peer& peer) const;
  void flush(Time now);
  void flush(Time now, Peer& peer, bool heartbeat);
  void urge(Time now);
  bool hopes_for_echo(const Peer& peer) const;
  Time urge_at(const Session& session) const;
  Duration trusting() const;
  void follower_confirms(Time now, Peer& peer, Time sent);
  void look_for_desertion(const Peer& peer, const wire::Packet& packet);
  bool deserts(Time now, const Peer& peer);
  void desert(Time now);
  Time desert_at() const;
  bool deserted() const { return deserted_term != 0 && deserted_term == election.term().number; }
  void keep_time_with(Time now, const Peer& peer, const wire::Packet& packet);
  void transmit(Time now, Peer& peer, wire::Packet packet);
  wire::Packet blank(Time now) const;
  std::uint64_t fresh_number();
  Peer* find(NodeId id);
  Time next_deadline() const;
  void say(Note::Level level, std::string text) { effects.push_back(Note{level, std::move(text)}); }

  Config config;
  std::uint64_t boot;
  Dice dice;
  Time started;
  Duration lost_after;
  Election election;
  Lease lease;
  std::vector<Peer> peers;
  Counters counters;
  Time keepalive_at;
  Time beat_at{};                   // when the last heartbeat to everybody went out
  Time wake_at;                     // when the last step wanted to be woken: later is our own stall
  Time led_since{};                 // told_term, if it is this node's
  std::uint64_t deserted_term = 0;  // this node has turned away from the leader of that term
  Time confirms_again_at{};         // so long its last grant without a leader may last
  Term told_term;
  bool told_quorate = false;
  std::map<std::string, Time> complained;
  std::vector<Effect> effects;
};

}  // namespace systole::membership

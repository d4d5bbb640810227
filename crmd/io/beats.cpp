// SPDX-License-Identifier: GPL-2.0-or-later
// See beats.hpp.
#include "crmd/io/beats.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace systole::io {

void Beats::give_times(Time now, Peer& peer, wire::Packet& packet) {
  packet.seq = ++peer.seq;
  packet.sent = now.time_since_epoch();
  if (packet.to_session != 0 && peer.has_words && packet.session == peer.words.session &&
      peer.heard_sent >= packet.echo) {
    packet.echo = peer.heard_sent;
    packet.held = now - peer.heard_at;
  }
  peer.sent = now;
  peer.echo = packet.echo;
  peer.held = packet.held;
}

void Beats::stamp(Time now, NodeId to, wire::Packet& packet, Time good_until) {
  Peer& peer = peers_[to];
  if (packet.seq == peer.core_seq && peer.seq != 0) {  // a copy for another link
    packet.seq = peer.seq;
    packet.sent = peer.sent.time_since_epoch();
    packet.echo = peer.echo;
    packet.held = peer.held;
    return;
  }
  peer.core_seq = packet.seq;
  if (packet.urgent) peer.asked = true;
  const bool same_session =
      peer.has_words && packet.session == peer.words.session && packet.to_session == peer.words.to_session;
  if (!same_session && packet.to_session != 0 && packet.echo != Duration{}) {
    peer.heard_sent = packet.echo;
    peer.heard_at = now - packet.held;
  }
  if (packet.to_session != 0 && packet.echo != Duration{}) {
    peer.words = packet;
    peer.words.ballot.reset();
    peer.words.fragments.clear();
    peer.words.urgent = false;
    peer.good_until = good_until;
    peer.has_words = true;
  } else if (!same_session) {
    peer.has_words = false;  // a hello: the core has given the session up
  }
  give_times(now, peer, packet);
}

bool Beats::of_session(const wire::Packet& packet) const {
  const auto known = peers_.find(packet.from);
  if (known == peers_.end() || !known->second.has_words) return false;
  const wire::Packet& words = known->second.words;
  return packet.session == words.to_session && packet.to_session == words.session;
}

void Beats::heard(Time now, const wire::Packet& packet) {
  if (!of_session(packet)) return;
  Peer& peer = peers_.at(packet.from);
  if (packet.sent <= peer.heard_sent) return;
  if (now - peer.heard_at >= times_.lost_after) {
    peer.has_words = false;
    return;
  }
  peer.heard_sent = packet.sent;
  peer.heard_at = now;
}

bool Beats::is_news(Time now, const wire::Packet& packet) {
  if (!times_.patient || !of_session(packet) || packet.ballot || packet.urgent || !packet.fragments.empty())
    return true;
  Peer& peer = peers_.at(packet.from);
  const bool leads_anew = packet.role == wire::Role::leader && packet.sent > peer.led_known;
  if (leads_anew) peer.led_known = packet.sent;
  const bool answers = std::exchange(peer.asked, false);
  const auto lasting = [](const wire::Packet& p) {
    return std::tie(p.boot, p.session, p.to_session, p.term, p.role, p.grants, p.deserts, p.ack);
  };
  if (lasting(peer.known) == lasting(packet)) return leads_anew || answers || now >= fed_ + late();
  peer.known = packet;
  return true;
}

bool Beats::speaks_for(const Peer& peer, Time now) const {
  return peer.has_words && now < peer.good_until && now < fed_ + times_.silent_after &&
         now < peer.heard_at + times_.lost_after;
}

std::vector<std::pair<NodeId, wire::Packet>> Beats::overdue(Time now) {
  std::vector<std::pair<NodeId, wire::Packet>> due;
  for (auto& [id, peer] : peers_) {
    if (now < peer.sent + late() || !speaks_for(peer, now)) continue;
    wire::Packet packet = peer.words;
    give_times(now, peer, packet);
    due.emplace_back(id, std::move(packet));
  }
  return due;
}

/// What was due and may not go out any more is no deadline: a pulse that woke for it again and again, before all other
/// threads, would keep the core from ever being fed.
Time Beats::next_deadline(Time now) const {
  Time soonest = never;
  for (const auto& [id, peer] : peers_)
    if (const Time due = std::max(now, peer.sent + late()); speaks_for(peer, due)) soonest = std::min(soonest, due);
  return soonest;
}

}  // namespace systole::io

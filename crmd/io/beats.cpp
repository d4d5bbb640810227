// SPDX-License-Identifier: GPL-2.0-or-later
// See beats.hpp.
#include "crmd/io/beats.hpp"

#include <algorithm>

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

void Beats::heard(Time now, const wire::Packet& packet) {
  const auto known = peers_.find(packet.from);
  if (known == peers_.end() || !known->second.has_words) return;
  Peer& peer = known->second;
  const bool of_session = packet.session == peer.words.to_session && packet.to_session == peer.words.session;
  if (!of_session || packet.sent <= peer.heard_sent) return;
  if (now - peer.heard_at >= times_.lost_after) {
    peer.has_words = false;
    return;
  }
  peer.heard_sent = packet.sent;
  peer.heard_at = now;
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

Time Beats::next_deadline() const {
  Time soonest = never;
  for (const auto& [id, peer] : peers_)
    if (speaks_for(peer, peer.sent + late())) soonest = std::min(soonest, peer.sent + late());
  return soonest;
}

}  // namespace systole::io

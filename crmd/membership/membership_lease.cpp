// SPDX-License-Identifier: GPL-2.0-or-later
// Echoes: whose word renews which lease, who has turned away from whom, and when an echo is asked for. The argument is
// in lease.hpp.
#include "crmd/membership/membership_impl.hpp"

namespace systole::membership {

namespace {

constexpr int lossy_keepalives = 100;  // for so long after an echo was late the cable is not trusted

}  // namespace

/// The peer has heard what we sent at packet.echo: who may grant our lease has granted it from then on.
void Membership::Impl::echoed(Time now, Peer& peer, const wire::Packet& packet) {
  const Time sent{packet.echo};
  if (packet.echo <= Duration::zero() || sent > now) return;
  peer.session->echoed = std::max(peer.session->echoed, sent);
  const Term term = election.term();
  if (config.mode == Mode::ping)
    lease.granted(sent);
  else if (packet.term == term && term.node == config.self && !packet.deserts)
    follower_confirms(now, peer, sent);
  else if (packet.term.number == term.number && packet.deserts && deserted() && election.followed_in_term())
    lease.deserter_heard(peer.id, sent);
  else if (packet.term == term && term.node == peer.id && packet.role == wire::Role::leader && packet.grants)
    lease.granted(sent);
}

/// Not where its daemon may have restarted after it had turned away from us: it would not know. Where the lease is too
/// short for that nobody turns away.
void Membership::Impl::follower_confirms(Time now, Peer& peer, Time sent) {
  Session& session = *peer.session;
  const Duration silence = desertion_after(config);
  const Time deserts = std::max(peer.confirmed, led_since) + silence;
  const bool never_turned_away = silence == Duration::zero() || session.begun <= deserts;
  session.trusted = session.trusted || never_turned_away || now >= session.begun + lost_after;
  if (!session.trusted && config.mode == Mode::majority) return;
  peer.confirmed = std::max(peer.confirmed, sent);
  lease.follower_heard(peer.id, sent);
}

/// It goes both ways: on this node that leads, a follower turns away; on one that has turned away, the leader is back.
void Membership::Impl::look_for_desertion(const Peer& peer, const wire::Packet& packet) {
  const Term term = election.term();
  if (term.node == config.self && packet.term.number == term.number) election.deserted_by(peer.id, packet.deserts);
  if (term.node == peer.id && packet.term == term && packet.role == wire::Role::leader) deserted_term = 0;
}

/// A leader that is back is confirmed again when what was granted without it has run out.
bool Membership::Impl::deserts(Time now, const Peer& peer) {
  if (peer.id == election.term().node) return deserted() || now < confirms_again_at;
  if (deserted()) confirms_again_at = now + lost_after;
  return deserted();
}

Time Membership::Impl::desert_at() const {
  const NodeId leader = election.term().node;
  const Duration silence = desertion_after(config);
  if (!leader || leader == config.self || silence == Duration{} || deserted()) return never;
  const auto peer = std::ranges::find(peers, leader, &Peer::id);
  return peer == peers.end() || !peer->session ? never : peer->session->heard_at + silence;
}

/// All hear of it at once: one of them may be about to let go of what it runs.
void Membership::Impl::desert(Time now) {
  if (now < desert_at()) return;
  deserted_term = election.term().number;
  keepalive_at = std::min(keepalive_at, now);
}

// ---- asking for echoes

/// Whose echo matters to our lease, or to our trust in the cable.
bool Membership::Impl::hopes_for_echo(const Peer& peer) const {
  if (!peer.session) return false;
  const NodeId leader = election.term().node;
  if (config.mode != Mode::majority) return config.mode == Mode::ping;
  return leader == config.self || leader == peer.id || (deserted() && election.followed_in_term());
}

/// An echo comes with the peer's next heartbeat, so up to two keepalives after our packet. One that is later may have
/// been lost: from then on we ask for it, more and more often, so that a bad cable alone ends no lease. Where that
/// happened of late we ask earlier.
Time Membership::Impl::urge_at(const Session& session) const {
  const Duration patience = session.lossy ? std::min(trusting(), config.lease / 2) : trusting();
  return std::max(session.echoed + patience, session.urge_again);
}

/// How old the newest echo may be before the cable is suspect.
Duration Membership::Impl::trusting() const {
  return std::min(config.keepalive * 9 / 4, config.lease * 3 / 4);
}

void Membership::Impl::urge(Time now) {
  const Duration pause = std::max<Duration>(std::min(config.keepalive / 8, config.lease / 16), 1ms);
  for (Peer& peer : peers) {
    if (!hopes_for_echo(peer)) continue;
    Session& session = *peer.session;
    if (now >= session.echoed + trusting()) session.lossy_until = now + lossy_keepalives * config.keepalive;
    session.lossy = now < session.lossy_until;
    if (now < urge_at(session)) continue;
    session.urge_again = now + pause;
    session.answer_due = session.urging = true;
  }
}

}  // namespace systole::membership

// SPDX-License-Identifier: GPL-2.0-or-later
// How a packet is sorted: living session, proof for a new one, hello, or of the past. See peer.hpp for why.
#include "crmd/membership/peer.hpp"

#include <utility>

namespace systole::membership {

Kind Peer::judge(Time now, const wire::Packet& packet, std::size_t link) {
  if (session && packet.to_session == session->mine && packet.session == session->theirs) {
    const Window::Verdict on_link = links[link].window.take(packet.seq);
    if (on_link == Window::Verdict::known) return Kind::replayed;
    heard(now, packet, link, on_link == Window::Verdict::newest);
    switch (session->window.take(packet.seq)) {
      case Window::Verdict::newest:
        return Kind::newest;
      case Window::Verdict::overtaken:
        return Kind::overtaken;
      case Window::Verdict::known:
        return Kind::copy;
    }
  }
  if (packet.to_session == offer_) {
    // A boot id that was replaced and is now proved alive beside its living successor: no restart can do that.
    if (session && earlier_boots_.contains(packet.boot)) return Kind::impostor;
    return Kind::begins;
  }
  if (packet.to_session != 0) return Kind::old_session;
  if (session && packet.session == session->theirs)
    return Kind::hello;  // it has not heard our answer yet: heartbeats do
  if (packet.session != hello_session_) {
    hello_session_ = packet.session;
    hello_window_ = {};
  }
  if (hello_window_.take(packet.seq) == Window::Verdict::newest) hello_answer_due = true;
  return Kind::hello;
}

/// Every copy tells of the link that brought it.
void Peer::heard(Time now, const wire::Packet& packet, std::size_t link, bool newest) {
  LinkHealth& health = links[link].health;
  if (newest) health.heard(now);
  arrivals.came(packet.seq, link, !packet.fragments.empty());
  if (packet.echo > Duration::zero()) health.round_trip(now.time_since_epoch() - packet.echo - packet.held);
}

void Peer::begin(Time now, const wire::Packet& packet, std::size_t link, Session next, std::uint64_t next_offer) {
  const bool same_daemon = last_boot_ == packet.boot;
  if (last_boot_ != 0 && last_boot_ != packet.boot) earlier_boots_.insert(last_boot_);
  earlier_boots_.erase(packet.boot);
  last_boot_ = packet.boot;
  next.mine = offer_;
  next.theirs = packet.session;
  next.boot = packet.boot;
  next.begun = now;
  next.answer_due = true;
  next.echoed = now;  // not a grant: it only says when to begin to ask for one
  session = std::move(next);
  offer_ = next_offer;
  hello_answer_due = false;
  doomed.reset();
  arrivals = {};
  for (Link& each : links) {
    each.window = {};
    each.health.session_begins(now, same_daemon);
  }
  links[link].window.take(packet.seq);
  heard(now, packet, link, true);
  session->window.take(packet.seq);
}

void Peer::end() {
  session.reset();
  doomed.reset();
}

void Peer::address(Time now, wire::Packet& packet, bool hello_answer) {
  packet.to = id;
  packet.sent = now.time_since_epoch();
  packet.seq = ++seq_;
  if (hello_answer) {
    packet.session = offer_;
    packet.to_session = hello_session_;
  } else if (session) {
    packet.session = session->mine;
    packet.to_session = session->theirs;
    packet.echo = session->heard_sent;
    packet.held = now - session->heard_at;
    packet.ack = session->in.ack();
  } else {
    packet.session = offer_;
  }
}

}  // namespace systole::membership

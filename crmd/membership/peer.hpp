// SPDX-License-Identifier: GPL-2.0-or-later
// What this node knows of one other node: its links, the session with it, the stream both ways.
//
// How a session begins. Each side has an offer: the number it will use for the next session. A hello carries the
// sender's offer and proves nothing. Whoever gets one answers with its own offer and the number heard; that answer
// proves to the first side that it is heard now, and its next packet proves the same to the second. A session that
// lives is replaced only by such a proof, never by a hello alone: an old hello played back by somebody cannot tear it
// down.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/base/window.hpp"
#include "common/wire/packet.hpp"
#include "crmd/membership/link_health.hpp"
#include "crmd/membership/stream.hpp"

namespace systole::membership {

struct Session {
  explicit Session(Outgoing stream) : out(std::move(stream)) {}
  std::uint64_t mine = 0, theirs = 0;  // session numbers
  std::uint64_t boot = 0;              // of the peer
  Time lost_at{};                      // when it is lost, if no newer packet comes
  Duration heard_sent{};               // the peer's own time of its newest packet
  Time heard_at{};                     // when that one came
  Time echoed{};                       // when the newest of our packets was sent that the peer has surely heard
  bool grants = true;                  // a leader renews the peer's lease
  Time begun{};
  bool trusted = false;  // its confirmation counts: see lease.hpp on deserters
  Window window;
  Outgoing out;
  Incoming in;
  bool answer_due = false;  // fragments came, the session is new, or the peer is in haste: say so at once
  bool urging = false;      // the next packet asks for an answer at once
  Time urge_again{};        // when to ask once more for an echo that is late
  bool lossy = false;       // an echo was late not long ago
  Time lossy_until{};
};

struct Link {
  LinkHealth health;  // by packets of sessions, since this daemon started
  Window window{};    // in the present session: tells a replayed copy from the one that another link brought
  bool told_dead = false;
};

/// What a packet turned out to be.
enum class Kind {
  hello,        // no proof; answered with our offer
  newest,       // of the living session, above all before it
  overtaken,    // of the living session, not seen before, but later ones were
  copy,         // the same packet came over another link
  replayed,     // seen on this link before, or far too old
  begins,       // proof for our offer: a new session begins with it
  old_session,  // of a session that is over
  impostor,     // two daemons claim this node id
};

class Peer {
 public:
  Peer(NodeId node, std::string node_name, std::size_t link_count, const LinkHealth& unheard, std::uint64_t first_offer)
      : id(node), name(std::move(node_name)), links(link_count, Link{unheard}), offer_(first_offer) {}

  Kind judge(Time now, const wire::Packet& packet, std::size_t link);
  /// After judge() said `begins`: replaces the session. next_offer: fresh, not 0.
  void begin(Time now, const wire::Packet& packet, std::size_t link, Session next, std::uint64_t next_offer);
  /// The offer stays: a hello may have been answered with it already.
  void end();
  /// What was offered before proves nothing any more.
  void offer_anew(std::uint64_t offer) { offer_ = offer; }
  /// Session numbers and sequence for the next packet to this peer. hello_answer: reply to its newest hello.
  void address(Time now, wire::Packet& packet, bool hello_answer);

  NodeId id;
  std::string name;
  std::vector<Link> links;
  Arrivals arrivals;  // in the present session
  std::optional<Session> session;
  bool hello_answer_due = false;
  std::optional<std::string> doomed;  // why the session must end at the next step
  Time released{};                    // no session: from then on it runs nothing any more
  Time held_until{};                  // its daemon begins again: not lost before
  Time confirmed{};                   // the newest of our packets that it confirmed as a follower

 private:
  void heard(Time now, const wire::Packet& packet, std::size_t link, bool newest);

  std::uint64_t offer_;
  std::uint64_t seq_ = 0;            // packets sent to it since our start
  std::uint64_t hello_session_ = 0;  // of its newest hello
  Window hello_window_;
  std::uint64_t last_boot_ = 0;
  std::set<std::uint64_t> earlier_boots_;
};

}  // namespace systole::membership

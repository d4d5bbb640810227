// SPDX-License-Identifier: GPL-2.0-or-later
// What goes out to each peer, and when: the numbers and times of packets are given at the moment of sending, and where
// the core is late with a heartbeat its last one goes out again, so that no long computation looks like death. But only
// for half a deadtime: a core that hangs must fall silent. No threads and no sockets here; the pulse (links.hpp) has
// them.
//
// An echo is a promise: the peer's packet will count as heard at the time at which it was stamped here. So what was
// echoed reaches the core with that time, before the core looks at any later one. And a peer whose packets come again
// after lost_after is a stranger until the core has begun a new session with it.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/wire/packet.hpp"

namespace systole::io {

struct BeatTimes {
  Duration keepalive = 200ms;
  Duration lost_after = 1s;       // deadtime + takeover_delay
  Duration silent_after = 500ms;  // so long after the core's last sign of life nothing is sent for it
  /// A heartbeat that says nothing new need not wake the core, which wakes at its own next one and takes it then. Only
  /// where the lease bears an echo that becomes known so much later. A leader's is news: followers answer it.
  bool patient = false;
};

class Beats {
 public:
  explicit Beats(BeatTimes times) : times_(times) {}

  /// A packet of the core is about to leave; copies of one packet for several links follow each other. good_until: the
  /// last moment at which its words may be said again.
  void stamp(Time now, NodeId to, wire::Packet& packet, Time good_until);
  /// It is of the session that lives, as far as is known here: the core has spoken in it.
  bool of_session(const wire::Packet& packet) const;
  /// A packet came.
  void heard(Time now, const wire::Packet& packet);
  /// The node is no peer any more.
  void forget(NodeId peer) { peers_.erase(peer); }
  /// The core has to see it at once: it says something new, or the core is late and may have missed its own waking. To
  /// be asked once for each packet, after heard().
  bool is_news(Time now, const wire::Packet& packet);
  /// The core is alive.
  void fed(Time now) { fed_ = now; }

  /// Heartbeats in place of those with which the core is late.
  std::vector<std::pair<NodeId, wire::Packet>> overdue(Time now);
  /// When to ask for them again.
  Time next_deadline(Time now) const;

 private:
  struct Peer {
    wire::Packet words;      // the core's last packet of a session, without what may be said only once
    bool has_words = false;  // it has a session
    Time good_until{};
    std::uint64_t core_seq = 0, seq = 0;
    Time sent{};
    Duration echo{}, held{};  // of the newest packet that left
    Duration heard_sent{};    // the peer's time of its newest packet in it
    Time heard_at{};
    wire::Packet known;    // what it said last of all that is not said anew each time
    bool asked = false;    // for an answer at once, which is news
    Duration led_known{};  // the peer's time of its newest heartbeat as a leader that was news
  };
  bool speaks_for(const Peer& peer, Time now) const;
  /// A core that follows waits a quarter of a keepalive for its leader's heartbeat.
  Duration late() const { return times_.keepalive * 3 / 2; }
  void give_times(Time now, Peer& peer, wire::Packet& packet);

  BeatTimes times_;
  Time fed_{};
  std::map<NodeId, Peer> peers_;
};

}  // namespace systole::io

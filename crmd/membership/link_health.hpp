// SPDX-License-Identifier: GPL-2.0-or-later
// How well a link to a peer works: is it heard, how many packets it loses, how long the way there and back takes, and
// whether it comes and goes. Two of these matter to the sender: a dead link carries no messages, nor does one that has
// just come back and may be gone again in a moment, so that the pieces of a message do not bounce between cables. None
// of it matters to liveness: heartbeats knock on every link, and a packet counts whatever link it came over.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "common/base/time.hpp"
#include "crmd/membership/membership.hpp"

namespace systole::membership {

/// Which numbers of a peer's packets came over which of its links. All copies of a packet share one number, so a gap on
/// one link shows by what the others brought, and at the latest by higher numbers. Packets with pieces of messages do
/// not go over every link and are left out.
class Arrivals {
 public:
  /// Numbers that count; and how many of the newest are left out because a slower link may still bring them.
  static constexpr std::uint64_t window = 100, grace = 4;

  void came(std::uint64_t seq, std::size_t link, bool with_fragments);
  struct Loss {
    unsigned lost = 0, expected = 0;
  };
  Loss loss(std::size_t link) const;

 private:
  static constexpr std::uint64_t size = 512;
  struct Number {
    std::uint64_t seq = 0;  // 0: none yet
    std::uint8_t links = 0;
    bool with_fragments = false;
  };
  std::uint64_t first_ = 0, highest_ = 0;
  std::array<Number, size> numbers_{};
};

class LinkHealth {
 public:
  LinkHealth(Duration keepalive, Duration deadtime) : keepalive_(keepalive), deadtime_(deadtime) {}

  /// A packet came over it that is newer than all before.
  void heard(Time now);
  /// A session begins: what fell silent with the peer itself is no fault of the cable. same_daemon: it had not been
  /// restarted, so the cable was to blame all the same, but each of its links alike.
  void session_begins(Time now, bool same_daemon);
  /// How long our packet and the peer's answer were under way: out over the link that was fastest, back over this one.
  void round_trip(Duration took);

  LinkState state(Time now) const;
  /// Pieces of messages may go over it.
  bool carries(Time now) const { return state(now) != LinkState::dead && steady(now); }
  /// After it came back: for how long it must be heard without a pause before it carries messages; zero: it does.
  Duration probation(Time now) const;
  std::optional<Time> heard_at() const { return heard_; }
  unsigned flaps() const { return flaps_; }
  /// started: of this daemon, for a link that was never heard.
  LinkView view(Time now, Time started, Arrivals::Loss loss) const;

 private:
  bool steady(Time now) const { return now >= up_since_ + wait_; }
  Duration late_after() const { return keepalive_ * 5 / 2; }
  void came_back(Time now, Duration had_been_up);
  std::string trouble(Time now, const LinkView& view) const;

  static constexpr std::size_t samples = 100;
  Duration keepalive_, deadtime_;
  std::optional<Time> heard_;
  Time up_since_{};         // heard without a pause since
  Duration wait_{};         // so long it must be up before it carries messages again
  unsigned comebacks_ = 0;  // since it was last steady for long
  unsigned flaps_ = 0;      // since this daemon started
  Time excused_until_{};    // the whole peer was away
  bool other_daemon_ = false;
  std::array<Duration, samples> trips_{};
  std::size_t trips_taken_ = 0;
};

}  // namespace systole::membership

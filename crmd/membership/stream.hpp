// SPDX-License-Identifier: GPL-2.0-or-later
// One direction of a session's stream of messages: cut into fragments, numbered, sent again until acknowledged, put
// together in order on the other side. A window of 64 fragments is under way at most, because an acknowledgement names
// 64 beyond its first gap. Resent after 50 ms (less with short keepalives), doubled each time up to sixteen-fold, or at
// once when three later fragments have arrived. The backlog is bounded: the owner gives the peer up when push() says
// no.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "common/base/time.hpp"
#include "common/wire/packet.hpp"

namespace systole::membership {

class Outgoing {
 public:
  /// piece_bytes: the most bytes that one fragment may carry, so that it fits any packet of this cluster.
  Outgoing(std::size_t piece_bytes, Duration resend_after) : piece_bytes_(piece_bytes), resend_after_(resend_after) {}

  /// false: more than limits::stream_backlog_bytes_max are unacknowledged; nothing was queued.
  bool push(std::string message);
  /// Puts what is due now into the packet as far as it fits. true: something was put in.
  bool fill(Time now, wire::Packet& packet);
  void acknowledged(const wire::Ack& ack);
  /// When fill() has something to say next; Time::min(): at once.
  Time next_deadline() const;
  std::size_t backlog_bytes() const { return backlog_bytes_; }

 private:
  struct Piece {
    wire::Fragment fragment;
    Time due{};
    int sent = 0;
    bool arrived = false;
  };
  bool may_cut() const;
  bool put(Time now, Piece& piece, std::size_t& room, wire::Packet& packet) const;
  Piece cut(std::size_t bytes);

  std::size_t piece_bytes_;
  Duration resend_after_;
  std::deque<std::string> waiting_;  // messages not yet cut completely
  std::size_t cut_bytes_ = 0;        // of the first of them
  std::deque<Piece> under_way_;
  std::uint64_t next_seq_ = 1;
  std::size_t backlog_bytes_ = 0;
};

class Incoming {
 public:
  /// Messages that this fragment completed, in order. Known and far-off fragments are dropped.
  std::vector<std::string> take(wire::Fragment fragment);
  wire::Ack ack() const;
  /// A message grew beyond limits::message_bytes_max: the sender is broken.
  bool overflowed() const { return overflowed_; }

 private:
  std::uint64_t complete_ = 0;  // every fragment up to this one has been taken
  std::map<std::uint64_t, wire::Fragment> early_;
  std::string message_;
  bool overflowed_ = false;
};

}  // namespace systole::membership

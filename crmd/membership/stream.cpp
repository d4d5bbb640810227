// SPDX-License-Identifier: GPL-2.0-or-later
// Fragments out, fragments in. See stream.hpp for the rules.
#include "crmd/membership/stream.hpp"

#include <algorithm>
#include <utility>

#include "common/base/limits.hpp"

namespace systole::membership {

namespace {

constexpr std::uint64_t window = 64;
constexpr int doublings_max = 4;
constexpr std::uint64_t overtaken_by = 3;  // so many later ones arrived: it is lost, not late
constexpr std::size_t worth_cutting = 256;

}  // namespace

bool Outgoing::push(std::string message) {
  if (backlog_bytes_ + message.size() > limits::stream_backlog_bytes_max) return false;
  backlog_bytes_ += message.size();
  waiting_.push_back(std::move(message));
  return true;
}

bool Outgoing::may_cut() const {
  return !waiting_.empty() && (under_way_.empty() || next_seq_ - under_way_.front().fragment.seq < window);
}

Outgoing::Piece Outgoing::cut(std::size_t bytes) {
  std::string& message = waiting_.front();
  Piece piece;
  piece.fragment.seq = next_seq_++;
  piece.fragment.bytes = message.substr(cut_bytes_, bytes);
  cut_bytes_ += piece.fragment.bytes.size();
  piece.fragment.last = cut_bytes_ == message.size();
  if (piece.fragment.last) {
    waiting_.pop_front();
    cut_bytes_ = 0;
  }
  return piece;
}

bool Outgoing::put(Time now, Piece& piece, std::size_t& room, wire::Packet& packet) const {
  const std::size_t needed = wire::fragment_header_bytes + piece.fragment.bytes.size();
  if (needed > room) return false;
  room -= needed;
  piece.due = now + resend_after_ * (1 << std::min(piece.sent, doublings_max));
  ++piece.sent;
  packet.fragments.push_back(piece.fragment);
  return true;
}

bool Outgoing::fill(Time now, wire::Packet& packet) {
  if (next_deadline() > now) return false;
  std::size_t room = wire::fragment_room(packet);
  for (Piece& piece : under_way_) {
    if (!piece.arrived && piece.due <= now && !put(now, piece, room, packet)) return !packet.fragments.empty();
  }
  while (may_cut()) {
    const std::size_t rest = waiting_.front().size() - cut_bytes_;
    const std::size_t most = std::min(rest, piece_bytes_);
    if (room < wire::fragment_header_bytes + std::min(most, worth_cutting)) break;
    under_way_.push_back(cut(std::min(most, room - wire::fragment_header_bytes)));
    put(now, under_way_.back(), room, packet);
  }
  return !packet.fragments.empty();
}

void Outgoing::acknowledged(const wire::Ack& ack) {
  std::uint64_t highest = ack.all;
  for (std::uint64_t i = 0; i < window; ++i)
    if ((ack.further >> i & 1U) != 0) highest = ack.all + 1 + i;
  for (Piece& piece : under_way_) {
    const std::uint64_t seq = piece.fragment.seq;
    const bool arrived = seq <= ack.all || (seq - ack.all <= window && (ack.further >> (seq - ack.all - 1) & 1U) != 0);
    if (arrived && !piece.arrived) {
      piece.arrived = true;
      backlog_bytes_ -= piece.fragment.bytes.size();
      piece.fragment.bytes.clear();
    } else if (!arrived && piece.sent == 1 && seq + overtaken_by <= highest) {
      piece.due = Time::min();
    }
  }
  while (!under_way_.empty() && under_way_.front().arrived) under_way_.pop_front();
}

Time Outgoing::next_deadline() const {
  if (may_cut()) return Time::min();
  Time next = never;
  for (const Piece& piece : under_way_)
    if (!piece.arrived) next = std::min(next, piece.due);
  return next;
}

std::vector<std::string> Incoming::take(wire::Fragment fragment) {
  std::vector<std::string> messages;
  if (fragment.seq <= complete_ || fragment.seq > complete_ + window) return messages;
  const std::uint64_t seq = fragment.seq;
  early_.try_emplace(seq, std::move(fragment));
  for (auto next = early_.begin(); next != early_.end() && next->first == complete_ + 1; next = early_.erase(next)) {
    ++complete_;
    if (message_.size() + next->second.bytes.size() > limits::message_bytes_max) overflowed_ = true;
    if (overflowed_) continue;
    message_ += next->second.bytes;
    if (next->second.last) messages.push_back(std::exchange(message_, {}));
  }
  return messages;
}

wire::Ack Incoming::ack() const {
  wire::Ack ack{.all = complete_, .further = 0};
  for (const auto& [seq, fragment] : early_) ack.further |= std::uint64_t{1} << (seq - complete_ - 1);
  return ack;
}

}  // namespace systole::membership

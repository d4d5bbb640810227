// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes of a packet: one version byte, then the fields by the codec.
#include "common/wire/packet.hpp"

#include <fmt/format.h>

#include "common/wire/codec.hpp"

namespace systole::wire {

namespace {

constexpr std::uint64_t term_number_max = std::uint64_t{1} << 62;  // so that counting on from it never wraps

Error bad(std::string why) {
  return Error{Errc::invalid, "packet refused: " + std::move(why)};
}

/// The codec lets any number into an enum; what nobody of this version sends is refused here, once.
bool named(Role role) {
  switch (role) {
    case Role::follower:
    case Role::candidate:
    case Role::leader:
      return true;
  }
  return false;
}

bool named(Ballot::Kind kind) {
  switch (kind) {
    case Ballot::Kind::pre_vote:
    case Ballot::Kind::pre_vote_reply:
    case Ballot::Kind::vote:
    case Ballot::Kind::vote_reply:
      return true;
  }
  return false;
}

}  // namespace

std::string encode_packet(const Packet& packet) {
  Writer writer;
  writer(packet_version)(packet);
  return writer.take();
}

Result<Packet> decode_packet(std::string_view bytes) {
  if (bytes.empty()) return bad("it is empty");
  if (bytes.size() > plain_packet_bytes_max)
    return bad(fmt::format("{} bytes are more than {}", bytes.size(), plain_packet_bytes_max));
  const auto version = static_cast<std::uint8_t>(bytes.front());
  if (version != packet_version)
    return bad(fmt::format("its version is {}, this daemon speaks {}; run the same release on all nodes", version,
                           packet_version));
  auto packet = decode<Packet>(bytes.substr(1));
  if (!packet) return bad("its fields are torn");
  if (!packet->from) return bad("it names no sender");
  if (!packet->to) return bad("it names no receiver");
  if (packet->session == 0) return bad("it has no session number");
  if (packet->term.number > term_number_max || (packet->ballot && packet->ballot->number > term_number_max))
    return bad("its term is beyond all reason");
  if (!named(packet->role)) return bad("its role is unknown");
  if (packet->ballot && !named(packet->ballot->kind)) return bad("its ballot is unknown");
  return std::move(*packet);
}

std::size_t fragment_room(const Packet& packet) {
  const std::size_t used = encode_packet(packet).size();
  return used >= plain_packet_bytes_max ? 0 : plain_packet_bytes_max - used;
}

}  // namespace systole::wire

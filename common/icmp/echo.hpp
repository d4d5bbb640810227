// SPDX-License-Identifier: GPL-2.0-or-later
// ICMP echo as bytes (RFC 792, RFC 4443): what is sent, and what of the received is an answer. The payload belongs to
// the caller: a number that only he knows in it is what tells his answers from everybody else's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace systole::icmp {

enum class Family { v4, v6 };

/// The whole message. Its checksum is there for IPv4; the kernel fills in that of ICMPv6.
std::string echo_request(Family family, std::uint16_t id, std::uint16_t sequence, std::string_view payload);

struct EchoReply {
  std::uint16_t id = 0, sequence = 0;
  std::string_view payload;  // within the bytes that were read
  bool operator==(const EchoReply&) const = default;
};

/// with_ip_header: raw IPv4 sockets give it in front of the message. nullopt: anything but an echo reply.
std::optional<EchoReply> parse_echo_reply(Family family, bool with_ip_header, std::string_view bytes);

}  // namespace systole::icmp

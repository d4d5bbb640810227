// SPDX-License-Identifier: GPL-2.0-or-later
// See echo.hpp. Eight bytes of head: type, code, checksum, id, sequence; numbers in network order.
#include "common/icmp/echo.hpp"

#include <span>

#include "common/base/checksum.hpp"

namespace systole::icmp {

namespace {

constexpr std::size_t head_bytes = 8;

struct Types {
  unsigned char request, reply;
};
Types types_of(Family family) {
  return family == Family::v4 ? Types{.request = 8, .reply = 0} : Types{.request = 128, .reply = 129};
}

char byte(unsigned value) {
  return static_cast<char>(value & 0xff);
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

/// The length of the IPv4 header, in words of four bytes, is in the low half of its first byte.
std::size_t ip_header_bytes(std::string_view bytes) {
  return bytes.empty() ? 0 : (static_cast<unsigned char>(bytes.front()) & 0xfU) * 4U;
}

}  // namespace

std::string echo_request(Family family, std::uint16_t id, std::uint16_t sequence, std::string_view payload) {
  std::string message(head_bytes, '\0');
  message[0] = byte(types_of(family).request);
  message[4] = byte(id >> 8U);
  message[5] = byte(id);
  message[6] = byte(sequence >> 8U);
  message[7] = byte(sequence);
  message.append(payload);
  if (family == Family::v4) {
    const std::uint16_t sum = internet_checksum(std::as_bytes(std::span(message)));
    message[2] = byte(sum >> 8U);
    message[3] = byte(sum);
  }
  return message;
}

std::optional<EchoReply> parse_echo_reply(Family family, bool with_ip_header, std::string_view bytes) {
  const std::size_t before = with_ip_header ? ip_header_bytes(bytes) : 0;
  if (bytes.size() < before + head_bytes) return std::nullopt;
  bytes.remove_prefix(before);
  if (static_cast<unsigned char>(bytes[0]) != types_of(family).reply || bytes[1] != 0) return std::nullopt;
  return EchoReply{.id = number_at(bytes, 4), .sequence = number_at(bytes, 6), .payload = bytes.substr(head_bytes)};
}

}  // namespace systole::icmp

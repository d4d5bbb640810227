// SPDX-License-Identifier: GPL-2.0-or-later
// An IP address of either family as a plain value, and arithmetic on networks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace systole {

enum class IpFamily : std::uint8_t { v4, v6 };

struct Ip {
  IpFamily family = IpFamily::v4;
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4: the first four, the others 0
  auto operator<=>(const Ip&) const = default;

  bool is_v6() const { return family == IpFamily::v6; }
  /// Bytes in use: 4 or 16.
  std::size_t size() const { return is_v6() ? 16 : 4; }
  /// The longest prefix: 32 or 128.
  int bits() const { return static_cast<int>(size()) * 8; }
  bool is_unspecified() const { return bytes == decltype(bytes){}; }
  bool is_loopback() const;
  bool is_multicast() const { return is_v6() ? bytes[0] == 0xff : bytes[0] >> 4 == 14; }
  bool is_link_local() const { return is_v6() && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80; }
};

/// Dotted IPv4, or any of IPv6's forms; no prefix, no zone, no blanks.
std::optional<Ip> parse_ip(std::string_view text);
/// The shortest usual form (RFC 5952).
std::string to_text(const Ip& ip);

/// From network order; nullopt unless there are as many bytes as the family needs.
std::optional<Ip> ip_from(IpFamily family, const void* bytes, std::size_t size);

/// The address with its host bits (all behind prefix) cleared, or set.
Ip first_of(const Ip& ip, int prefix);
Ip last_of(const Ip& ip, int prefix);
/// False for addresses of different families.
bool same_network(const Ip& a, const Ip& b, int prefix);

}  // namespace systole

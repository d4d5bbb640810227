// SPDX-License-Identifier: GPL-2.0-or-later
// See ip.hpp.
#include "common/base/ip.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace systole {

namespace {

int af(IpFamily family) {
  return family == IpFamily::v6 ? AF_INET6 : AF_INET;
}

/// The mask's byte at `index`, of a prefix of that many bits.
std::uint8_t mask_byte(int prefix, std::size_t index) {
  const int left = std::clamp(prefix - static_cast<int>(index) * 8, 0, 8);
  return static_cast<std::uint8_t>(0xff00U >> left);
}

}  // namespace

bool Ip::is_loopback() const {
  if (!is_v6()) return bytes[0] == 127;
  Ip one{.family = IpFamily::v6, .bytes = {}};
  one.bytes[15] = 1;
  return *this == one;
}

std::optional<Ip> parse_ip(std::string_view text) {
  const std::string plain(text);
  if (plain.size() != std::strlen(plain.c_str())) return std::nullopt;  // a NUL within
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
    Ip ip{.family = family, .bytes = {}};
    if (::inet_pton(af(family), plain.c_str(), ip.bytes.data()) == 1) return ip;
  }
  return std::nullopt;
}

std::string to_text(const Ip& ip) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(af(ip.family), ip.bytes.data(), text.data(), text.size());
}

std::optional<Ip> ip_from(IpFamily family, const void* bytes, std::size_t size) {
  Ip ip{.family = family, .bytes = {}};
  if (size != ip.size()) return std::nullopt;
  std::memcpy(ip.bytes.data(), bytes, size);
  return ip;
}

Ip first_of(const Ip& ip, int prefix) {
  Ip first = ip;
  for (std::size_t i = 0; i < ip.size(); ++i) first.bytes[i] &= mask_byte(prefix, i);
  return first;
}

Ip last_of(const Ip& ip, int prefix) {
  Ip last = ip;
  for (std::size_t i = 0; i < ip.size(); ++i) last.bytes[i] |= static_cast<std::uint8_t>(~mask_byte(prefix, i));
  return last;
}

bool same_network(const Ip& a, const Ip& b, int prefix) {
  return a.family == b.family && first_of(a, prefix) == first_of(b, prefix);
}

}  // namespace systole

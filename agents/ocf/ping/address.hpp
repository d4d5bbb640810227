// SPDX-License-Identifier: GPL-2.0-or-later
// An address of IPv4 or IPv6 as a value.
#pragma once

#include <sys/socket.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/icmp/echo.hpp"

namespace systole::agents::ping {

struct Address {
  icmp::Family family = icmp::Family::v4;
  std::array<unsigned char, 16> bytes{};  // IPv4: the first four
  std::string zone;                       // of link-local IPv6 addresses, "eth0" in fe80::1%eth0
  bool operator==(const Address&) const = default;
};

/// nullopt: not an address (a name, perhaps).
std::optional<Address> parse_address(std::string_view text);

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};
/// not_found: no interface has the zone's name.
Result<SocketAddress> to_socket_address(const Address& address);

}  // namespace systole::agents::ping

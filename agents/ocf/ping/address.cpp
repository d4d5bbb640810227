// SPDX-License-Identifier: GPL-2.0-or-later
// See address.hpp.
#include "agents/ocf/ping/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace systole::agents::ping {

std::optional<Address> parse_address(std::string_view text) {
  const std::size_t percent = text.find('%');
  const std::string host(text.substr(0, percent));
  Address address;
  if (percent == std::string_view::npos && ::inet_pton(AF_INET, host.c_str(), address.bytes.data()) == 1)
    return address;
  address.family = icmp::Family::v6;
  if (::inet_pton(AF_INET6, host.c_str(), address.bytes.data()) != 1) return std::nullopt;
  if (percent != std::string_view::npos) {
    address.zone = text.substr(percent + 1);
    if (address.zone.empty() || address.zone.size() >= IF_NAMESIZE) return std::nullopt;
  }
  return address;
}

Result<SocketAddress> to_socket_address(const Address& address) {
  SocketAddress to;
  if (address.family == icmp::Family::v4) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    std::memcpy(&four.sin_addr, address.bytes.data(), sizeof four.sin_addr);
    std::memcpy(&to.storage, &four, sizeof four);
    to.size = sizeof four;
    return to;
  }
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  std::memcpy(&six.sin6_addr, address.bytes.data(), sizeof six.sin6_addr);
  if (!address.zone.empty()) {
    six.sin6_scope_id = ::if_nametoindex(address.zone.c_str());
    if (six.sin6_scope_id == 0)
      return Error{Errc::not_found, fmt::format("there is no network interface '{}'", address.zone)};
  }
  std::memcpy(&to.storage, &six, sizeof six);
  to.size = sizeof six;
  return to;
}

}  // namespace systole::agents::ping

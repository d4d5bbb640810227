// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel says of interfaces, addresses and routes, as plain values: everything that plan.hpp decides by.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace systole::agents::ipaddr {

/// An IPv4 address, in host byte order: 10.0.0.1 is 0x0a000001.
struct Ipv4 {
  std::uint32_t bits = 0;
  auto operator<=>(const Ipv4&) const = default;
};

std::optional<Ipv4> parse_ipv4(std::string_view text);
std::string to_text(Ipv4 ip);
constexpr Ipv4 mask_of(int prefix) {
  return {prefix <= 0 ? 0U : ~0U << (32 - prefix)};
}
constexpr bool same_network(Ipv4 a, Ipv4 b, int prefix) {
  return ((a.bits ^ b.bits) & mask_of(prefix).bits) == 0;
}

using Mac = std::array<std::uint8_t, 6>;

struct Interface {
  int index = 0;
  std::string name;
  Mac mac{};
  bool admin_up = false;  // IFF_UP: somebody wants it up
  bool carrier = false;   // its operational state is neither DOWN nor LOWERLAYERDOWN nor NOTPRESENT
  bool loopback = false;
  bool speaks_arp = false;  // Ethernet, and not told to be without ARP
  bool operator==(const Interface&) const = default;
};

struct Address {
  int index = 0;  // of its interface
  Ipv4 ip;
  int prefix = 32;
  std::optional<Ipv4> broadcast;
  std::string label;       // the interface's name when nobody chose another
  bool secondary = false;  // goes with its primary unless promote_secondaries is set
  bool noprefixroute = false;
  bool operator==(const Address&) const = default;
};

/// A unicast route of the main table without a gateway: a network that an interface reaches by itself.
struct Route {
  int index = 0;  // of its interface
  Ipv4 network;
  int prefix = 0;
  bool operator==(const Route&) const = default;
};

struct Facts {
  std::vector<Interface> interfaces;
  std::vector<Address> addresses;
  std::vector<Route> routes;

  const Interface* interface(std::string_view name) const;
  const Interface* interface(int index) const;
};

}  // namespace systole::agents::ipaddr

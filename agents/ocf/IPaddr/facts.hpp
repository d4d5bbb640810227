// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel says of interfaces, addresses, routes and neighbours, as plain values: everything that plan.hpp
// decides by.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ip.hpp"

namespace systole::agents::ipaddr {

using Mac = std::array<std::uint8_t, 6>;

/// "02:00:00:00:00:01"; nullopt for anything else.
std::optional<Mac> parse_mac(std::string_view text);
std::string to_text(const Mac& mac);

struct Interface {
  int index = 0;
  std::string name;
  Mac mac{};
  bool admin_up = false;  // IFF_UP: somebody wants it up
  bool carrier = false;   // its operational state is neither DOWN nor LOWERLAYERDOWN nor NOTPRESENT
  bool loopback = false;
  bool ethernet = false;  // frames with hardware addresses of six bytes
  bool no_arp = false;    // told to be without neighbour resolution (IFF_NOARP)
  bool speaks_arp() const { return ethernet && !no_arp; }
  bool operator==(const Interface&) const = default;
};

inline constexpr std::uint32_t forever = 0xffffffff;  // of lifetimes, as the kernel counts

struct Address {
  int index = 0;  // of its interface
  Ip ip;
  int prefix = 32;
  std::optional<Ip> broadcast;
  std::string label;       // IPv4: the interface's name when nobody chose another
  bool secondary = false;  // IPv4: goes with its primary unless promote_secondaries is set
  bool noprefixroute = false;
  bool nodad = false;                     // IPv6: made without duplicate address detection
  bool optimistic = false;                // IPv6: in use while that detection runs
  bool tentative = false;                 // IPv6: not in use yet
  bool dadfailed = false;                 // IPv6: somebody else has it
  std::uint32_t preferred_lft = forever;  // seconds; 0: never picked as a source
  bool operator==(const Address&) const = default;
};

/// A unicast route of the main table without a gateway: a network that an interface reaches by itself.
struct Route {
  int index = 0;  // of its interface
  Ip network;
  int prefix = 0;
  int protocol = 0;  // RTPROT_*: who made it
  bool operator==(const Route&) const = default;
};

/// Somebody on the link whose hardware address the kernel knows.
struct Neighbour {
  int index = 0;  // of the interface
  Ip ip;
  Mac mac{};
  bool operator==(const Neighbour&) const = default;
};

struct Facts {
  std::vector<Interface> interfaces;
  std::vector<Address> addresses;
  std::vector<Route> routes;

  const Interface* interface(std::string_view name) const;
  const Interface* interface(int index) const;
};

}  // namespace systole::agents::ipaddr

// SPDX-License-Identifier: GPL-2.0-or-later
// This machine's networks, as far as one has to know them to give a database a place in them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace systole::tools {

struct LocalAddress {
  std::string interface, address;
  unsigned prefix = 0;
};
/// Those of interfaces that are up, without the loopback's.
std::vector<LocalAddress> addresses_with_networks();

/// Of these, the most exact network that holds the address; nullopt: none does.
std::optional<LocalAddress> network_of(const std::vector<LocalAddress>& all, std::string_view address);

/// A host pattern of the server's accounts for the network of a local address: "192.0.2.0/255.255.255.0". "": it is
/// none of IPv4, for which alone the server knows masks.
std::string account_pattern(const LocalAddress& local);

/// Of the addresses that a configuration in corosync's syntax gives to nodes, those that are ours: the first is the one
/// of this node's first link. Names are not resolved.
std::string own_ring_address(std::string_view configuration, const std::vector<LocalAddress>& ours);

/// Does a machine on this interface's network answer for the IPv4 address? Asked by the kernel's own ARP, in half a
/// second.
bool answers_arp(const std::string& address, const std::string& interface);

}  // namespace systole::tools

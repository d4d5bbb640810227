// SPDX-License-Identifier: GPL-2.0-or-later
// Gratuitous ARP: telling the neighbours where an address lives now. Two forms, because each is ignored by somebody:
// some devices learn only from requests, others only from replies (RFC 5227 §3 advises requests; RFC 2002 §4.6 allows
// both). In the reply the target's hardware address is our own: Linux ignores a reply to ff:ff:ff:ff:ff:ff for a second
// after the entry was last changed, this form it takes at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "agents/ocf/IPaddr/facts.hpp"
#include "common/base/handles.hpp"
#include "common/base/result.hpp"

namespace systole::agents::ipaddr {

enum class ArpForm { request, reply };

/// 14 bytes of Ethernet, 28 of ARP, padded to Ethernet's least length.
using ArpFrame = std::array<std::uint8_t, 60>;
ArpFrame gratuitous_arp(ArpForm form, const Mac& mac, Ipv4 ip);

/// A raw socket bound to the interface.
class Announcer {
 public:
  static Result<Announcer> open(const Interface& nic, Ipv4 ip);
  /// Both forms, once.
  Result<void> announce();

 private:
  Announcer(Fd socket, const Interface& nic, Ipv4 ip) : socket_(std::move(socket)), nic_(nic), ip_(ip) {}
  Fd socket_;
  Interface nic_;
  Ipv4 ip_;
};

}  // namespace systole::agents::ipaddr

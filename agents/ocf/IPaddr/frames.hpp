// SPDX-License-Identifier: GPL-2.0-or-later
// Ethernet frames by which neighbours learn where an address lives, and by which they are asked whether somebody has
// it: ARP (RFC 826, RFC 5227) for IPv4, neighbour discovery (RFC 4861, RFC 4862) for IPv6. Built and judged as bytes.
//
// IPv4 is announced in two forms, because each is ignored by somebody: some devices learn only from requests, others
// only from replies (RFC 5227 §3 advises requests; RFC 2002 §4.6 allows both). In the reply the target's hardware
// address is our own: Linux ignores a reply to ff:ff:ff:ff:ff:ff for a second after the entry was last changed, this
// form it takes at once. IPv6 has one form, the unsolicited advertisement; without its Override flag a neighbour keeps
// the old owner for seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "agents/ocf/IPaddr/facts.hpp"

namespace systole::agents::ipaddr {

using Frame = std::vector<std::uint8_t>;

enum class ArpForm { request, reply };
Frame gratuitous_arp(ArpForm form, const Mac& mac, const Ip& ip);
/// To one neighbour only; for those who ignore what goes to everybody.
Frame gratuitous_arp_to(const Mac& to, const Mac& mac, const Ip& ip);
/// RFC 5227's probe: a request with the unspecified address as sender, so that nobody learns anything from it.
Frame arp_probe(const Mac& mac, const Ip& ip);

/// Unsolicited, Override set, with the target's hardware address.
Frame neighbour_advertisement(const Mac& mac, const Ip& ip);
Frame neighbour_advertisement_to(const Neighbour& to, const Mac& mac, const Ip& ip);
/// RFC 4862's probe: a solicitation from the unspecified address.
Frame neighbour_probe(const Mac& mac, const Ip& ip);

/// What a frame says of an address, when it is about it.
struct Claim {
  Mac by{};
  bool asks = false;  // a probe: the sender would like to have it; otherwise it says that it has it
  bool operator==(const Claim&) const = default;
};

/// nullopt: about something else, cut off, or from one of our own.
std::optional<Claim> claim_in(std::span<const std::uint8_t> frame, const Ip& ip, const std::vector<Mac>& own);

/// EtherTypes and offsets within frames, for claim_in and for the socket's filter.
namespace layout {
inline constexpr std::uint16_t ethertype_arp = 0x0806, ethertype_ipv6 = 0x86dd;
inline constexpr std::size_t ethernet_source = 6, ethertype = 12, arp_operation = 20, arp_sender_mac = 22,
                             arp_sender_ip = 28, arp_target_ip = 38, arp_end = 42;
inline constexpr std::size_t ipv6_next_header = 20, ipv6_source = 22, icmp_type = 54, icmp_target = 62,
                             icmp_options = 78;
inline constexpr std::uint8_t icmpv6 = 58, solicitation = 135, advertisement = 136;
}  // namespace layout

}  // namespace systole::agents::ipaddr

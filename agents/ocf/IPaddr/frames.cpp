// SPDX-License-Identifier: GPL-2.0-or-later
// See frames.hpp.
#include "agents/ocf/IPaddr/frames.hpp"

#include <algorithm>
#include <cstring>

#include "agents/ocf/IPaddr/packet.hpp"
#include "common/base/checksum.hpp"
#include "common/base/ensure.hpp"

namespace systole::agents::ipaddr {

namespace {

constexpr Mac everyone{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr Mac nobody{};
constexpr std::size_t frame_bytes_min = 60;  // Ethernet's least length, without its checksum
constexpr std::uint16_t arp_request = 1, arp_reply = 2;

struct Arp {
  Mac to;
  std::uint16_t operation;
  Mac sender;
  Ip sender_ip;
  Mac target;
  Ip target_ip;
};

Frame build(const Arp& arp) {
  constexpr unsigned ethernet = 1, ipv4 = 0x0800;
  ensure(!arp.target_ip.is_v6());
  Writer out;
  out.mac(arp.to).mac(arp.sender).u16(layout::ethertype_arp);
  out.u16(ethernet).u16(ipv4).u8(sizeof(Mac)).u8(4).u16(arp.operation);
  out.mac(arp.sender).ip(arp.sender_ip).mac(arp.target).ip(arp.target_ip);
  return out.padded(frame_bytes_min);
}

struct Discovery {
  Mac to;
  Ip to_ip;
  Mac from;
  Ip from_ip;
  std::uint8_t type;
  std::uint8_t flags;
  Ip target;
  bool with_own_mac;
};

Frame build(const Discovery& nd) {
  constexpr std::uint8_t option_target_mac = 2, option_units = 1;  // of 8 bytes
  const unsigned length = 24 + (nd.with_own_mac ? 8 : 0);
  ensure(nd.target.is_v6());
  Writer out;
  out.mac(nd.to).mac(nd.from).u16(layout::ethertype_ipv6);
  out.u16(0x6000).u16(0).u16(length).u8(layout::icmpv6).u8(255).ip(nd.from_ip).ip(nd.to_ip);
  out.u8(nd.type).u8(0).u16(0).u8(nd.flags).u8(0).u16(0).ip(nd.target);
  if (nd.with_own_mac) out.u8(option_target_mac).u8(option_units).mac(nd.from);
  Frame frame = out.padded(frame_bytes_min);
  // RFC 8200 §8.1: over both addresses, the length, the protocol, and the message.
  const Bytes summed = std::as_bytes(std::span(frame)).subspan(layout::ipv6_source);
  put_u16(frame, layout::icmp_type + 2, internet_checksum(summed, length + layout::icmpv6));
  return frame;
}

constexpr std::uint8_t flag_override = 0x20;

Ip v6(std::initializer_list<std::uint8_t> begin, std::initializer_list<std::uint8_t> end) {
  Ip ip{.family = IpFamily::v6, .bytes = {}};
  std::ranges::copy(begin, ip.bytes.begin());
  std::ranges::copy(end, ip.bytes.end() - static_cast<std::ptrdiff_t>(end.size()));
  return ip;
}

std::uint16_t u16_at(std::span<const std::uint8_t> frame, std::size_t at) {
  return static_cast<std::uint16_t>(frame[at] << 8 | frame[at + 1]);
}

bool ip_at(std::span<const std::uint8_t> frame, std::size_t at, const Ip& ip) {
  return std::memcmp(frame.data() + at, ip.bytes.data(), ip.size()) == 0;
}

Mac mac_at(std::span<const std::uint8_t> frame, std::size_t at) {
  Mac mac{};
  std::memcpy(mac.data(), frame.data() + at, mac.size());
  return mac;
}

std::optional<Claim> arp_claim(std::span<const std::uint8_t> frame, const Ip& ip) {
  if (frame.size() < layout::arp_end) return std::nullopt;
  const Mac by = mac_at(frame, layout::arp_sender_mac);
  if (ip_at(frame, layout::arp_sender_ip, ip)) return Claim{by, false};
  const bool from_nowhere = ip_at(frame, layout::arp_sender_ip, Ip{});
  const bool asks = u16_at(frame, layout::arp_operation) == arp_request && from_nowhere;
  if (asks && ip_at(frame, layout::arp_target_ip, ip)) return Claim{by, true};
  return std::nullopt;
}

std::optional<Claim> discovery_claim(std::span<const std::uint8_t> frame, const Ip& ip) {
  constexpr std::size_t source_mac = 6;
  if (frame.size() < layout::icmp_options || frame[layout::ipv6_next_header] != layout::icmpv6 ||
      !ip_at(frame, layout::icmp_target, ip)) {
    return std::nullopt;
  }
  const Mac by = mac_at(frame, source_mac);
  if (frame[layout::icmp_type] == layout::advertisement) return Claim{by, false};
  const bool from_nowhere = ip_at(frame, layout::ipv6_source, v6({}, {}));
  if (frame[layout::icmp_type] == layout::solicitation && from_nowhere) return Claim{by, true};
  return std::nullopt;
}

}  // namespace

Frame gratuitous_arp(ArpForm form, const Mac& mac, const Ip& ip) {
  const bool request = form == ArpForm::request;
  return build(Arp{everyone, request ? arp_request : arp_reply, mac, ip, request ? nobody : mac, ip});
}

Frame gratuitous_arp_to(const Mac& to, const Mac& mac, const Ip& ip) {
  return build(Arp{to, arp_reply, mac, ip, mac, ip});
}

Frame arp_probe(const Mac& mac, const Ip& ip) {
  return build(Arp{everyone, arp_request, mac, Ip{}, nobody, ip});
}

Frame neighbour_advertisement(const Mac& mac, const Ip& ip) {
  const Mac all_nodes_mac{0x33, 0x33, 0, 0, 0, 1};
  return build(Discovery{all_nodes_mac, v6({0xff, 2}, {1}), mac, ip, layout::advertisement, flag_override, ip, true});
}

Frame neighbour_advertisement_to(const Neighbour& to, const Mac& mac, const Ip& ip) {
  return build(Discovery{to.mac, to.ip, mac, ip, layout::advertisement, flag_override, ip, true});
}

Frame neighbour_probe(const Mac& mac, const Ip& ip) {
  const std::uint8_t a = ip.bytes[13], b = ip.bytes[14], c = ip.bytes[15];
  const Mac group{0x33, 0x33, 0xff, a, b, c};  // RFC 4291 §2.7.1: the solicited-node group, RFC 2464 §7: its hardware
  return build(
      Discovery{group, v6({0xff, 2}, {1, 0xff, a, b, c}), mac, v6({}, {}), layout::solicitation, 0, ip, false});
}

std::optional<Claim> claim_in(std::span<const std::uint8_t> frame, const Ip& ip, const std::vector<Mac>& own) {
  if (frame.size() < layout::ethertype + 2) return std::nullopt;
  const std::uint16_t type = u16_at(frame, layout::ethertype);
  std::optional<Claim> claim;
  if (type == layout::ethertype_arp && !ip.is_v6()) claim = arp_claim(frame, ip);
  if (type == layout::ethertype_ipv6 && ip.is_v6()) claim = discovery_claim(frame, ip);
  if (claim && std::ranges::find(own, claim->by) != own.end()) return std::nullopt;
  return claim;
}

}  // namespace systole::agents::ipaddr

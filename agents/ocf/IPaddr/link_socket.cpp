// SPDX-License-Identifier: GPL-2.0-or-later
// See link_socket.hpp; packet(7), and socket(7) for SO_ATTACH_FILTER.
#include "agents/ocf/IPaddr/link_socket.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace systole::agents::ipaddr {

namespace {

std::uint32_t word_at(const Ip& ip, std::size_t at) {
  std::uint32_t word = 0;
  std::memcpy(&word, ip.bytes.data() + at, sizeof word);
  return ntohl(word);
}

using Filter = std::vector<sock_filter>;

constexpr sock_filter load_word(std::uint32_t at) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, at};
}
constexpr sock_filter load_byte(std::uint32_t at) {
  return {BPF_LD | BPF_B | BPF_ABS, 0, 0, at};
}
constexpr sock_filter skip_unless(std::uint32_t value, std::uint8_t instructions) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, instructions, value};
}
constexpr sock_filter skip_if(std::uint32_t value, std::uint8_t instructions) {
  return {BPF_JMP | BPF_JEQ | BPF_K, instructions, 0, value};
}
constexpr sock_filter give(std::uint32_t bytes) {
  return {BPF_RET | BPF_K, 0, 0, bytes};
}
constexpr std::uint32_t whole_frame = 2048;

/// Only ARP with the address as the sender's or the target's.
Filter arp_filter(const Ip& ip) {
  return {load_word(layout::arp_sender_ip), skip_if(word_at(ip, 0), 2), load_word(layout::arp_target_ip),
          skip_unless(word_at(ip, 0), 1),   give(whole_frame),          give(0)};
}

/// Only ICMPv6 solicitations and advertisements about the address.
Filter discovery_filter(const Ip& ip) {
  Filter filter{load_byte(layout::ipv6_next_header), skip_unless(layout::icmpv6, 12), load_byte(layout::icmp_type),
                skip_if(layout::solicitation, 1), skip_unless(layout::advertisement, 9)};
  for (std::size_t at = 0; at < 16; at += 4) {
    filter.push_back(load_word(static_cast<std::uint32_t>(layout::icmp_target + at)));
    filter.push_back(skip_unless(word_at(ip, at), static_cast<std::uint8_t>(7 - at / 2)));
  }
  filter.push_back(give(whole_frame));
  filter.push_back(give(0));
  return filter;
}

std::uint16_t protocol_of(const Ip& ip) {
  return htons(ip.is_v6() ? layout::ethertype_ipv6 : layout::ethertype_arp);
}

}  // namespace

Result<LinkSocket> LinkSocket::open(const Interface& nic, const Ip& ip, std::vector<Mac> own,
                                    std::optional<Mac> common) {
  const std::string tried = fmt::format("open a raw socket on '{}'", nic.name);
  // Protocol 0 until the filter is there and the interface chosen: nothing else may come in before.
  Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno_error(tried);
  Filter filter = ip.is_v6() ? discovery_filter(ip) : arp_filter(ip);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
    return errno_error(tried);
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = protocol_of(ip);
  where.sll_ifindex = nic.index;
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) return errno_error(tried);
  return LinkSocket(std::move(socket), nic, ip, std::move(own), common.value_or(nic.mac));
}

Result<void> LinkSocket::send(Frame frame) {
  // The frame itself comes from the interface, whatever it announces: switches drop what comes from a group address.
  std::ranges::copy(nic_.mac, frame.begin() + layout::ethernet_source);
  if (::send(socket_.get(), frame.data(), frame.size(), 0) >= 0) return {};
  return errno_error(fmt::format("announce {} on '{}'", to_text(ip_), nic_.name));
}

Result<void> LinkSocket::announce() {
  if (ip_.is_v6()) return send(neighbour_advertisement(announced_, ip_));
  if (auto sent = send(gratuitous_arp(ArpForm::request, announced_, ip_)); !sent) return sent;
  return send(gratuitous_arp(ArpForm::reply, announced_, ip_));
}

Result<void> LinkSocket::announce_to(const std::vector<Neighbour>& neighbours) {
  for (const Neighbour& one : neighbours) {
    const Frame frame =
        ip_.is_v6() ? neighbour_advertisement_to(one, announced_, ip_) : gratuitous_arp_to(one.mac, announced_, ip_);
    if (auto sent = send(frame); !sent) return sent;
  }
  return {};
}

Result<void> LinkSocket::probe() {
  return send(ip_.is_v6() ? neighbour_probe(nic_.mac, ip_) : arp_probe(nic_.mac, ip_));
}

std::optional<Claim> LinkSocket::hear() {
  std::array<std::uint8_t, whole_frame> frame{};
  for (;;) {
    sockaddr_ll from{};
    socklen_t size = sizeof from;
    const ssize_t got =
        ::recvfrom(socket_.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0 && (errno == EINTR || errno == ENETDOWN)) continue;  // ENETDOWN: told once, when the link goes down
    if (got < 0) return std::nullopt;
    if (from.sll_pkttype == PACKET_OUTGOING) continue;
    if (auto claim = claim_in({frame.data(), static_cast<std::size_t>(got)}, ip_, own_)) return claim;
  }
}

std::vector<Mac> own_macs(const Facts& facts) {
  std::vector<Mac> own;
  for (const Interface& nic : facts.interfaces)
    if (nic.ethernet) own.push_back(nic.mac);
  return own;
}

}  // namespace systole::agents::ipaddr

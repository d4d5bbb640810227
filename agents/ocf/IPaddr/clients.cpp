// SPDX-License-Identifier: GPL-2.0-or-later
// See clients.hpp.
#include "agents/ocf/IPaddr/clients.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <span>

#include "common/base/checksum.hpp"
#include "common/base/ensure.hpp"
#include "common/base/text.hpp"

namespace systole::agents::ipaddr {

namespace {

constexpr Duration copy_again = 10s;
constexpr std::size_t ipv4_head = 20, ipv4_source = 12, ipv6_source = 8, tcp_head = 20, tcp_checksum = 16;

std::string end_of(const Client& client) {
  const std::string ip = to_text(client.ip);
  return client.ip.is_v6() ? fmt::format("[{}]:{}", ip, client.port) : fmt::format("{}:{}", ip, client.port);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_int<std::uint16_t>(text);
  return port && *port != 0 ? port : std::nullopt;
}

std::optional<Client> parse_end(std::uint16_t service, std::string_view text, IpFamily family) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto ip = parse_ip(host);
  const auto port = parse_port(text.substr(colon + 1));
  if (!ip || !port || ip->family != family || ip->is_multicast() || ip->is_unspecified()) return std::nullopt;
  return Client{.service = service, .ip = *ip, .port = *port};
}

Packet ip_head(const Ip& from, const Ip& to) {
  constexpr unsigned hops = 64;
  Writer out;
  // Of IPv4's head the kernel fills in length, identification and checksum (raw(7)).
  if (from.is_v6())
    out.u32(0x60000000).u16(tcp_head).u8(IPPROTO_TCP).u8(hops);
  else
    out.u16(0x4500).u16(ipv4_head + tcp_head).u16(0).u16(0).u8(hops).u8(IPPROTO_TCP).u16(0);
  return out.ip(from).ip(to).done();
}

}  // namespace

ClientList to_text(std::vector<Client> clients, std::size_t bytes_max) {
  std::ranges::sort(clients);
  ClientList list;
  std::optional<std::uint16_t> service;
  for (const Client& client : clients) {
    const std::string head = service == client.service ? ","
                             : service                 ? fmt::format(" {}=", client.service)
                                                       : fmt::format("{}=", client.service);
    const std::string one = head + end_of(client);
    if (list.text.size() + one.size() > bytes_max) {
      ++list.left_out;
      continue;
    }
    list.text += one;
    service = client.service;
  }
  return list;
}

std::vector<Client> parse_clients(std::string_view text, IpFamily family) {
  std::vector<Client> clients;
  for (const std::string& group : split(text, ' ')) {
    const std::size_t equals = group.find('=');
    const auto service = parse_port(std::string_view(group).substr(0, equals));
    if (equals == std::string::npos || !service) continue;
    for (const std::string& end : split(std::string_view(group).substr(equals + 1), ',')) {
      if (const auto client = parse_end(*service, end, family)) clients.push_back(*client);
    }
  }
  return clients;
}

Packet tickle(const Ip& address, const Client& client) {
  constexpr unsigned words_and_ack = 0x5010, window = 0;
  ensure(address.family == client.ip.family);
  Packet packet = ip_head(address, client.ip);
  const std::size_t at = packet.size();
  const Packet tcp =
      Writer().u16(client.service).u16(client.port).u32(0).u32(0).u16(words_and_ack).u16(window).u16(0).u16(0).done();
  packet.insert(packet.end(), tcp.begin(), tcp.end());
  // RFC 9293 §3.1: over both addresses, the protocol, the length, and the segment.
  const Bytes summed = std::as_bytes(std::span(packet)).subspan(address.is_v6() ? ipv6_source : ipv4_source);
  put_u16(packet, at + tcp_checksum, internet_checksum(summed, IPPROTO_TCP + tcp_head));
  return packet;
}

bool CopyPlan::due(Time now, std::string_view list) const {
  return !last_ || list != list_ || (!list.empty() && now - *last_ >= copy_again);
}

void CopyPlan::copied(Time now, std::string list) {
  last_ = now;
  list_ = std::move(list);
}

}  // namespace systole::agents::ipaddr

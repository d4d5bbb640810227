// SPDX-License-Identifier: GPL-2.0-or-later
// sock_diag(7): a dump of TCP sockets, then SOCK_DESTROY for each that fits.
#include "agents/ocf/IPaddr/connections.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "agents/ocf/IPaddr/netlink.hpp"

namespace systole::agents::ipaddr {

namespace {

constexpr std::uint32_t all_states = 0xffff;
// Of linux/tcp_states.h, not exported.
constexpr std::uint32_t tcp_established = 1, tcp_time_wait = 6, tcp_close = 7, tcp_close_wait = 8, tcp_listen = 10;
constexpr std::uint32_t with_a_peer = all_states & ~(1U << tcp_listen) & ~(1U << tcp_close) & ~(1U << tcp_time_wait);
constexpr std::uint32_t with_a_client = 1U << tcp_established | 1U << tcp_close_wait;

/// One end's address as the kernel writes it, in network order; IPv4-mapped ones as IPv4.
template <std::size_t n>
Ip ip_of(unsigned char family, const __be32 (&words)[n]) {
  static_assert(n == 4);
  const bool mapped = words[0] == 0 && words[1] == 0 && words[2] == htonl(0xffff);  // ::ffff:a.b.c.d
  Ip ip{.family = family == AF_INET6 && !mapped ? IpFamily::v6 : IpFamily::v4, .bytes = {}};
  std::memcpy(ip.bytes.data(), family == AF_INET6 && mapped ? &words[3] : &words[0], ip.size());
  return ip;
}

inet_diag_req_v2 question(unsigned char family, std::uint32_t states) {
  inet_diag_req_v2 ask{};
  ask.sdiag_family = family;
  ask.sdiag_protocol = IPPROTO_TCP;
  ask.idiag_states = states;
  return ask;
}

Result<void> find(Netlink& diag, unsigned char family, std::uint32_t states, const Ip& ip,
                  std::vector<inet_diag_msg>& found) {
  Request request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
  request.fixed(question(family, states));
  std::vector<inet_diag_msg> these;
  const auto listed = diag.dump(
      request, "list the TCP connections", [&these] { these.clear(); },
      [&](std::uint16_t, Bytes body) {
        const auto socket = peek<inet_diag_msg>(body);
        const bool fits = socket && socket->idiag_family == family && ip_of(family, socket->id.idiag_src) == ip;
        if (fits) these.push_back(*socket);
      });
  found.insert(found.end(), these.begin(), these.end());
  return listed;
}

/// Of both families: a server that listens to IPv6 serves IPv4 clients through sockets of IPv6.
Result<std::vector<inet_diag_msg>> find_all(Netlink& diag, std::uint32_t states, const Ip& ip) {
  std::vector<inet_diag_msg> sockets;
  if (auto v4 = find(diag, AF_INET, states, ip, sockets); !v4) return v4.error();
  // A machine without IPv6 has no such sockets; that is no fault.
  if (auto v6 = find(diag, AF_INET6, states, ip, sockets); !v6 && v6.error().code == Errc::timeout) return v6.error();
  return sockets;
}

}  // namespace

Result<std::size_t> reset_connections(const Ip& ip, Time deadline) {
  auto diag = Netlink::open(NETLINK_SOCK_DIAG, deadline);
  if (!diag) return diag.error();
  const auto sockets = find_all(*diag, with_a_peer, ip);
  if (!sockets) return sockets.error();
  std::size_t reset = 0;
  for (const inet_diag_msg& socket : *sockets) {
    inet_diag_req_v2 which = question(socket.idiag_family, with_a_peer);
    which.id = socket.id;
    Request request(SOCK_DESTROY, NLM_F_ACK);
    request.fixed(which);
    const auto done = diag->ask(request, "reset a TCP connection");
    if (!done && done.error().code != Errc::not_found) return done.error();  // not found: it ended by itself
    if (done) ++reset;
  }
  return reset;
}

void reset_clients(Call& call, const Ip& ip) {
  const auto reset = reset_connections(ip, call.deadline());
  if (reset && *reset > 0) call.log().info("reset {} connections to {}", *reset, to_text(ip));
  if (reset) return;
  if (reset.error().code == Errc::invalid) {
    call.log().notice(
        "this kernel cannot reset connections (CONFIG_INET_DIAG_DESTROY is off): clients of {} will notice by "
        "their own time-outs",
        to_text(ip));
  } else {
    call.log().warning("{}; proceeding without resetting connections", reset.error().what);
  }
}

Result<std::vector<Client>> list_clients(const Ip& ip, Time deadline) {
  auto diag = Netlink::open(NETLINK_SOCK_DIAG, deadline);
  if (!diag) return diag.error();
  const auto sockets = find_all(*diag, with_a_client, ip);
  if (!sockets) return sockets.error();
  std::vector<Client> clients;
  clients.reserve(sockets->size());
  for (const inet_diag_msg& socket : *sockets) {
    const inet_diag_sockid& ends = socket.id;
    clients.push_back({.service = ntohs(ends.idiag_sport),
                       .ip = ip_of(socket.idiag_family, ends.idiag_dst),
                       .port = ntohs(ends.idiag_dport)});
  }
  return clients;
}

}  // namespace systole::agents::ipaddr

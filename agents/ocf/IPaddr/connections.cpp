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
constexpr std::uint32_t tcp_time_wait = 6, tcp_close = 7, tcp_listen = 10;  // of linux/tcp_states.h, not exported
constexpr std::uint32_t wanted_states = all_states & ~(1U << tcp_listen) & ~(1U << tcp_close) & ~(1U << tcp_time_wait);

bool is_local_end(const inet_diag_msg& socket, const Ip& ip) {
  const auto& source = socket.id.idiag_src;  // network order
  if (ip.is_v6()) return socket.idiag_family == AF_INET6 && std::memcmp(source, ip.bytes.data(), ip.size()) == 0;
  if (socket.idiag_family == AF_INET) return std::memcmp(source, ip.bytes.data(), ip.size()) == 0;
  const bool mapped = source[0] == 0 && source[1] == 0 && source[2] == htonl(0xffff);  // ::ffff:a.b.c.d
  return mapped && std::memcmp(&source[3], ip.bytes.data(), ip.size()) == 0;
}

inet_diag_req_v2 question(unsigned char family) {
  inet_diag_req_v2 ask{};
  ask.sdiag_family = family;
  ask.sdiag_protocol = IPPROTO_TCP;
  ask.idiag_states = wanted_states;
  return ask;
}

Result<void> find(Netlink& diag, unsigned char family, const Ip& ip, std::vector<inet_diag_msg>& found) {
  Request request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
  request.fixed(question(family));
  std::vector<inet_diag_msg> these;
  const auto listed = diag.dump(
      request, "list the TCP connections", [&these] { these.clear(); },
      [&](std::uint16_t, Bytes body) {
        const auto socket = peek<inet_diag_msg>(body);
        if (socket && socket->idiag_family == family && is_local_end(*socket, ip)) these.push_back(*socket);
      });
  found.insert(found.end(), these.begin(), these.end());
  return listed;
}

}  // namespace

Result<std::size_t> reset_connections(const Ip& ip, Time deadline) {
  auto diag = Netlink::open(NETLINK_SOCK_DIAG, deadline);
  if (!diag) return diag.error();
  std::vector<inet_diag_msg> sockets;
  if (auto v4 = find(*diag, AF_INET, ip, sockets); !v4) return v4.error();
  // A machine without IPv6 has no such sockets; that is no fault.
  if (auto v6 = find(*diag, AF_INET6, ip, sockets); !v6 && v6.error().code == Errc::timeout) return v6.error();
  std::size_t reset = 0;
  for (const inet_diag_msg& socket : sockets) {
    inet_diag_req_v2 which = question(socket.idiag_family);
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

}  // namespace systole::agents::ipaddr

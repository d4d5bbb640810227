// SPDX-License-Identifier: GPL-2.0-or-later
// See tickler.hpp; raw(7) and raw(7) of IPv6 (ipv6(7)) for sockets whose writer makes the whole packet.
#include "agents/ocf/IPaddr/tickler.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "agents/kit/logging.hpp"
#include "agents/kit/manager.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/IPaddr/connections.hpp"
#include "common/base/handles.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace systole::agents::ipaddr {

namespace {

constexpr Duration period = 1s;
constexpr Duration kernel_patience = 1s, tool_patience = 3s;
constexpr Duration others_for = 10s;  // how long the names of the other nodes count as known
// A client answers one wrong packet in half a second, and some of both ways may be lost.
constexpr int rounds = 4;

}  // namespace

bool Tickler::is_wanted(const Place& at) {
  return crmd_called(at.call.environment()) && !at.options.lvs && !at.options.cloned;
}

Tickler::Tickler(const Place& at)
    : options_(at.options),
      call_(about, at.call.environment(), "helper", boot_now()),
      attributes_(at.call.environment()),
      name_("clients-of-" + place_name(at.options)),
      thread_() {
  open_log(call_.log(), call_.environment(), about.name, {.stderr_is_terminal = false});
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Tickler::run(const std::stop_token& stop) {
  self_ = attributes_.local_node(boot_now() + tool_patience);
  const std::vector<Client> inherited = take_over();
  for (int round = 0; !stop.stop_requested(); ++round) {
    const auto next = std::chrono::steady_clock::now() + period;
    if (round < rounds && !inherited.empty()) tell(inherited);
    copy();
    std::unique_lock lock(mutex_);
    wake_.wait_until(lock, stop, next, [] { return false; });
  }
}

std::vector<Client> Tickler::take_over() {
  const auto list = attributes_.transient(name_, self_, boot_now() + tool_patience);
  if (!list || list->empty()) return {};
  // Whoever starts the helper again later shall not find it.
  static_cast<void>(attributes_.delete_transient(name_, self_, boot_now() + tool_patience));
  auto clients = parse_clients(*list, options_.ip.family);
  call_.log().info("telling {} clients of {} that its owner has changed", clients.size(), to_text(options_.ip));
  return clients;
}

void Tickler::tell(const std::vector<Client>& clients) {
  if (const auto sent = send_tickles(options_.ip, options_.nic, clients); !sent) complain(sent.error().what);
}

void Tickler::copy() {
  const auto clients = list_clients(options_.ip, boot_now() + kernel_patience);
  if (!clients) return complain(clients.error().what);
  const ClientList list = to_text(*clients, limits::attribute_value_bytes_max);
  if (list.left_out > 0 && !too_many_) {
    too_many_ = true;
    call_.log().notice(
        "{} of {} clients find no room in the list for the other nodes; they will notice a dead node by "
        "their own time-outs",
        list.left_out, clients->size());
  }
  if (!plan_.due(boot_now(), list.text)) return;
  if (const auto copied = copy_to_others(list.text); !copied) {
    plan_.failed();
    return complain(copied.error().what);
  }
  plan_.copied(boot_now(), list.text);
  complained_ = false;
}

Result<void> Tickler::copy_to_others(const std::string& list) {
  if (others_known_at_ == never || boot_now() - others_known_at_ >= others_for) {
    const auto here = run_program({"crm_node", "-p"}, call_.environment(), boot_now() + tool_patience);
    if (!here) return here.error();
    if (here->code != 0) return Error{Errc::refused, fmt::format("crm_node left with {}: {}", here->code, here->err)};
    others_ = words(here->out);
    std::erase(others_, self_);
    others_known_at_ = boot_now();
  }
  Result<void> all;
  for (const std::string& node : others_) {
    const Time until = boot_now() + tool_patience;
    auto one = list.empty() ? attributes_.delete_transient(name_, node, until)
                            : attributes_.set_private(name_, list, node, until);
    if (!one) all = std::move(one);
  }
  if (!all) others_known_at_ = never;
  return all;
}

/// Once, until all is well again: a fault that stays would fill the log second by second.
void Tickler::complain(const std::string& why) {
  if (complained_) return;
  complained_ = true;
  call_.log().warning("{}; clients of {} will notice by their own time-outs when this node dies", why,
                      to_text(options_.ip));
}

Result<void> send_tickles(const Ip& address, const std::string& nic, const std::vector<Client>& clients) {
  // IPPROTO_RAW: it sends what it is given, head and all, and receives nothing.
  const Fd socket(::socket(address.is_v6() ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!socket) return errno_error("make a socket for packets to clients");
  bool any_sent = false;
  int error = 0;
  for (const Client& client : clients) {
    const Packet packet = tickle(address, client);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, client.ip.bytes.data(), sizeof v4.sin_addr);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, client.ip.bytes.data(), sizeof v6.sin6_addr);
    if (client.ip.is_link_local()) v6.sin6_scope_id = ::if_nametoindex(nic.c_str());
    const bool is_v6 = address.is_v6();
    const auto* const to = is_v6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
    const socklen_t size = is_v6 ? sizeof v6 : sizeof v4;
    if (::sendto(socket.get(), packet.data(), packet.size(), 0, to, size) >= 0)
      any_sent = true;
    else
      error = errno;
  }
  if (!any_sent && error != 0) return errno_error("send packets to clients", error);
  return {};
}

}  // namespace systole::agents::ipaddr

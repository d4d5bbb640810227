// SPDX-License-Identifier: GPL-2.0-or-later
// See groups.hpp.
#include "crmd/io/groups.hpp"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <boost/asio/ip/multicast.hpp>
#include <memory>

#include "common/base/handles.hpp"

namespace systole::io {
namespace {

namespace asio = boost::asio;
namespace multicast = asio::ip::multicast;

std::optional<asio::ip::address> address_in(const sockaddr* from) {
  if (from == nullptr) return {};
  if (from->sa_family == AF_INET)
    return asio::ip::address_v4(ntohl(reinterpret_cast<const sockaddr_in*>(from)->sin_addr.s_addr));
  if (from->sa_family != AF_INET6) return {};
  const auto& six = *reinterpret_cast<const sockaddr_in6*>(from);
  asio::ip::address_v6::bytes_type bytes;
  std::copy(std::begin(six.sin6_addr.s6_addr), std::end(six.sin6_addr.s6_addr), bytes.begin());
  return asio::ip::address_v6(bytes, six.sin6_scope_id);
}

/// The interface that has this node's address.
struct Interface {
  std::uint32_t index = 0;
  std::optional<asio::ip::address> broadcast;
};

Result<Interface> interface_with(const std::string& address) {
  boost::system::error_code code;
  const auto wanted = asio::ip::make_address(address, code);
  if (code) return Error{Errc::invalid, fmt::format("'{}' is no IP address", address)};
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return errno_error("cannot list this machine's addresses");
  const std::unique_ptr<ifaddrs, Release<::freeifaddrs>> owner(list);
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (address_in(at->ifa_addr) != wanted) continue;
    Interface found;
    found.index = ::if_nametoindex(at->ifa_name);
    if ((at->ifa_flags & IFF_BROADCAST) != 0) found.broadcast = address_in(at->ifa_broadaddr);
    return found;
  }
  return Error{Errc::refused,
               fmt::format("{} cannot be used: no interface of this machine has this address now (see: ip "
                           "addr). Is the network up, and is this the right node?",
                           address)};
}

}  // namespace

Result<std::optional<asio::ip::address>> group_of(const LinkSetup& setup) {
  using Group = std::optional<asio::ip::address>;
  if (setup.group.empty()) return Group{};
  const auto interface = interface_with(setup.address);
  if (!interface) return interface.error();
  if (setup.group == "broadcast") {
    if (!interface->broadcast)
      return Error{Errc::refused,
                   fmt::format("the interface of {} knows no broadcast; give a mcastaddr", setup.address)};
    return interface->broadcast;
  }
  boost::system::error_code code;
  auto group = asio::ip::make_address(setup.group, code);
  if (code || !group.is_multicast())
    return Error{Errc::invalid, fmt::format("'{}' is no multicast address", setup.group)};
  if (group.is_v6()) {
    asio::ip::address_v6 there = group.to_v6();
    there.scope_id(interface->index);
    group = there;
  }
  return Group{group};
}

Result<void> join_group(asio::ip::udp::socket& socket, const LinkSetup& setup, const asio::ip::address& group) {
  boost::system::error_code code;
  const auto own = asio::ip::make_address(setup.address, code);
  if (!group.is_multicast()) {
    socket.set_option(asio::socket_base::broadcast(true), code);
  } else if (group.is_v4()) {
    socket.set_option(multicast::join_group(group.to_v4(), own.to_v4()), code);
    if (!code) socket.set_option(multicast::outbound_interface(own.to_v4()), code);
  } else {
    const auto index = static_cast<unsigned>(group.to_v6().scope_id());
    socket.set_option(multicast::join_group(group.to_v6(), index), code);
    if (!code) socket.set_option(multicast::outbound_interface(index), code);
  }
  if (!code && group.is_multicast()) socket.set_option(multicast::enable_loopback(false), code);
  if (code)
    return errno_error(fmt::format("cannot speak to {} from {}", group.to_string(), setup.address), code.value());
  return {};
}

std::uint32_t scope_of(const std::string& address) {
  boost::system::error_code code;
  const auto parsed = asio::ip::make_address(address, code);
  if (code || !parsed.is_v6() || !parsed.to_v6().is_link_local()) return 0;
  return static_cast<std::uint32_t>(parsed.to_v6().scope_id());
}

std::optional<Error> lacks_interface(const std::string& address) {
  boost::system::error_code code;
  const auto parsed = asio::ip::make_address(address, code);
  if (code || !parsed.is_v6() || !parsed.to_v6().is_link_local() || parsed.to_v6().scope_id() != 0) return {};
  return Error{Errc::not_found,
               fmt::format("the link-local address {} needs its interface in cluster.conf, as in {}%eth0, and the "
                           "interface must be there (see: ip -6 addr)",
                           address, address.substr(0, address.find('%')))};
}

}  // namespace systole::io

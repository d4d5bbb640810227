// SPDX-License-Identifier: GPL-2.0-or-later
// Netlink, as little of it as this agent needs, in process: no `ip` command, and no library whose loading would cost
// more than the whole work. Messages become values in pure functions that accept any bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/ocf/IPaddr/facts.hpp"
#include "common/base/handles.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::agents::ipaddr {

using Bytes = std::span<const std::byte>;

// --- bytes → values; nullopt: truncated, or not of the kind asked for ---
std::optional<Interface> parse_link(Bytes body);
std::optional<Address> parse_address(Bytes body);
/// Only routes that Facts speaks of.
std::optional<Route> parse_route(Bytes body);

/// A request being written: the kernel's header, a fixed part, attributes.
class Request {
 public:
  Request(std::uint16_t type, std::uint16_t flags);
  Request& put(const void* data, std::size_t size);
  template <class T>
  Request& fixed(const T& part) {
    return put(&part, sizeof part);
  }
  Request& attribute(std::uint16_t type, const void* data, std::size_t size);
  Request& attribute(std::uint16_t type, std::string_view text);  // with its closing NUL
  Request& attribute(std::uint16_t type, std::uint32_t value);
  Request& attribute(std::uint16_t type, Ipv4 ip);

  const std::vector<std::byte>& finish(std::uint32_t sequence);

 private:
  std::vector<std::byte> bytes_;
};

/// A conversation with one of the kernel's families. Every wait ends at the deadline.
class Netlink {
 public:
  /// protocol: NETLINK_ROUTE, NETLINK_SOCK_DIAG.
  static Result<Netlink> open(int protocol, Time deadline);

  /// Sends; waits for the acknowledgement. The Error: permission, exists (EEXIST), not_found (EADDRNOTAVAIL, ENODEV,
  /// ENOENT), invalid (EOPNOTSUPP), timeout, io.
  Result<void> ask(Request request, const std::string& tried);
  /// Sends; hands each answer's type and body over, until the dump is complete.
  Result<void> dump(Request request, const std::string& tried, const std::function<void(std::uint16_t, Bytes)>& take);

 private:
  Netlink(Fd socket, Time deadline) : socket_(std::move(socket)), deadline_(deadline) {}
  Result<Bytes> receive(const std::string& tried);
  Result<void> converse(Request& request, const std::string& tried,
                        const std::function<void(std::uint16_t, Bytes)>& take);

  Fd socket_;
  Time deadline_;
  std::uint32_t sequence_ = 1;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(32 << 10);  // the kernel's largest dump message
};

// --- the agent's questions and orders ---
enum class Depth { addresses, routes };  // routes: all of it; a router's table is long, and a monitor seldom needs it
Result<Facts> gather_facts(Netlink& route, Depth depth);
Result<void> add_address(Netlink& route, const Address& address);
Result<void> delete_address(Netlink& route, const Address& address);
Result<void> set_link_up(Netlink& route, const Interface& nic);

}  // namespace systole::agents::ipaddr

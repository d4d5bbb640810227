// SPDX-License-Identifier: GPL-2.0-or-later
// Conversations with the kernel's netlink families (netlink(7)) through libnl-3: requests, answers, the attributes in
// them. What is asked and ordered with it is in rtnl.hpp and connections.hpp.
#pragma once

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/bytes.hpp"
#include "common/base/handles.hpp"
#include "common/base/ip.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::agents::ipaddr {

/// The attributes behind a message's fixed part, by type, up to `most`. What is cut off or has a length of its own
/// makes that one, and those behind it, as if they were not there.
template <int most>
class Attributes {
 public:
  Attributes(Bytes body, std::size_t fixed) {
    const std::size_t begin = std::min(static_cast<std::size_t>(NLMSG_ALIGN(static_cast<int>(fixed))), body.size());
    // libnl reads only, but its interface is older than const.
    auto* const head = reinterpret_cast<nlattr*>(const_cast<std::byte*>(body.data() + begin));
    static_cast<void>(nla_parse(found_.data(), most, head, static_cast<int>(body.size() - begin), nullptr));
  }

  bool has(int type) const { return found_[static_cast<std::size_t>(type)] != nullptr; }
  Bytes bytes(int type) const {
    const nlattr* const one = found_[static_cast<std::size_t>(type)];
    if (one == nullptr) return {};
    return {static_cast<const std::byte*>(nla_data(one)), static_cast<std::size_t>(nla_len(one))};
  }
  template <class T>
  std::optional<T> value(int type) const {
    return peek<T>(bytes(type));
  }
  std::optional<Ip> ip(int type, IpFamily family) const {
    const Bytes raw = bytes(type);
    return ip_from(family, raw.data(), raw.size());
  }
  /// Up to the first NUL.
  std::string text(int type) const {
    const Bytes raw = bytes(type);
    if (raw.empty()) return {};
    const auto* const begin = reinterpret_cast<const char*>(raw.data());
    return {begin, ::strnlen(begin, raw.size())};
  }

 private:
  std::array<nlattr*, most + 1> found_{};
};

/// A request, built piece by piece.
class Request {
 public:
  Request(std::uint16_t type, std::uint16_t flags);
  Request& put(const void* data, std::size_t size);
  template <class T>
  Request& fixed(const T& part) {
    return put(&part, sizeof part);
  }
  Request& attribute(int type, const void* data, std::size_t size);
  Request& attribute(int type, std::string_view text);  // with its closing NUL
  Request& attribute(int type, std::uint32_t value);
  Request& attribute(int type, const Ip& ip);

  nl_msg* message() const { return message_.get(); }
  /// All behind the header: what a parser of such a message gets.
  Bytes body() const;

 private:
  std::unique_ptr<nl_msg, Release<nlmsg_free>> message_;
};

/// A conversation with one of the kernel's families. Every wait ends at the deadline.
class Netlink {
 public:
  using Take = std::function<void(std::uint16_t type, Bytes body)>;

  /// protocol: NETLINK_ROUTE, NETLINK_SOCK_DIAG.
  static Result<Netlink> open(int protocol, Time deadline);

  /// Sends; waits for the acknowledgement. The Error: permission, exists (EEXIST), not_found (EADDRNOTAVAIL, ENODEV,
  /// ENOENT), invalid (EOPNOTSUPP), timeout, io.
  Result<void> ask(const Request& request, const std::string& tried);
  /// Sends; hands each answer's type and body over, until the dump is complete. When the kernel says that what it
  /// lists was changed meanwhile it asks anew, after forget().
  Result<void> dump(const Request& request, const std::string& tried, const std::function<void()>& forget,
                    const Take& take);

 private:
  using Socket = std::unique_ptr<nl_sock, Release<nl_socket_free>>;
  Netlink(Socket socket, Time deadline) : socket_(std::move(socket)), deadline_(deadline) {}
  /// True: the answer is whole; false: it was changed while it was listed.
  Result<bool> converse(const Request& request, const std::string& tried, const Take& take);
  Result<void> wait(const std::string& tried);

  Socket socket_;
  Time deadline_;
  std::uint32_t sequence_ = 0;
};

}  // namespace systole::agents::ipaddr

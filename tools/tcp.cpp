// SPDX-License-Identifier: GPL-2.0-or-later
// See tcp.hpp.
#include "tools/tcp.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "common/base/text.hpp"
#include "tools/clock.hpp"

namespace systole::tools {
namespace {

constexpr std::size_t piece_bytes = 64 << 10;

/// Room for either family.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  sockaddr_in& v4() { return reinterpret_cast<sockaddr_in&>(storage); }
  sockaddr_in6& v6() { return reinterpret_cast<sockaddr_in6&>(storage); }
};

std::optional<SocketAddress> address_of(const Endpoint& endpoint) {
  SocketAddress address;
  if (::inet_pton(AF_INET, endpoint.address.c_str(), &address.v4().sin_addr) == 1) {
    address.v4().sin_family = AF_INET;
    address.v4().sin_port = htons(endpoint.port);
    address.size = sizeof(sockaddr_in);
    return address;
  }
  address = {};
  if (::inet_pton(AF_INET6, endpoint.address.c_str(), &address.v6().sin6_addr) != 1) return {};
  address.v6().sin6_family = AF_INET6;
  address.v6().sin6_port = htons(endpoint.port);
  address.size = sizeof(sockaddr_in6);
  return address;
}

std::string literal_of(SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = address.storage.ss_family == AF_INET;
  const void* const where = v4 ? static_cast<const void*>(&address.v4().sin_addr) : &address.v6().sin6_addr;
  ::inet_ntop(address.storage.ss_family, where, text.data(), text.size());
  return text.data();
}

Result<void> wait(int fd, short events, Time until) {
  for (;;) {
    pollfd one{fd, events, 0};
    const int ready = ::poll(&one, 1, poll_ms(until));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return errno_error("cannot wait for the network");
    if (ready == 0) return Error{Errc::timeout, "the other side says nothing any more"};
  }
}

Error unreachable(const Endpoint& to, std::string_view why) {
  return {
      Errc::not_connected,
      fmt::format("cannot reach {}: {}. Does 'systole invite' run there now, and does the firewall there let TCP port "
                  "{} in?",
                  text_of(to), why, to.port)};
}

}  // namespace

std::string text_of(const Endpoint& endpoint) {
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", endpoint.address, v6 ? "]" : "", endpoint.port);
}

Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t port_if_none) {
  const Error refused{Errc::invalid, fmt::format("'{}' is no IP address with or without a port: 192.0.2.1:{} or "
                                                 "[2001:db8::1]:{} (names are not looked up)",
                                                 text, port_if_none, port_if_none)};
  Endpoint endpoint{std::string(text), port_if_none};
  const bool brackets = text.starts_with('[');
  const std::size_t colon = text.rfind(':');
  const bool one_colon = colon != std::string_view::npos && text.find(':') == colon;
  if (brackets || one_colon) {
    const std::size_t end = brackets ? text.find(']') : colon;
    if (end == std::string_view::npos) return refused;
    endpoint.address = text.substr(brackets ? 1 : 0, end - (brackets ? 1 : 0));
    const std::string_view rest = text.substr(brackets ? end + 1 : end);
    if (!rest.empty()) {
      const auto port = rest.front() == ':' ? parse_int<std::uint16_t>(rest.substr(1)) : std::nullopt;
      if (!port || *port == 0) return refused;
      endpoint.port = *port;
    }
  }
  if (!address_of(endpoint)) return refused;
  return endpoint;
}

Result<Connection> Connection::open(const Endpoint& to, Time until) {
  auto address = address_of(to);
  if (!address) return Error{Errc::invalid, fmt::format("'{}' is no IP address", to.address)};
  Fd fd(::socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("cannot make a socket");
  if (::connect(fd.get(), address->get(), address->size) != 0 && errno != EINPROGRESS)
    return unreachable(to, errno_error("connect").what);
  if (!wait(fd.get(), POLLOUT, until)) return unreachable(to, "no answer");
  int why = 0;
  socklen_t size = sizeof why;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &why, &size) != 0 || why != 0)
    return unreachable(to, errno_error("connect", why).what);
  return Connection(std::move(fd), to.address);
}

Result<std::string> Connection::receive(Time until) {
  std::string bytes(piece_bytes, '\0');
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) {
      bytes.resize(static_cast<std::size_t>(got));
      return bytes;
    }
    if (got == 0) return Error{Errc::not_connected, "the other side closed the connection"};
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (const auto ready = wait(fd_.get(), POLLIN, until); !ready) return ready.error();
    } else if (errno != EINTR) {
      const int why = errno;
      return Error{Errc::not_connected, errno_error("the connection broke", why).what};
    }
  }
}

Result<void> Connection::send(std::string_view bytes, Time until) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (const auto ready = wait(fd_.get(), POLLOUT, until); !ready) return ready.error();
    } else if (errno != EINTR) {
      const int why = errno;
      return Error{Errc::not_connected, errno_error("the connection broke", why).what};
    }
  }
  return {};
}

std::string Connection::own_address() const {
  SocketAddress own;
  if (::getsockname(fd_.get(), own.get(), &own.size) != 0) return "";
  return literal_of(own);
}

Result<Listener> Listener::open(const Endpoint& at) {
  auto address = address_of(at);
  if (!address) return Error{Errc::invalid, fmt::format("'{}' is no IP address", at.address)};
  Fd fd(::socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("cannot make a socket");
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(fd.get(), address->get(), address->size) != 0 || ::listen(fd.get(), 8) != 0) {
    const int why = errno;
    const std::string hint = why == EADDRINUSE      ? "; another program, or another 'systole invite', has this port: "
                                                      "choose one with --port"
                             : why == EADDRNOTAVAIL ? "; this machine does not have that address now"
                                                    : "";
    return Error{Errc::io, errno_error(fmt::format("cannot listen on {}", text_of(at)), why).what + hint};
  }
  return Listener(std::move(fd));
}

Result<std::optional<Connection>> Listener::accept(Time until) {
  for (;;) {
    SocketAddress peer;
    Fd fd(::accept4(fd_.get(), peer.get(), &peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) return std::optional<Connection>(Connection(std::move(fd), literal_of(peer)));
    const int why = errno;
    if (why == EAGAIN || why == EWOULDBLOCK) {
      const auto ready = wait(fd_.get(), POLLIN, until);
      if (!ready && ready.error().code == Errc::timeout && clock_now() >= until) return std::optional<Connection>();
      if (!ready && ready.error().code != Errc::timeout) return ready.error();
    } else if (why != EINTR && why != ECONNABORTED) {
      return errno_error("cannot accept a connection", why);
    }
  }
}

}  // namespace systole::tools

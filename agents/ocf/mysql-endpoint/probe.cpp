// SPDX-License-Identifier: GPL-2.0-or-later
// See probe.hpp.
#include "agents/ocf/mysql-endpoint/probe.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>

#include "agents/kit/agent.hpp"
#include "common/base/handles.hpp"
#include "common/base/text.hpp"

namespace systole::agents::endpoint {
namespace {

constexpr std::string_view request = "OPTIONS / HTTP/1.0\r\n\r\n";

Result<void> wait_for(int socket, short what, Time deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - boot_now()).count();
  pollfd wanted{.fd = socket, .events = what, .revents = 0};
  if (left > 0 && ::poll(&wanted, 1, static_cast<int>(std::min<long>(left, 60'000))) > 0) return {};
  return Error{Errc::timeout, "no answer in time"};
}

}  // namespace

Result<Place> place_of(std::string_view listen) {
  const std::size_t colon = listen.rfind(':');
  const auto port = colon == std::string_view::npos ? std::nullopt : parse_int<std::uint16_t>(listen.substr(colon + 1));
  if (!port || *port == 0)
    return Error{
        Errc::invalid,
        fmt::format("'{}' is no place to listen at, such as 192.0.2.1:9200, [2001:db8::1]:9200 or *:9200", listen)};
  std::string_view address = listen.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  return Place{.address = address == "*" ? "127.0.0.1" : std::string(address), .port = std::to_string(*port)};
}

Result<void> ask(const Place& place, Time deadline) {
  addrinfo wanted{};
  wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(place.address.c_str(), place.port.c_str(), &wanted, &found) != 0)
    return Error{Errc::invalid, fmt::format("'{}' is no IP address", place.address)};
  const std::unique_ptr<addrinfo, Release<::freeaddrinfo>> all(found);
  const Fd socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno_error("make a socket");
  if (::connect(socket.get(), found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS)
    return Error{Errc::not_connected, fmt::format("nobody listens at {} port {}", place.address, place.port)};
  if (const auto ready = wait_for(socket.get(), POLLOUT, deadline); !ready) return ready;
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return Error{Errc::not_connected, fmt::format("nobody listens at {} port {}", place.address, place.port)};
  if (const auto ready = wait_for(socket.get(), POLLIN, deadline); !ready) return ready;
  std::array<char, 16> answer{};
  const ssize_t got = ::recv(socket.get(), answer.data(), answer.size(), 0);
  if (got >= 5 && std::string_view(answer.data(), 5) == "HTTP/") return {};
  return Error{Errc::protocol, fmt::format("who listens at {} port {} does not speak HTTP", place.address, place.port)};
}

}  // namespace systole::agents::endpoint

// SPDX-License-Identifier: GPL-2.0-or-later
// Blocking TCP with deadlines, for the one conversation that two tools have. Addresses are literals: name service may
// be what is down, and a cluster's configuration takes no names either.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/handles.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::tools {

struct Endpoint {
  std::string address;  // IP literal
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

/// "192.0.2.1:5408", "2001:db8::1", "[2001:db8::1]:5408".
std::string text_of(const Endpoint& endpoint);
Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t port_if_none);

class Connection {
 public:
  /// Errc::not_connected: nobody answers there, and what may be the reason.
  static Result<Connection> open(const Endpoint& to, Time until);
  explicit Connection(Fd fd, std::string peer) : fd_(std::move(fd)), peer_(std::move(peer)) {}

  /// At least one byte. Errc::timeout; Errc::not_connected when the other side closed.
  Result<std::string> receive(Time until);
  Result<void> send(std::string_view bytes, Time until);
  /// Own address of this connection, as an IP literal.
  std::string own_address() const;
  const std::string& peer() const { return peer_; }

 private:
  Fd fd_;
  std::string peer_;  // IP literal
};

class Listener {
 public:
  static Result<Listener> open(const Endpoint& at);
  /// nullopt: nobody came until then.
  Result<std::optional<Connection>> accept(Time until);

 private:
  explicit Listener(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace systole::tools

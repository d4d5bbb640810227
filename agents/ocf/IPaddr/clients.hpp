// SPDX-License-Identifier: GPL-2.0-or-later
// The clients that an address has, and how those of a dead owner are told. A client that waits for an answer hears
// nothing when its server's power goes: no packet of its own is under way that anybody could answer with a reset, and
// it waits for its own time-out. So the owner copies the list of its clients to the other nodes while it lives, and the
// next owner sends each of them a bare ACK (a "tickle"). Its numbers are wrong on purpose: RFC 9293 §3.10.7.4 has the
// client answer with an ACK of its own; for that one the new owner has no connection, and resets it. Whoever has a
// living connection answers the same way and loses nothing. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/ocf/IPaddr/packet.hpp"
#include "common/base/ip.hpp"
#include "common/base/time.hpp"

namespace systole::agents::ipaddr {

/// The far end of a connection to the address.
struct Client {
  std::uint16_t service = 0;  // the port at the address
  Ip ip;
  std::uint16_t port = 0;
  auto operator<=>(const Client&) const = default;
};

/// "3306=10.0.0.7:40112,10.0.0.8:35500 22=…", sorted, so that the same clients give the same text. Who finds no room in
/// bytes_max is left out; left_out counts them.
struct ClientList {
  std::string text;
  std::size_t left_out = 0;
};
ClientList to_text(std::vector<Client> clients, std::size_t bytes_max);
/// What is not understood, or of the other family, is skipped.
std::vector<Client> parse_clients(std::string_view text, IpFamily family);

/// A whole IP packet from the address to a client.
Packet tickle(const Ip& address, const Client& client);

/// When a list is copied: when it has changed, and now and then all the same, because a node that was away has lost its
/// copy.
class CopyPlan {
 public:
  bool due(Time now, std::string_view list) const;
  void copied(Time now, std::string list);
  /// Tried in vain: again at the next look.
  void failed() { last_.reset(); }

 private:
  std::optional<Time> last_;
  std::string list_;
};

}  // namespace systole::agents::ipaddr

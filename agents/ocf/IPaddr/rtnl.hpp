// SPDX-License-Identifier: GPL-2.0-or-later
// What the agent asks the kernel's routing family and orders from it (rtnetlink(7)). Parsers never trust a length: a
// message that is cut off or lies is skipped, not believed.
#pragma once

#include "agents/ocf/IPaddr/facts.hpp"
#include "agents/ocf/IPaddr/netlink.hpp"

namespace systole::agents::ipaddr {

// --- parsers of message bodies (what follows the nlmsghdr); nullopt: cut off, or nothing that the agent uses ---
std::optional<Interface> parse_link(Bytes body);
std::optional<Address> parse_address(Bytes body);
std::optional<Route> parse_route(Bytes body);
std::optional<Neighbour> parse_neighbour(Bytes body);

enum class Depth { addresses, routes };  // routes: all of it; a router's table is long, and a monitor seldom needs it
Result<Facts> gather_facts(Netlink& route, IpFamily family, Depth depth);
/// Those of one interface that somebody has answered for.
Result<std::vector<Neighbour>> list_neighbours(Netlink& route, IpFamily family, int index);

Result<void> add_address(Netlink& route, const Address& address);
Result<void> delete_address(Netlink& route, const Address& address);
Result<void> set_link_up(Netlink& route, const Interface& nic);

/// RFC 6724's label for one IPv6 address: another than the destinations', so it is not picked as a source.
Result<void> add_address_label(Netlink& route, const Ip& ip, std::uint32_t label);
Result<void> delete_address_label(Netlink& route, const Ip& ip, std::uint32_t label);

/// A socket that becomes readable when links or addresses of the family change, or rules of nftables. What changed is
/// not told: look again.
class Changes {
 public:
  static Result<Changes> open(IpFamily family);
  static Result<Changes> open_rules();
  int fd() const { return socket_.get(); }
  /// Reads all that is there. False: nothing was.
  bool drain();

 private:
  explicit Changes(Fd socket) : socket_(std::move(socket)) {}
  static Result<Changes> listen(int protocol, unsigned groups, const std::string& tried);
  Fd socket_;
};

}  // namespace systole::agents::ipaddr

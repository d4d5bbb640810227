// SPDX-License-Identifier: GPL-2.0-or-later
// The links: one UDP socket per link, bound to this node's address on it (and to the interface, where one is named).
// What comes in is unsealed and decoded here; what does not hold is counted by kind and never seen by the core.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/log/log.hpp"
#include "common/wire/packet.hpp"
#include "crmd/io/seal.hpp"

namespace systole::io {

struct LinkSetup {
  std::string address;  // this node's, an IP literal
  std::uint16_t port = 0;
  std::string interface;  // "": any
};

class Links {
 public:
  using OnPacket = std::function<void(std::size_t link, wire::Packet packet)>;

  /// Errors: not_found (no such interface), exists (port in use), refused (the address is not on this machine),
  /// permission. peers: each node's addresses, one per link.
  static Result<std::unique_ptr<Links>> open(boost::asio::io_context& context, const std::vector<LinkSetup>& setups,
                                             const std::map<NodeId, std::vector<std::string>>& peers, Sealer sealer,
                                             Log& log, OnPacket on_packet);

  /// Sends or loses the packet, as the network does; a link that cannot send is said once, when it begins and ends.
  void transmit(NodeId to, std::size_t link, const wire::Packet& packet);
  const RefusedDatagrams& refused() const { return refused_; }

 private:
  struct Link {
    boost::asio::ip::udp::socket socket;
    LinkSetup setup;
    int last_error = 0;  // of sending
  };
  Links(Sealer sealer, Log& log, OnPacket on_packet);
  void listen(std::size_t link);
  void receive_all(std::size_t link);
  void receive(std::size_t link, std::string_view datagram);

  Sealer sealer_;
  Log& log_;
  OnPacket on_packet_;
  std::vector<std::unique_ptr<Link>> links_;
  std::map<NodeId, std::vector<boost::asio::ip::udp::endpoint>> peers_;
  RefusedDatagrams refused_;
  std::string buffer_;
};

}  // namespace systole::io

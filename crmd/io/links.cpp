// SPDX-License-Identifier: GPL-2.0-or-later
// See links.hpp. No SO_REUSEADDR: two daemons on one port must be an error, not a lottery.
#include "crmd/io/links.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <cstring>

#include "common/base/limits.hpp"

namespace systole::io {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;

constexpr int receive_buffer_bytes = 1 << 20;
constexpr int datagrams_per_turn = 64;  // then the others have their turn

Error bind_error(const LinkSetup& setup, int why) {
  const std::string place = fmt::format("{} port {}/udp", setup.address, setup.port);
  switch (why) {
    case EADDRINUSE:
      return {Errc::exists,
              fmt::format("{} is in use by another program (find it with: ss -ulpn 'sport = :{}'); end it, or "
                          "choose another 'port' in the totem section of every node's cluster.conf",
                          place, setup.port)};
    case EADDRNOTAVAIL:
      return {Errc::refused,
              fmt::format("{} cannot be used: no interface of this machine has this address now (see: ip "
                          "addr). Is the network up, and is this the right node?",
                          place)};
    case EACCES:
      return {Errc::permission, fmt::format("{} cannot be used: {}", place, std::strerror(why))};
    default:
      return errno_error(fmt::format("cannot listen on {}", place), why);
  }
}

Result<udp::socket> open_socket(asio::io_context& context, const LinkSetup& setup) {
  boost::system::error_code code;
  const auto address = asio::ip::make_address(setup.address, code);
  if (code) return Error{Errc::invalid, fmt::format("'{}' is no IP address", setup.address)};
  udp::socket socket(context);
  socket.open(address.is_v6() ? udp::v6() : udp::v4(), code);
  if (code) return errno_error(fmt::format("cannot open a socket for {}", setup.address), code.value());
  const int fd = socket.native_handle();
  if (address.is_v6()) socket.set_option(asio::ip::v6_only(true), code);
  if (!setup.interface.empty() && ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, setup.interface.c_str(),
                                               static_cast<socklen_t>(setup.interface.size())) != 0) {
    const int why = errno;
    if (why == ENODEV)
      return Error{Errc::not_found,
                   fmt::format("there is no interface '{}' on this machine (see: ip link); cluster.conf "
                               "names it for the link with address {}",
                               setup.interface, setup.address)};
    return errno_error(fmt::format("cannot use interface '{}'", setup.interface), why);
  }
  socket.bind(udp::endpoint(address, setup.port), code);
  if (code) return bind_error(setup, code.value());
  // Both are wishes: without them the link works, with less room for bursts and behind other traffic.
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  const int priority = 6;
  ::setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority);
  socket.non_blocking(true, code);
  return socket;
}

}  // namespace

Links::Links(Sealer sealer, Log& log, OnPacket on_packet)
    : sealer_(std::move(sealer)),
      log_(log),
      on_packet_(std::move(on_packet)),
      buffer_(limits::packet_bytes_max + 1, '\0') {}

Result<std::unique_ptr<Links>> Links::open(asio::io_context& context, const std::vector<LinkSetup>& setups,
                                           const std::map<NodeId, std::vector<std::string>>& peers, Sealer sealer,
                                           Log& log, OnPacket on_packet) {
  std::unique_ptr<Links> links(new Links(std::move(sealer), log, std::move(on_packet)));
  for (const LinkSetup& setup : setups) {
    auto socket = open_socket(context, setup);
    if (!socket) return socket.error();
    links->links_.push_back(std::make_unique<Link>(Link{std::move(*socket), setup, 0}));
  }
  for (const auto& [id, addresses] : peers)
    for (std::size_t i = 0; i < addresses.size() && i < setups.size(); ++i) {
      boost::system::error_code code;
      const auto address = asio::ip::make_address(addresses[i], code);
      if (code) return Error{Errc::invalid, fmt::format("'{}' is no IP address", addresses[i])};
      links->peers_[id].emplace_back(address, setups[i].port);
    }
  for (std::size_t i = 0; i < setups.size(); ++i) links->listen(i);
  return links;
}

void Links::transmit(NodeId to, std::size_t link, const wire::Packet& packet) {
  const auto peer = peers_.find(to);
  if (peer == peers_.end() || link >= peer->second.size() || link >= links_.size()) return;
  Link& through = *links_[link];
  const std::string sealed = sealer_.seal(wire::encode_packet(packet));
  boost::system::error_code code;
  through.socket.send_to(asio::buffer(sealed), peer->second[link], 0, code);
  if (code.value() == through.last_error) return;
  through.last_error = code.value();
  if (code)
    log_.warning("link {} ({}): cannot send: {}; trying on with every heartbeat", link, through.setup.address,
                 code.message());
  else
    log_.notice("link {} ({}): can send again", link, through.setup.address);
}

void Links::listen(std::size_t link) {
  links_[link]->socket.async_wait(udp::socket::wait_read, [this, link](const boost::system::error_code& error) {
    if (error == asio::error::operation_aborted) return;
    receive_all(link);
    listen(link);
  });
}

void Links::receive_all(std::size_t link) {
  for (int n = 0; n < datagrams_per_turn; ++n) {
    // MSG_TRUNC: the true length, so that an oversized datagram is known as one.
    const ssize_t got =
        ::recv(links_[link]->socket.native_handle(), buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (got < 0) return;
    if (static_cast<std::size_t>(got) > limits::packet_bytes_max)
      ++refused_.oversized;
    else
      receive(link, std::string_view(buffer_).substr(0, static_cast<std::size_t>(got)));
  }
}

void Links::receive(std::size_t link, std::string_view datagram) {
  const Sealer::Opened opened = sealer_.open(datagram);
  if (opened.refusal) {
    switch (*opened.refusal) {
      case Sealer::Refusal::truncated:
        ++refused_.truncated;
        return;
      case Sealer::Refusal::oversized:
        ++refused_.oversized;
        return;
      case Sealer::Refusal::foreign:
        ++refused_.foreign;
        return;
      case Sealer::Refusal::tampered:
        ++refused_.tampered;
        return;
    }
    return;
  }
  auto packet = wire::decode_packet(opened.plain);
  if (!packet) {
    // Whoever sealed it has our key: most likely a node with another version of Systole. Said once per cause is enough.
    if (refused_.unreadable++ == 0)
      log_.warning("link {}: a sealed packet cannot be read: {}", link, packet.error().what);
    return;
  }
  on_packet_(link, std::move(*packet));
}

}  // namespace systole::io

// SPDX-License-Identifier: GPL-2.0-or-later
// Where a link's packets go to when they do not go to each node alone: a multicast group, or all of the network. Every
// node hears every packet then, and passes over those that name another receiver. The socket is bound to the group's
// address, so that only what is meant for the group comes in, and the group is joined on the interface of this node's
// own address. Link-local addresses of IPv6, which mean an interface too, are here as well.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/udp.hpp>
#include <optional>
#include <string>

#include "common/base/result.hpp"
#include "crmd/io/links.hpp"

namespace systole::io {

/// nullopt: to each node alone. Errors: refused (this machine does not have the link's address, or its network knows no
/// broadcast).
Result<std::optional<boost::asio::ip::address>> group_of(const LinkSetup& setup);

/// For a socket that is bound to the group.
Result<void> join_group(boost::asio::ip::udp::socket& socket, const LinkSetup& setup,
                        const boost::asio::ip::address& group);

/// The interface that a link-local address names; 0: none, or another kind of address.
std::uint32_t scope_of(const std::string& address);
/// A link-local address without an interface, or with one that is not there.
std::optional<Error> lacks_interface(const std::string& address);

}  // namespace systole::io

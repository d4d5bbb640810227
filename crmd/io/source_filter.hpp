// SPDX-License-Identifier: GPL-2.0-or-later
// Who may speak to a link at all, told to the kernel: a datagram whose source is none of the nodes' addresses is
// dropped before it wakes anybody or takes room in the socket's buffer. Nodes bind their sockets to their addresses, so
// theirs pass. This is no proof of anything – sources can be forged, seals cannot – but it makes the cheapest flood the
// cheapest to bear.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <vector>

namespace systole::io {

/// The socket is UDP and of the addresses' family; others in the list are left out. Replaces an earlier filter. False:
/// the kernel refused it, and everything still comes in.
bool accept_only_from(int socket, bool v6, const std::vector<boost::asio::ip::address>& sources);

/// Datagrams that the kernel dropped at this socket so far: by the filter, or because its buffer was full.
std::uint64_t dropped_by_kernel(int socket);

}  // namespace systole::io

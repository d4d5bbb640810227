// SPDX-License-Identifier: GPL-2.0-or-later
// What start and monitor say to the neighbours, and ask them.
#pragma once

#include "agents/ocf/IPaddr/helper.hpp"

namespace systole::agents::ipaddr {

/// The first announcement at once, the others in the foreground if that is wanted; then the resident helper. The socket
/// is opened before anything is changed, because who may not announce an address must not take it, and closed when all
/// is done, because closing one takes the kernel more than 10 ms.
void announce(const Place& place, Netlink& route, const Placement& at, Result<LinkSocket>& link);

/// What a recurring monitor repeats (arp_count_refresh).
void refresh_neighbours(const Place& place, const Facts& facts);

/// Asks three times whether somebody has the address, and hears for a quarter of a second. RFC 5227's packets with
/// shorter times: its own would keep a service away for seconds.
Result<void> nobody_else_has(const Place& place, const Placement& at, const Facts& facts);

}  // namespace systole::agents::ipaddr

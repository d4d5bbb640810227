// SPDX-License-Identifier: GPL-2.0-or-later
// What start and monitor say to the neighbours, and ask them.
#pragma once

#include "agents/ocf/IPaddr/helper.hpp"

namespace systole::agents::ipaddr {

/// Asked before anything is changed: an address that nobody hears of would be lost for its clients.
Result<void> may_announce(const Interface& nic, const Ip& ip);

/// The first announcement at once, the others in the foreground if that is wanted; then the resident helper.
void announce(const Place& place, Netlink& route, const Placement& at);

/// What a recurring monitor repeats (arp_count_refresh).
void refresh_neighbours(const Place& place, const Facts& facts);

/// Asks three times whether somebody has the address, and hears for a quarter of a second. RFC 5227's packets with
/// shorter times: its own would keep a service away for seconds.
Result<void> nobody_else_has(const Place& place, const Placement& at, const Facts& facts);

}  // namespace systole::agents::ipaddr

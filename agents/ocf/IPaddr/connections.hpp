// SPDX-License-Identifier: GPL-2.0-or-later
// TCP connections that end at the address. When the address leaves, they must end with a reset: else each client sits
// in its read until its own time-out, minutes later, while the service has long been alive elsewhere.
#pragma once

#include <cstddef>
#include <vector>

#include "agents/kit/agent.hpp"
#include "agents/ocf/IPaddr/clients.hpp"
#include "common/base/ip.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::agents::ipaddr {

/// Resets every TCP connection whose local address is ip (listening sockets stay), IPv4-mapped IPv6 ones included.
/// The number of those reset. Errc::invalid: this kernel is built without CONFIG_INET_DIAG_DESTROY.
Result<std::size_t> reset_connections(const Ip& ip, Time deadline);

/// The same for a stop: says what came of it, and goes on.
void reset_clients(Call& call, const Ip& ip);

/// The far ends of the TCP connections that are open at ip, and of those whose client waits for the last answers.
Result<std::vector<Client>> list_clients(const Ip& ip, Time deadline);

}  // namespace systole::agents::ipaddr

// SPDX-License-Identifier: GPL-2.0-or-later
// The resident helper as a process: how it is started, found, read and ended, and the loop that feeds resident.hpp's
// machine with the kernel's events.
#pragma once

#include <optional>
#include <vector>

#include "agents/kit/agent.hpp"
#include "agents/ocf/IPaddr/link_socket.hpp"
#include "agents/ocf/IPaddr/namespace.hpp"
#include "agents/ocf/IPaddr/resident.hpp"
#include "agents/ocf/IPaddr/rtnl.hpp"

namespace systole::agents::ipaddr {

/// One call's working place.
struct Place {
  Call& call;
  const Options& options;
  const NetworkNamespace& net;
};

/// What monitor judges by, and the verdict.
struct Look {
  Facts facts;
  Verdict verdict;
};
Result<Look> look(const Options& options, bool probe, Time deadline);

/// The address, and the network namespace where one is named: what sets one such resource apart from another.
std::string place_name(const Options& options);

/// Ends an older one first. begin: when the announcement at 0 of `announcements` was made.
Result<void> launch_helper(const Place& at, std::vector<Duration> announcements, Time begin);
Result<void> end_helper(const Place& at);
/// What it last wrote; nullopt: none runs.
std::optional<ResidentState> helper_state(const Place& at);
std::string helper_state_file(const Place& at);

/// To everybody on the link, and to each neighbour that is known alone: some ignore what goes to everybody.
Result<void> announce_once(LinkSocket& link, Netlink& route, const Interface& nic, IpFamily family);

}  // namespace systole::agents::ipaddr

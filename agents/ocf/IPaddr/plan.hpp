// SPDX-License-Identifier: GPL-2.0-or-later
// The agent's decisions: pure functions from parameters and Facts to what holds and what to do. Exit codes by situation
// are those of ocf:heartbeat:IPaddr2, which managers and people know.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/kit/table.hpp"
#include "agents/ocf/IPaddr/options.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::agents::ipaddr {

/// Where the address belongs: the entry to make.
struct Placement {
  Interface nic;
  Address address;
};

/// Interface by `nic`, else the one where the address is already, else by the longest matching route of a link; prefix
/// by `cidr_netmask`, else the same route, else /32 is refused. not_found: no such interface, or no route leads there.
Result<Placement> place(const Options& options, const Facts& facts);

/// The entries of the address that are the agent's business: on `nic`, or anywhere but on a loopback interface.
std::vector<Address> served(const Options& options, const Facts& facts);

struct Verdict {
  Ocf code = Ocf::ok;
  std::string why;
  bool operator==(const Verdict&) const = default;
};

/// The entries of the address on loopback interfaces: where lvs_support keeps it while it is stopped.
std::vector<Address> kept_on_loopback(const Options& options, const Facts& facts);

/// monitor: 0 served; 7 not there, or its link is down; 1 wrong label, somebody else has it (IPv6's own detection), or
/// (not in a probe) the interface is gone.
Verdict judge_monitor(const Options& options, const Facts& facts, bool probe);

enum class StartStep {
  refuse,    // why and code say what is in the way
  announce,  // it is there: only tell the neighbours again
  replace,   // it is there, but with another label or as IPv6's own detection left it: take it off, then add
  add,
};
struct StartPlan {
  StartStep step = StartStep::refuse;
  Verdict verdict;
  Placement placement;
};
StartPlan plan_start(const Options& options, const Facts& facts);

/// Secondary addresses that the kernel takes away together with `gone` (they are in its network, and it is the primary
/// one).
std::vector<Address> taken_along(const Address& gone, const Facts& facts);

/// When to announce, counted from the start, ascending; the first is always 0. Default: 0, 50, 150, 500 ms, 1, 5 s;
/// further ones every 5 s. Fast ones first: what a switch dropped while it learned the new port is repeated within its
/// hundredths.
std::vector<Duration> announcement_times(const Options& options);

}  // namespace systole::agents::ipaddr

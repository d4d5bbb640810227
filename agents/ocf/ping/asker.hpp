// SPDX-License-Identifier: GPL-2.0-or-later
// Asks several hosts at the same time: at the beginning of each attempt all that have not answered yet, over one socket
// per family. The socket is an unprivileged one where net.ipv4.ping_group_range grants it, else a raw one.
#pragma once

#include <string>
#include <vector>

#include "agents/ocf/ping/address.hpp"
#include "agents/ocf/ping/options.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::agents::ping {

struct Answer {
  bool came = false;
  Duration round_trip{};
  std::string why;  // where none came
};

struct Manner {
  int attempts = 3;
  Duration wait = 2s;  // of each attempt, also of the last one
  Options options;
};

/// One answer for each host, in order; a host whose address is an Error is not asked and did not answer. Takes
/// attempts × wait at most, and less when all have answered. permission: sockets for ICMP are not granted to us.
Result<std::vector<Answer>> ask(const std::vector<Result<Address>>& hosts, const Manner& manner);

}  // namespace systole::agents::ping

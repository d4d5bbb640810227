// SPDX-License-Identifier: GPL-2.0-or-later
// Names to addresses. The resolver may block for as long as it likes (a dead DNS server), and a program without shared
// libraries cannot load the machine's own resolver modules; so getent(1) is asked, one for each name, all at the same
// time, and what has not answered by the deadline is ended.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/kit/values.hpp"
#include "agents/ocf/ping/address.hpp"
#include "common/base/time.hpp"

namespace systole::agents::ping {

/// One result for each host, in order. Those that are addresses already cost nothing. only: of names with addresses of
/// both families.
std::vector<Result<Address>> addresses_of(const std::vector<std::string>& hosts, std::optional<icmp::Family> only,
                                          const Environment& env, Time deadline);

/// The first address in getent's output "ADDRESS STREAM NAME …"; nullopt: none.
std::optional<Address> first_address(std::string_view lines);

}  // namespace systole::agents::ping

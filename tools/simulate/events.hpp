// SPDX-License-Identifier: GPL-2.0-or-later
// What somebody imagines to happen to a cluster: nodes come, go and fail, operations have other results.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::tools {

/// The result of an operation, as crm_simulate is told of it: RESOURCE_OPERATION_INTERVAL@NODE=CODE, the interval in
/// ms, 0 for what does not recur; "db_monitor_10000@n1=7". A resource's name may have underscores.
struct ImaginedResult {
  std::string text;  // as it was written
  ResourceId resource;
  std::string operation;
  Duration interval{};
  NodeName node;
  int rc = 0;
};
/// Errc::invalid names the part that is wrong.
Result<ImaginedResult> parse_imagined_result(std::string_view text);

/// All at once, in the order of the members.
struct Events {
  std::optional<bool> quorum, watchdog;
  std::vector<NodeName> up;     // it is a member and has joined
  std::vector<NodeName> down;   // it has left in good order: nothing runs there, nothing is known of it
  std::vector<NodeName> fails;  // it was there, and is gone: what ran there may run on
  std::vector<ImaginedResult> results;
  bool empty() const { return !quorum && !watchdog && up.empty() && down.empty() && fails.empty() && results.empty(); }
};

}  // namespace systole::tools

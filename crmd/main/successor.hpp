// SPDX-License-Identifier: GPL-2.0-or-later
// The program that takes this process over: the one that is on disk now, perhaps another version.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace systole {

/// Runs it with --check: whether it starts and accepts the configuration. Blocks, for ten seconds at most. Errors: what
/// it said, or why it cannot be run.
Result<void> try_successor(const std::vector<std::string>& command_line);

/// Does not return but with the reason why it could not.
Error become_successor(const std::vector<std::string>& command_line);

}  // namespace systole

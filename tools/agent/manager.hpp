// SPDX-License-Identifier: GPL-2.0-or-later
// The cluster manager's tools, called as a person would: crmd's and Pacemaker's have the same names, so one way through
// `cibadmin` and its like works under both.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::tools {

/// What the tool printed; an Error with its words when it left with anything but 0. not_found also where it left with
/// "no such object".
Result<std::string> run_tool(const std::vector<std::string>& argv);

/// Until the manager has nothing left to do after what it was told.
Result<void> wait_until_idle(bool crmd, Duration limit);

/// Does Systole's own manager answer here?
bool crmd_answers();

}  // namespace systole::tools

// SPDX-License-Identifier: GPL-2.0-or-later
// An agent that is killed at its timeout has said nothing. Verbs keep to Call::deadline(); this is for those that hang
// all the same (a system call that does not return, a bug): shortly before the manager would kill the process it gives
// its reason and ends itself.
#pragma once

#include <string>

#include "common/base/time.hpp"

namespace systole::agents {

/// After `rest` the process writes `reason` to stderr and leaves with `code`, whatever it is doing. Once per process.
/// Children that are forked have no such end.
void end_process_after(Duration rest, std::string reason, int code);

/// Takes that back: the work is done and has its own exit code, however long the process's end then takes.
void keep_process();

}  // namespace systole::agents

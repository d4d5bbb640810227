// SPDX-License-Identifier: GPL-2.0-or-later
// The rejoin (rejoin.hpp) as a process beside a started instance, so that no action waits for it: launched by whoever
// finds that the server cannot follow its primary, ended by stop. SIGKILL at any moment is safe.
#pragma once

#include <optional>
#include <string>

#include "agents/kit/agent.hpp"
#include "agents/ocf/mysql/cluster.hpp"
#include "agents/ocf/mysql/rejoin_state.hpp"
#include "agents/ocf/mysql/replication.hpp"

namespace systole::mysql {

/// Is the server, which cannot follow the primary as it is, to be made to? Launches the process if it does not run.
/// What is then said instead of an error is the Result's text. Errors: not_found: the primary has all that it has, so
/// that nothing is to be undone; refused: the cause's own words, for a person; others: the primary cannot be asked now.
Result<std::string> rejoin_instead(agents::Call& call, const Settings& settings, Server& server,
                                   const PrimaryAddress& primary, const Error& cause, Deadline deadline);

Result<void> launch_rejoin(agents::Call& call, const Settings& settings, const PrimaryAddress& primary);
/// What monitor would find at its next turn, now, in a process of its own: if the server has more than the primary, the
/// rejoin begins.
void look_whether_apart(agents::Call& call, const Settings& settings);
Result<void> end_rejoin(const agents::Call& call);
/// Databases that copies replaced go, in a process of their own. For when this server follows its primary.
void see_to_replaced(agents::Call& call, const Settings& settings);

}  // namespace systole::mysql

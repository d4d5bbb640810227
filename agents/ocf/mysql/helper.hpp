// SPDX-License-Identifier: GPL-2.0-or-later
// The resident helper as a process: launched by start, ended by stop, missed and launched again by monitor. An action
// that changes the server's role ends it first and launches it anew at its end, so the two are never at work together.
// SIGKILL at any moment is safe: see lineage.hpp.
#pragma once

#include <optional>
#include <string>

#include "agents/kit/agent.hpp"
#include "agents/ocf/mysql/helper_state.hpp"
#include "agents/ocf/mysql/settings.hpp"

namespace systole::mysql {

Result<void> launch_helper(agents::Call& call, const Settings& settings);
/// The same; what fails is logged, and monitor launches it again.
void bring_helper_back(agents::Call& call, const Settings& settings);
Result<void> end_helper(const agents::Call& call);
/// nullopt: none runs.
std::optional<HelperState> helper_state(const agents::Call& call);

}  // namespace systole::mysql

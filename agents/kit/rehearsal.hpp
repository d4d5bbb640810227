// SPDX-License-Identifier: GPL-2.0-or-later
// What agents that manage nothing have in common (Dummy, Stateful): a state file in place of a service, and notes of
// how they were called, for those who try or test a manager with them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/kit/agent.hpp"

namespace systole::agents {

/// The rows for "state", "envfile", "trace_file" and "degraded", to put into a table.
std::vector<Param> rehearsal_params();

/// The parameter "state", or NAME-INSTANCE.state where state files live. Instances of a clone that is not globally
/// unique share the name: the number may change while the resource runs.
std::string state_file_of(const Call& call);

/// nullopt: there is none. The text comes trimmed.
Result<std::optional<std::string>> read_state(const Call& call);
/// Makes the default folder when it is missing.
Result<void> write_state(const Call& call, std::string_view text);
Result<void> remove_state(const Call& call);

/// Appends the environment to the file of the parameter "envfile", if one is given.
void dump_environment(Call& call);
/// Appends "TIME INSTANCE ACTION CODE" to the file of the parameter "trace_file", if one is given. Returns code.
Ocf traced(Call& call, Ocf code);

/// args: the folder of the state file, or of envfile or trace_file, cannot be written to. Asked by validate-all with
/// OCF_CHECK_LEVEL 10.
Ocf check_rehearsal_folders(Call& call);

/// ok and running_promoted as degraded ones where the parameter "degraded" wants it.
Ocf degraded_if_wanted(const Call& call, Ocf code);

}  // namespace systole::agents

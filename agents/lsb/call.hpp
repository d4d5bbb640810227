// SPDX-License-Identifier: GPL-2.0-or-later
// One call of an OCF agent for those who have no cluster manager: init scripts and Heartbeat's resource.d. The agent
// gets the environment that a manager would give it; what it says goes on to where we say things.
#pragma once

#include <optional>
#include <string>

#include "agents/kit/values.hpp"
#include "agents/lsb/agent_name.hpp"
#include "agents/lsb/positional.hpp"
#include "common/base/time.hpp"

namespace systole::lsb {

struct Resource {
  FoundAgent agent;
  std::string instance;
  Parameters parameters;
  std::optional<Duration> timeout;  // of each action; none: as long as it takes, as init scripts do
};

/// What the agent's process is given: env without the parameters of somebody else, and the resource's own.
agents::Environment environment_for(const Resource& resource, const agents::Environment& env);

/// The agent's exit code. Its output goes to our stderr (so that stdout stays free for one word); an agent that cannot
/// be run, or was killed at its time-out, is explained there.
int call_agent(const Resource& resource, const std::string& action, const agents::Environment& env);

/// stdout and stderr, unbuffered: these programs say a line or two.
void say(std::string_view text);
void complain(std::string_view text);

}  // namespace systole::lsb

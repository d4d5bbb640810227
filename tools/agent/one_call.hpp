// SPDX-License-Identifier: GPL-2.0-or-later
// Agent calls by hand, made by the very code that makes them in crmd: the executor says what the environment is, the
// shell's AgentCall runs the process. So an agent that works here sees nothing else under the cluster manager.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/lsb/agent_name.hpp"
#include "cib/model/configuration.hpp"
#include "crmd/executor/executor.hpp"

namespace systole::tools {

struct AgentRequest {
  lsb::FoundAgent agent;
  std::string action;
  std::string instance = "default";
  cib::Pairs parameters, meta;  // OCF_RESKEY_… and OCF_RESKEY_CRM_meta_…
  Duration timeout = 20s;       // then SIGKILL to its process group
  Duration interval{};          // of a monitor; 0: a probe
  std::string tools_folder;     // first in PATH; "": none
  bool init_script = false;     // agent.program is one: no parameters, and no exit codes of OCF's
  bool adopted = false;         // this process adopts orphans (leaks.hpp): those that end during the call are reaped
};

struct AgentAnswer {
  executor::Outcome outcome;
  std::optional<int> code;  // the exit code as it was; none: killed, timed out, or never begun
  std::string output, errors;
  Duration limit{};  // the request's time-out
  bool timed_out() const { return outcome.status == cib::OpStatus::timed_out; }
  /// "7 (not running)", "killed, since it was not done within 20s", …
  std::string in_words() const;
};

AgentAnswer call_agent(const AgentRequest& request);

/// Several at a time; answers in the order of the requests.
std::vector<AgentAnswer> call_agents(const std::vector<AgentRequest>& requests);

}  // namespace systole::tools

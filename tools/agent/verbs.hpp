// SPDX-License-Identifier: GPL-2.0-or-later
// `systole agent …` and `systole lsb-check`: OCF agents and init scripts used and tested by hand, without a cluster.
#pragma once

#include <string>
#include <vector>

#include "agents/lsb/agent_name.hpp"
#include "tools/program.hpp"

namespace CLI {
class App;
}

namespace systole::tools {

struct AgentOptions {
  std::string name;                     // as parse_agent_name takes it
  std::string action;                   // of run
  std::vector<std::string> meta;        // name=value, OCF_RESKEY_CRM_meta_…
  std::vector<std::string> parameters;  // name=value
  std::string provider;                 // of list; "": all
  std::string instance = "default";
  std::string timeout, interval;  // "": the agent's own; a probe
  std::string tools_folder;       // first in the agent's PATH
  bool unchecked = false;         // parameters are not compared with the meta-data
  bool stand_ins = false;         // of test: attributes are kept in files, no cluster is needed
  bool quiet = false;             // of test: only what does not hold
};

struct LsbCheckOptions {
  std::string script;
  bool run = false;
  std::string timeout = "20s";
};

void describe_agent(CLI::App& app, AgentOptions& options);
void describe_lsb_check(CLI::App& app, LsbCheckOptions& options);

/// The exit code: of run the agent's own, 124 when it was killed at its time-out; of test 0 when all rules hold,
/// else 1.
int agent(Surroundings& here, const CLI::App& chosen, const AgentOptions& options);
int lsb_check(Surroundings& here, const LsbCheckOptions& options);

// The verbs of `systole agent` one by one.
int agent_list(Surroundings& here, const AgentOptions& options);
int agent_info(Surroundings& here, const AgentOptions& options);
int agent_run(Surroundings& here, const AgentOptions& options);
int agent_test(Surroundings& here, const AgentOptions& options);

/// Our own crm_attribute and its like, where Pacemaker's are not installed; else "": agents find what is in PATH.
std::string default_tools_folder();

/// The agent that is meant, of those on this machine. An error is a sentence for the person.
Result<lsb::FoundAgent> find_named(const std::string& name);

}  // namespace systole::tools

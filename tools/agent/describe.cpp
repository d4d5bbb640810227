// SPDX-License-Identifier: GPL-2.0-or-later
// The command lines of `systole agent` and `systole lsb-check`.
#include <CLI/CLI.hpp>

#include "tools/agent/verbs.hpp"

namespace systole::tools {

void describe_agent(CLI::App& app, AgentOptions& options) {
  auto* const agent = app.add_subcommand("agent", "OCF agents by hand, without a cluster: list, info, run, test");
  agent->require_subcommand(1);
  auto* const list = agent->add_subcommand("list", "every OCF agent on this machine");
  list->add_option("provider", options.provider, "of this provider only");
  auto* const info = agent->add_subcommand("info", "what an agent does, its parameters and actions");
  auto* const run = agent->add_subcommand(
      "run", "one action, as the cluster manager would call it; the exit code is the agent's own");
  auto* const test = agent->add_subcommand(
      "test", "does the agent keep OCF's rules? Starts and stops the resource for real (exit 1: a rule is broken)");
  for (auto* const verb : {info, run, test})
    verb->add_option("agent", options.name, "IPaddr, systole:IPaddr, ocf:systole:IPaddr or a path")->required();
  run->add_option("action", options.action, "start, stop, monitor, promote, …")->required();
  for (auto* const verb : {run, test}) {
    verb->add_option("parameters", options.parameters, "name=value");
    verb->add_option("--instance", options.instance, "the resource's id")->capture_default_str();
    verb->add_option("--meta", options.meta, "name=value: what a manager says of the resource, as clone_max=2")
        ->allow_extra_args(false);
    verb->add_option("--tools-dir", options.tools_folder, "a folder that comes first in the agent's PATH");
  }
  run->add_option("--timeout", options.timeout, "then it is killed (default: the action's own in the meta-data)");
  run->add_option("--interval", options.interval, "of a monitor, as a recurring one (default: a probe)");
  run->add_flag("--unchecked", options.unchecked, "take parameters that the meta-data do not name");
  test->add_flag("--stand-ins", options.stand_ins,
                 "without a cluster: stand-ins for crm_attribute, attrd_updater and their like keep values in files");
  test->add_flag("--quiet", options.quiet, "only what does not hold, and the summary");
}

int agent(Surroundings& here, const CLI::App& chosen, const AgentOptions& options) {
  const std::string verb = chosen.get_subcommands().front()->get_name();
  if (verb == "list") return agent_list(here, options);
  if (verb == "info") return agent_info(here, options);
  if (verb == "run") return agent_run(here, options);
  return agent_test(here, options);
}

void describe_lsb_check(CLI::App& app, LsbCheckOptions& options) {
  auto* const check =
      app.add_subcommand("lsb-check", "is an init script fit for a cluster? (exit 1: a rule is broken)");
  check->add_option("script", options.script, "a file, or the name of one in /etc/init.d")->required();
  check->add_flag("--run", options.run, "start and stop the service for real, and see");
  check->add_option("--timeout", options.timeout, "for each action, with --run")->capture_default_str();
}

}  // namespace systole::tools

// SPDX-License-Identifier: GPL-2.0-or-later
// The rules of agent calls that need no process: which program, which argument, which environment, and what an ending
// means. Behaviour follows Pacemaker's executor (libcrmservice 2.1.5), so that agents written for it notice no
// difference.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/limits.hpp"
#include "crmd/executor/executor.hpp"

namespace systole::io {

struct AgentSettings {
  std::string ocf_root = "/usr/lib/ocf";    // agents are in <ocf_root>/resource.d/PROVIDER/TYPE
  std::string init_folder = "/etc/init.d";  // class lsb
  std::string run_directory;                // SYSTOLE_RUNDIR for the tools that agents call
  std::string tools_folder;                 // crm_attribute and its like: first in PATH; "": none
};

/// A call that can be made.
struct AgentCommand {
  std::string program, action;
  std::vector<std::string> environment;  // NAME=value, sorted
  std::string cgroup;                    // where it and all that it starts shall be; "": with the daemon
};

/// The command, or how the call ends because it cannot be made (not installed, not permitted, class unknown).
/// inherited: the daemon's own environment, of which a few names are passed on.
std::variant<AgentCommand, executor::Outcome> prepare_call(const AgentSettings& settings, const executor::RunAgent& run,
                                                           const char* const* inherited);

/// The environment of such a call, NAME=value, sorted: for those who find the program by themselves.
std::vector<std::string> call_environment(const AgentSettings& settings, const executor::RunAgent& run,
                                          const char* const* inherited);

/// errno of exec or stat as an ending: not there → 5 "not installed", not allowed → 4, else 1.
executor::Outcome cannot_run(const std::string& program, int errno_value);

/// status: of waitpid(2).
executor::Outcome judge_ending(std::string_view standard, std::string_view action, int status, std::string_view errors);
executor::Outcome judge_timeout(Duration timeout);

/// The meta-data names the action watch.
bool offers_watch(std::string_view meta_data);

/// What follows the last "ocf-exit-reason:" up to its line's end, at most limits::exit_reason_bytes_max bytes.
std::string exit_reason_of(std::string_view errors);

/// Keeps the newest bytes, at least limits::agent_output_bytes_max of them and never twice as many: the reason of a
/// failure comes last.
class BoundedOutput {
 public:
  void add(std::string_view bytes);
  /// What is kept; valid until the next add.
  std::string_view text() const { return kept_; }
  std::size_t dropped() const { return dropped_; }

 private:
  std::string kept_;
  std::size_t dropped_ = 0;
};

}  // namespace systole::io

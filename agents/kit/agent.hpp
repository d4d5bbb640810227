// SPDX-License-Identifier: GPL-2.0-or-later
// An agent is a class of verbs and one table (table.hpp). run_agent() alone knows argv, the environment, exit codes and
// where log lines go; a verb receives a Call, works until call.deadline() at most, and returns an exit code. So each
// verb can be run in a test by handing it a Call made of a map.
//
//   int main(int argc, char** argv) { MyAgent agent; return systole::agents::run_agent(argc, argv, agent); }
//
// Facts of the machine → values → a pure judge() → act: keep these three apart in each verb.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

#include "agents/kit/paths.hpp"
#include "agents/kit/table.hpp"
#include "agents/kit/values.hpp"
#include "common/base/time.hpp"
#include "common/log/log.hpp"

namespace systole::agents {

/// CLOCK_BOOTTIME. Agents are shell: they may read clocks, but only through this.
Time boot_now();

/// Sleeps, but never past the deadline; false when the deadline has come. Signals do not shorten it.
bool pause_for(Duration duration, Time deadline);

/// One call of an agent: everything a verb may know.
class Call {
 public:
  /// about and env must outlive the call. now: when the process began its work; the deadline follows from it.
  Call(const About& about, const Environment& env, std::string action, Time now);

  /// As in ocf:systole:NAME.
  std::string_view agent_name() const { return agent_name_; }
  const std::string& action() const { return action_; }
  const Values& params() const { return params_; }
  void fall_back(const About& about, const Fallbacks& fallbacks) { params_.fall_back(about, fallbacks); }
  const Meta& meta() const { return meta_; }
  const Environment& environment() const { return env_; }
  const Paths& paths() const { return paths_; }
  Log& log() { return log_; }

  /// A monitor (or status) outside the recurring ones: "is it running here?", asked of a node where nothing may be
  /// installed.
  bool is_probe() const;
  /// The moment after which no step may begin: CRM_meta_timeout (or the table's timeout by hand) less a reserve of a
  /// tenth, at least 200 ms and at most 2 s, so that the agent itself says why it was late before it is killed.
  Time deadline() const { return deadline_; }
  Duration left() const;
  /// What lies between deadline() and the manager's timeout.
  Duration reserve() const { return reserve_; }

  /// Says why: one line to the log and one "ocf-exit-reason:" line on stderr (the manager shows it). Returns code.
  template <class... A>
  Ocf fail(Ocf code, fmt::format_string<A...> why, A&&... values) {
    return explain(code, fmt::format(why, std::forward<A>(values)...));
  }
  Ocf explain(Ocf code, std::string_view why);
  /// The last reason given; for tests and for verbs that call others.
  const std::string& reason() const { return reason_; }

 private:
  const Environment& env_;
  std::string_view agent_name_;
  std::string action_;
  Values params_;
  Meta meta_;
  Paths paths_;
  Log log_;
  Time deadline_;
  Duration reserve_{};
  std::string reason_;
};

class Agent {
 public:
  virtual ~Agent() = default;
  virtual const About& about() const = 0;

  /// What parameters mean that were not given, where the machine knows better than the table. Asked once, before
  /// validate and before stop.
  virtual Fallbacks fallbacks(Call&) { return {}; }
  /// Called for validate-all, and before every other action but stop and meta-data; must be right for an unprivileged
  /// user. In a probe of a machine where the software is missing return installed: the probe then says not_running.
  virtual Ocf validate(Call& call) = 0;
  virtual Ocf start(Call& call) = 0;
  /// Succeeds where nothing runs. Its parameters may have faults: then those have their fallbacks.
  virtual Ocf stop(Call& call) = 0;
  virtual Ocf monitor(Call& call) = 0;
  virtual Ocf promote(Call&) { return Ocf::unimplemented; }
  virtual Ocf demote(Call&) { return Ocf::unimplemented; }
  virtual Ocf notify(Call&) { return Ocf::unimplemented; }
  virtual Ocf reload(Call&) { return Ocf::unimplemented; }  // action reload-agent
  /// False: this action may outlive its timeout. For agents that test what a manager does then, and for watch, whose
  /// work is to wait.
  virtual bool keeps_time(std::string_view action) const { return action != "watch"; }
  /// Actions beyond OCF's (watch …): those that the table names.
  virtual Ocf extra(Call&) { return Ocf::unimplemented; }
};

/// main() of every agent. Extra words on the command line are ignored, as OCF 1.1 says; none is OCF_ERR_ARGS.
int run_agent(int argc, const char* const* argv, Agent& agent);

/// The same for tests: no process state but stdout and stderr.
Ocf run_call(Agent& agent, Call& call);

}  // namespace systole::agents

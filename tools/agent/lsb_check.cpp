// SPDX-License-Identifier: GPL-2.0-or-later
// `systole lsb-check`: is an init script fit for a cluster? By default it is only read; with --run it is run, and what
// will happen is said before.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "agents/kit/agent.hpp"
#include "agents/kit/paths.hpp"
#include "agents/kit/process.hpp"
#include "agents/lsb/header.hpp"
#include "tools/agent/interrupt.hpp"
#include "tools/agent/leaks.hpp"
#include "tools/agent/one_call.hpp"
#include "tools/agent/rule_report.hpp"
#include "tools/agent/script_rules.hpp"
#include "tools/agent/verbs.hpp"

namespace systole::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view tool = "systole lsb-check";
constexpr Duration last_breath = 1s;

/// A bare name is one of /etc/init.d.
std::string path_of(const std::string& script) {
  if (script.find('/') == std::string::npos) return "/etc/init.d/" + script;
  std::error_code ignored;
  const fs::path path = fs::absolute(script, ignored);
  return path.empty() ? script : path.string();
}

void check_file(const std::string& path, RuleReport& report) {
  struct stat about {};
  static_cast<void>(::stat(path.c_str(), &about));
  const auto mode = fmt::format("mode {:o}", about.st_mode & 07777U);
  report.rule(S_ISREG(about.st_mode) && (about.st_mode & 0111) != 0, "it is an executable file", mode);
  report.rule((about.st_mode & 0022) == 0, "only its owner may write it: root runs it", mode);
}

/// -n: the shell reads the script and runs nothing of it.
void check_syntax(const std::string& path, const std::string& interpreter, RuleReport& report) {
  const bool there = !interpreter.empty() && ::access(interpreter.c_str(), X_OK) == 0;
  report.rule(there, "the interpreter is on this machine", fmt::format("'{}' is not", interpreter));
  const std::string shell = interpreter.substr(interpreter.rfind('/') + 1);
  if (!there || (shell != "sh" && shell != "bash" && shell != "dash")) return;
  const auto ran = agents::run_program({interpreter, "-n", path}, {}, agents::boot_now() + 10s);
  report.rule(ran && ran->code == 0, "the shell can read it", ran ? ran->err : ran.error().what);
}

/// The script run for real.
class Runner {
 public:
  Runner(const std::string& path, Duration timeout, RuleReport& report) : report_(report) {
    request_.agent = {.root = "", .provider = "", .type = path.substr(path.rfind('/') + 1), .program = path};
    request_.timeout = timeout;
    request_.init_script = request_.adopted = true;
  }

  void run() {
    const AgentAnswer first = call("status");
    if (first.code == 0)
      return void(report_.rule(false, "the service is stopped", "it runs: stop it, and begin again"));
    stopped(first, "status of the stopped service");
    done("stop", "stop of the stopped service");
    done("start", "start");
    running("status right after start");
    done("start", "start of the running service");
    running("status after the second start");
    const AgentAnswer unknown = call("no-such-action");
    report_.rule(unknown.code.value_or(0) != 0, "an unknown action is refused", words_of(unknown));
    running("status after the unknown action");
    done("stop", "stop");
    stopped(call("status"), "status right after stop");
    const auto left = descendants_after(last_breath);
    report_.rule(left.empty(), "no process is left after stop", in_words(left));
    end_descendants();
    done("stop", "a second stop");
    stopped(call("status"), "status after the second stop");
    if (call("status").code == 0 || InterruptMark::is_set()) static_cast<void>(call("stop"));
    report_.rule(late_.empty(), fmt::format("each action was done within {}", to_text(request_.timeout)), late_);
  }

 private:
  AgentAnswer call(const std::string& action) {
    AgentRequest request = request_;
    request.action = action;
    if (InterruptMark::is_set()) {
      report_.mute();
      if (action != "stop" || !started_) return {};  // what we did not start may be somebody's
    }
    started_ = started_ || action == "start";
    AgentAnswer answer = call_agent(request);
    if (answer.timed_out()) late_ += (late_.empty() ? "" : ", ") + action;
    return answer;
  }

  static std::string words_of(const AgentAnswer& answer) {
    return answer.code ? fmt::format("exit code {}", *answer.code) : answer.outcome.exit_reason;
  }

  void done(const std::string& action, std::string_view rule) {
    const AgentAnswer answer = call(action);
    report_.rule(answer.code == 0, fmt::format("{} succeeds", rule), words_of(answer));
  }
  void running(std::string_view rule) {
    const AgentAnswer answer = call("status");
    report_.rule(answer.code == 0, fmt::format("{}: 0 (running)", rule), words_of(answer));
  }
  void stopped(const AgentAnswer& answer, std::string_view rule) {
    report_.rule(answer.code == 3, fmt::format("{}: 3 (not running)", rule), words_of(answer));
  }

  RuleReport& report_;
  AgentRequest request_;
  std::string late_;
  bool started_ = false;  // by us, at least once
};

void run_script(const std::string& path, Duration timeout, RuleReport& report) {
  // At once, not at the end: the person may still press Ctrl-C.
  fmt::print(stderr,
             "{}: runs {} as this user with status, stop, start, start, no-such-action, stop, stop: the service starts "
             "and stops for real\n",
             tool, path);
  adopt_orphans();
  const WorkFolder folder;
  if (!folder.made()) return void(report.rule(false, "there is a working directory", folder.made().error().what));
  Runner(path, timeout, report).run();
  end_descendants();
}

}  // namespace

int lsb_check(Surroundings& here, const LsbCheckOptions& options) {
  const std::string path = path_of(options.script);
  const auto text = agents::read_file(path, lsb::script_bytes_max);
  if (!text) return fail(here, tool, text.error());
  const auto timeout = parse_duration(options.timeout);
  if (!timeout || *timeout <= Duration{})
    return usage(here, tool, fmt::format("--timeout '{}' is no time such as 20s", options.timeout));
  here.out += fmt::format("{}\n", path);
  RuleReport report(here.out, false);
  check_file(path, report);
  const InterruptMark interrupt;
  const ScriptFindings found = judge_script(*text, path.substr(path.rfind('/') + 1));
  for (const RuleResult& result : found.rules) report.rule(result.instead.empty(), result.rule, result.instead);
  check_syntax(path, found.interpreter, report);
  for (const std::string& note : found.notes) report.note(note);
  if (options.run)
    run_script(path, *timeout, report);
  else
    report.note("it was only read; --run starts and stops the service and sees what it really does");
  if (InterruptMark::is_set()) {
    here.err += fmt::format("{}: interrupted; what it had started was told to stop\n", tool);
    return interrupted_exit_code;
  }
  here.out += report.summary();
  return report.broken() == 0 ? 0 : 1;
}

}  // namespace systole::tools

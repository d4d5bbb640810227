// SPDX-License-Identifier: GPL-2.0-or-later
// `systole agent test`: the rules of OCF tried on a living resource, one line each. The agent gets an empty working
// directory, and every process that it leaves becomes a child of this one. A resource that runs already is let alone.
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "agents/lsb/codes.hpp"
#include "agents/lsb/positional.hpp"
#include "common/base/text.hpp"
#include "tools/agent/about_agent.hpp"
#include "tools/agent/interrupt.hpp"
#include "tools/agent/leaks.hpp"
#include "tools/agent/meta_data_rules.hpp"
#include "tools/agent/rule_report.hpp"
#include "tools/agent/stand_ins.hpp"
#include "tools/agent/verbs.hpp"

namespace systole::tools {
namespace {

constexpr std::string_view tool = "systole agent test";
constexpr Duration recurring = 10s;   // the interval that monitors are said to have
constexpr Duration last_breath = 1s;  // for processes that are just ending
constexpr uid_t nobody = 65534;

constexpr int ok = 0, unimplemented = 3, not_running = 7, promoted = 8;

class Tester {
 public:
  Tester(RuleReport& report, AgentRequest request) : report_(report), base_(std::move(request)) {}

  void run() {
    before_ = addresses_here();
    if (!look_at_program() || !look_at_meta_data()) return;
    ask();
    if (!is_stopped()) return;
    if (live()) stop_spoilt();
    if (InterruptMark::is_set()) static_cast<void>(call("stop"));
    judge_all_calls();
  }
  bool started() const { return started_; }

 private:
  // ---- one call
  AgentAnswer call(const std::string& action, const cib::Pairs& meta = {}, Duration interval = {}) {
    return call_with(base_.parameters, action, meta, interval);
  }
  AgentAnswer monitor() { return call("monitor", {}, recurring); }

  AgentAnswer call_with(const cib::Pairs& parameters, const std::string& action, const cib::Pairs& meta = {},
                        Duration interval = {}) {
    AgentRequest request = base_;
    request.action = action;
    request.parameters = parameters;
    for (const auto& [name, value] : meta) request.meta[name] = value;
    request.interval = interval;
    request.timeout = timeout_of(data_, action);
    if (InterruptMark::is_set()) {
      report_.mute();
      if (action != "stop" || !started_) return {};  // what we did not start may be somebody's
    }
    started_ = started_ || action == "start";
    AgentAnswer answer = call_agent(request);
    if (answer.timed_out())
      late_.push_back(fmt::format("{} was not done after its {}", action, to_text(request.timeout)));
    else if (!answer.code)
      strange_.push_back(fmt::format("{}: {}", action, answer.in_words()));
    else if (!lsb::is_ocf_code(*answer.code))
      strange_.push_back(fmt::format("{} ended with {}", action, *answer.code));
    else if (is_failure(*answer.code) && answer.outcome.exit_reason.empty())
      silent_.insert(action);
    return answer;
  }

  /// One that a person will have to look into: 3 explains itself.
  static bool is_failure(int code) {
    return code != ok && code != not_running && code != unimplemented && code < promoted;
  }

  /// "start: 0 (ok)" as a rule; wanted: any of them.
  bool expect(const AgentAnswer& answer, std::initializer_list<int> wanted, std::string_view what) {
    const bool fits = answer.code && std::ranges::find(wanted, *answer.code) != wanted.end();
    const int first = *wanted.begin();
    std::string instead = fmt::format("{}, not {} ({})", answer.in_words(), first, lsb::in_words(first));
    if (answer.code && !answer.outcome.exit_reason.empty()) instead += ": " + answer.outcome.exit_reason;
    return report_.rule(fits, fmt::format("{} ({} ms of {})", what, to_ms(answer.outcome.ran), to_text(answer.limit)),
                        instead);
  }

  // ---- what can be known without a resource
  bool look_at_program() {
    struct stat about {};
    const bool there = ::stat(base_.agent.program.c_str(), &about) == 0;
    return report_.rule(there && (about.st_mode & 0555) == 0555, "the program may be run by everybody (mode 755)",
                        fmt::format("mode {:o}", about.st_mode & 07777U));
  }

  bool look_at_meta_data() {
    AgentRequest request = meta_data_request(base_.agent);  // no parameters: nobody knows them yet
    const AgentAnswer answer = call_agent(request);
    if (!expect(answer, {ok}, "meta-data needs no parameters")) return false;
    auto data = read_meta_data(base_.agent, answer);
    if (!report_.rule(data.has_value(), "meta-data is well-formed XML", data ? "" : data.error().what)) return false;
    data_ = std::move(*data);
    for (const RuleResult& result : judge_meta_data(data_, base_.agent.type))
      report_.rule(result.instead.empty(), result.rule, result.instead);
    look_as_nobody(request);
    const auto faults = faults_of(data_, base_.parameters);
    return report_.rule(faults.empty(), "the test was given parameters that the agent has, and all that it needs",
                        join(faults, "; "));
  }

  /// In a child, since there is no way back from another user.
  void look_as_nobody(const AgentRequest& request) {
    if (::geteuid() != 0) return report_.note("meta-data as another user: not tried, you are not root");
    const pid_t child = ::fork();
    if (child == 0) {
      const bool became = ::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0;
      const AgentAnswer answer = became ? call_agent(request) : AgentAnswer{};
      const auto data = read_meta_data(request.agent, answer);
      if (!data) fmt::print(stderr, "as user nobody: {}\n", data.error().what);
      ::_exit(data && *data == data_ ? 0 : 1);
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    report_.rule(child > 0 && status == 0, "meta-data says the same to user nobody",
                 "it fails, or says something else");
  }

  void ask() {
    expect(call("no-such-action"), {unimplemented}, "an unknown action is refused");
    // Without validate-all nothing is asked without its parameters: a start might do anything.
    if (offers(data_, "validate-all")) {
      expect(call("validate-all"), {ok}, "validate-all accepts the parameters");
      for (const cib::AgentParameter& parameter : data_.parameters) miss(parameter);
    } else {
      report_.note("validate-all is not offered; missing parameters were not tried");
    }
  }

  void miss(const cib::AgentParameter& parameter) {
    if (!must_be_given(parameter)) return;
    cib::Pairs fewer = base_.parameters;
    fewer.erase(parameter.name);
    const AgentAnswer answer = call_with(fewer, "validate-all");
    report_.rule(answer.code && *answer.code != ok,
                 fmt::format("validate-all refuses to go without the required '{}'", parameter.name),
                 answer.in_words());
  }

  // ---- the resource's life
  bool is_stopped() {
    const AgentAnswer probe = call("monitor");
    if (probe.code == ok || probe.code == promoted) {
      report_.rule(false, "a resource that was never started does not run",
                   fmt::format("probe says {}; if it really runs, stop it first: it was left alone", probe.in_words()));
      return false;
    }
    expect(probe, {not_running}, "probe of a stopped resource");
    expect(monitor(), {not_running}, "monitor of a stopped resource");
    expect(call("stop"), {ok}, "stop of a stopped resource");
    nothing_left("before the first start");
    return true;
  }

  bool live() {
    if (!expect(call("start"), {ok}, "start")) {
      expect(call("stop"), {ok}, "stop after a start that failed");
      nothing_left("after the start that failed");
      report_.note("the resource did not start: the rest was not tried");
      return false;
    }
    // Whatever is asked first after start: it must be true at once.
    expect(monitor(), {ok}, "monitor right after start");
    expect(call("monitor"), {ok}, "probe of a running resource");
    expect(call("start"), {ok}, "start of a running resource");
    expect(monitor(), {ok}, "monitor after the second start");
    const auto held = folder_.held_by(descendants());
    report_.rule(held.empty(), "what was started holds no file open in the caller's working directory",
                 join(held, ", "));
    if (offers(data_, "promote") && offers(data_, "demote")) change_roles();
    if (offers(data_, "notify")) notify();
    reload();
    end();
    return true;
  }

  void change_roles() {
    expect(call("demote"), {ok}, "demote of an instance that is not promoted");
    if (!expect(call("promote"), {ok}, "promote")) return report_.note("the rest of the roles was not tried");
    expect(monitor(), {promoted}, "monitor of a promoted instance");
    expect(call("promote"), {ok}, "promote of a promoted instance");
    expect(monitor(), {promoted}, "monitor after the second promote");
    expect(call("demote"), {ok}, "demote");
    expect(monitor(), {ok}, "monitor after demote");
    expect(call("demote"), {ok}, "a second demote");
    expect(monitor(), {ok}, "monitor after the second demote");
  }

  void notify() {
    for (const char* const type : {"pre", "post"}) {
      const cib::Pairs meta{{"notify", "true"},           {"notify_type", type},  {"notify_operation", "start"},
                            {"notify_start_uname", " "},  {"clone", "0"},         {"clone_max", "2"},
                            {"notify_active_uname", " "}, {"clone_node_max", "1"}};
      expect(call("notify", meta), {ok}, fmt::format("notify ({}-start)", type));
    }
  }

  void reload() {
    for (const char* const action : {"reload-agent", "reload"}) {
      if (!offers(data_, action)) continue;
      expect(call(action), {ok}, fmt::format("{} of a running resource", action));
      expect(monitor(), {ok}, fmt::format("monitor after {}", action));
    }
  }

  void end() {
    expect(call("stop"), {ok}, "stop");
    expect(monitor(), {not_running}, "monitor right after stop");
    expect(call("monitor"), {not_running}, "probe after stop");
    nothing_left("after stop");
    expect(call("stop"), {ok}, "a second stop");
    expect(monitor(), {not_running}, "monitor after the second stop");
  }

  /// What was started with good values must be stoppable when somebody has spoilt one that stop does not need.
  void stop_spoilt() {
    const auto fits = [&](const cib::AgentParameter& parameter) {
      return (parameter.type == "integer" || parameter.type == "boolean") && !parameter.required;
    };
    const auto found = std::ranges::find_if(data_.parameters, fits);
    if (found == data_.parameters.end())
      return report_.note("stop with a spoilt value: not tried, no optional parameter is an integer or boolean");
    if (call("start").code != ok) return void(report_.rule(false, "start once more", "it fails"));
    cib::Pairs spoilt = base_.parameters;
    spoilt[found->name] = "spoilt";
    expect(call_with(spoilt, "stop"), {ok}, fmt::format("stop when '{}' was spoilt meanwhile", found->name));
    expect(monitor(), {not_running}, "monitor after that stop");
    if (call("stop").code != ok) report_.note("even stop with the good values failed afterwards");
    nothing_left("after that stop");
  }

  // ---- what is left behind
  void nothing_left(std::string_view when) {
    const auto processes = descendants_after(last_breath);
    report_.rule(processes.empty(), fmt::format("no process is left {}", when), in_words(processes));
    end_descendants();
    std::vector<std::string> more;
    for (const std::string& address : addresses_here())
      if (!before_.contains(address)) more.push_back(address);
    report_.rule(more.empty(), fmt::format("no address is left {}", when), join(more, ", "));
    const auto files = folder_.files();
    report_.rule(files.empty(), fmt::format("no file is left in the working directory {}", when), join(files, ", "));
  }

  void judge_all_calls() {
    report_.rule(strange_.empty(), "every call ended with an exit code of OCF's", join(strange_, ", "));
    report_.rule(late_.empty(), "every call was done within its advertised time-out", join(late_, ", "));
    for (const std::string& action : silent_)
      report_.note(fmt::format("{} failed without an ocf-exit-reason: people will not know why", action));
  }

 public:
  const WorkFolder& folder() const { return folder_; }

 private:
  RuleReport& report_;
  AgentRequest base_;
  WorkFolder folder_;
  cib::AgentMetaData data_;
  std::set<std::string> before_, silent_;
  std::vector<std::string> strange_, late_;
  bool started_ = false;  // by us, at least once
};

}  // namespace

int agent_test(Surroundings& here, const AgentOptions& options) {
  auto found = find_named(options.name);
  if (!found) return fail(here, tool, found.error());
  auto parameters = lsb::parse_parameters(options.parameters);
  if (!parameters) return usage(here, tool, parameters.error().what);
  auto meta = lsb::parse_parameters(options.meta);
  if (!meta) return usage(here, tool, meta.error().what);
  AgentRequest request;
  request.agent = std::move(*found);
  request.instance = options.instance;
  request.parameters = std::move(*parameters);
  request.meta = std::move(*meta);
  request.tools_folder = options.tools_folder.empty() ? default_tools_folder() : options.tools_folder;
  std::optional<StandIns> stand_ins;
  if (options.stand_ins) {
    stand_ins.emplace();
    if (!stand_ins->made()) return fail(here, tool, stand_ins->made().error());
    request.tools_folder = stand_ins->folder();
  }
  const InterruptMark interrupt;
  adopt_orphans();
  request.adopted = true;
  RuleReport report(here.out, options.quiet);
  here.out += fmt::format("{}: {}\n", request.agent.id(), request.agent.program);
  bool started = false;
  {
    Tester tester(report, std::move(request));
    if (!tester.folder().made()) return fail(here, tool, tester.folder().made().error());
    tester.run();
    end_descendants();
    started = tester.started();
  }
  if (InterruptMark::is_set()) {
    here.err += fmt::format("{}: interrupted; {}\n", tool,
                            started ? "the resource was told to stop" : "nothing had been started");
    return interrupted_exit_code;
  }
  here.out += report.summary();
  return report.broken() == 0 ? 0 : 1;
}

}  // namespace systole::tools

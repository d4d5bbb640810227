// SPDX-License-Identifier: GPL-2.0-or-later
// See agents.hpp.
#include "crmd/io/agents.hpp"

#include <unistd.h>

#include <boost/asio/post.hpp>

#include "common/base/text.hpp"

namespace systole::io {
namespace {

constexpr std::size_t lines_logged_max = 50;

std::string name_of(const executor::RunAgent& run) {
  const auto instance = run.environment.find("OCF_RESOURCE_INSTANCE");
  return fmt::format("{} of {}", run.action, instance != run.environment.end() ? instance->second : run.type);
}

/// The last lines, each with the call's name before it.
void log_lines(Log& log, Level level, const std::string& name, std::string_view text) {
  if (text.empty() || !log.wants(level)) return;
  const std::vector<std::string> lines = split(text, '\n');
  const std::size_t first = lines.size() > lines_logged_max ? lines.size() - lines_logged_max : 0;
  if (first > 0) log.line(level, fmt::format("{}: {} lines of output are left out here", name, first));
  for (std::size_t i = first; i < lines.size(); ++i)
    if (!trim(lines[i]).empty()) log.line(level, fmt::format("{}: {}", name, lines[i]));
}

// A watch has no time limit; the call that runs it wants one.
constexpr Duration watch_time_max = 24h * 365, question_time_max = 30s;

}  // namespace

Agents::Agents(boost::asio::io_context& context, AgentSettings settings, std::optional<Cgroups> cgroups, Log& log,
               OnDone on_done, OnWatchEnd on_watch_end)
    : context_(context),
      settings_(std::move(settings)),
      cgroups_(std::move(cgroups)),
      log_(log),
      on_done_(std::move(on_done)),
      on_watch_end_(std::move(on_watch_end)) {}

Agents::~Agents() {
  for (auto& [number, call] : calls_) call->abandon();
  for (auto& [number, call] : watches_) {
    if (!call) continue;
    call->kill();
    call->abandon();
  }
}

void Agents::run(const executor::RunAgent& run) {
  auto prepared = prepare_call(settings_, run, environ);
  if (auto* const outcome = std::get_if<executor::Outcome>(&prepared)) {
    log_.info("{}: {}", name_of(run), outcome->exit_reason);
    boost::asio::post(context_, [this, call = run.call, ending = *outcome] { on_done_(call, ending); });
    return;
  }
  log_.debug("{}: begins", name_of(run));
  AgentCommand& command = std::get<AgentCommand>(prepared);
  const auto instance = run.environment.find("OCF_RESOURCE_INSTANCE");
  // A monitor starts nothing that lasts, and runs far more often than all else.
  const bool lasting = run.action != "monitor" && run.action != "notify";
  if (cgroups_ && lasting && instance != run.environment.end())
    command.cgroup = cgroups_->make(instance->second).value_or("");
  const auto call =
      std::make_shared<AgentCall>(context_, run, [this, run](const AgentCall::Ended& end) { ended(run, end); });
  calls_[run.call] = call;
  call->begin(std::move(command));
}

void Agents::kill(std::uint64_t call) {
  if (const auto found = calls_.find(call); found != calls_.end()) found->second->kill();
}

void Agents::ended(const executor::RunAgent& run, const AgentCall::Ended& end) {
  const std::string name = name_of(run);
  log_lines(log_, Level::info, name, end.errors);
  log_lines(log_, Level::debug, name, end.output);
  if (end.dropped > 0) log_.warning("{}: {} bytes of output were too much and are lost", name, end.dropped);
  const executor::Outcome& outcome = end.outcome;
  const std::string text =
      fmt::format("{}: rc {} ({}) after {} ms{}{}", name, outcome.rc,
                  outcome.status == cib::OpStatus::done ? cib::to_words(static_cast<cib::Rc>(outcome.rc))
                                                        : cib::to_words(outcome.status),
                  to_ms(outcome.ran), outcome.exit_reason.empty() ? "" : ": ", outcome.exit_reason);
  const bool routine = run.action == "monitor" || outcome.status == cib::OpStatus::cancelled;
  log_.line(routine ? Level::debug : Level::info, text);
  // A copy: forgetting the call ends the life of everything in end.
  const executor::Outcome copy = outcome;
  calls_.erase(run.call);
  on_done_(run.call, copy);
}

void Agents::begin_watching(const executor::RunAgent& run, AgentCall::OnEnd on_end) {
  auto prepared = prepare_call(settings_, run, environ);
  if (std::holds_alternative<executor::Outcome>(prepared)) {  // the agent's program is not there
    watches_[run.call] = nullptr;
    return boost::asio::post(context_, [this, run] { watch_ended(run, true, "cannot be called"); });
  }
  const auto call = std::make_shared<AgentCall>(context_, run, std::move(on_end));
  watches_[run.call] = call;
  call->begin(std::move(std::get<AgentCommand>(prepared)));
}

void Agents::watch(const executor::RunAgent& run) {
  const std::string kind = run.provider + "/" + run.type;
  const auto watch_it = [this, run] {
    executor::RunAgent watch = run;
    watch.timeout = watch_time_max;
    begin_watching(watch,
                   [this, run](const AgentCall::Ended& end) { watch_ended(run, true, end.outcome.exit_reason); });
  };
  const auto known = can_watch_.find(kind);
  if (known != can_watch_.end() && known->second) return watch_it();
  if (known != can_watch_.end()) {
    watches_[run.call] = nullptr;
    return boost::asio::post(context_, [this, run] { watch_ended(run, false, ""); });
  }
  executor::RunAgent question = run;
  question.action = "meta-data";
  question.timeout = question_time_max;
  begin_watching(question, [this, run, kind, watch_it](const AgentCall::Ended& end) {
    if (!watches_.contains(run.call)) return;
    const bool told = end.outcome.status == cib::OpStatus::done && end.outcome.rc == 0;
    if (!told) return watch_ended(run, true, end.outcome.exit_reason);  // it may tell another time
    can_watch_[kind] = offers_watch(end.output);
    if (can_watch_[kind]) return watch_it();
    watch_ended(run, false, "");
  });
}

void Agents::end_watch(std::uint64_t call) {
  const auto found = watches_.find(call);
  if (found == watches_.end()) return;
  const auto running = found->second;
  watches_.erase(found);
  if (running) running->kill();
}

void Agents::watch_ended(const executor::RunAgent& run, bool offered, std::string_view reason) {
  if (watches_.erase(run.call) == 0) return;  // it was ended
  if (!reason.empty()) log_.info("{}: {}; a monitor looks at once", name_of(run), reason);
  on_watch_end_(run.call, offered);
}

}  // namespace systole::io

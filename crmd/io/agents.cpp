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

}  // namespace

Agents::Agents(boost::asio::io_context& context, AgentSettings settings, std::optional<Cgroups> cgroups, Log& log,
               OnDone on_done)
    : context_(context),
      settings_(std::move(settings)),
      cgroups_(std::move(cgroups)),
      log_(log),
      on_done_(std::move(on_done)) {}

Agents::~Agents() {
  for (auto& [number, call] : calls_) call->abandon();
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
  const bool lasting = run.action != "monitor" && run.action != "notify" && run.action != "meta-data";
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

}  // namespace systole::io

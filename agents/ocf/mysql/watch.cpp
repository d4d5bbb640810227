// SPDX-License-Identifier: GPL-2.0-or-later
// watch: returns at the moment in which the server ends, so that its manager knows within milliseconds, and soon after
// it was stopped by a signal. A server that runs and does not answer may just have much to do: a monitor's business.
#include "agents/ocf/mysql/mysql_agent.hpp"

namespace systole::mysql {

using agents::Call;
using agents::Ocf;

Ocf MysqlAgent::extra(Call& call) {
  return call.action() == "preflight" ? preflight(call) : watch(call);
}

Ocf MysqlAgent::watch(Call& call) {
  const auto process = ServerProcess::find(settings_of(call).place());
  if (!process) return call.fail(Ocf::not_running, "no server runs here");
  while (!process->ended_by(Deadline::in(1s)))
    if (const std::string why = process->halted(); !why.empty()) return call.explain(Ocf::generic, why);
  return call.fail(Ocf::not_running, "the server, pid {}, has ended", process->pid());
}

}  // namespace systole::mysql

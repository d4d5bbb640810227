// SPDX-License-Identifier: GPL-2.0-or-later
// watch: returns at the moment in which the server ends, so that its manager knows within milliseconds. A server that
// lives and hangs is a monitor's business.
#include "agents/ocf/mysql/mysql_agent.hpp"

namespace systole::mysql {

using agents::Call;
using agents::Ocf;

Ocf MysqlAgent::extra(Call& call) {
  const auto process = ServerProcess::find(settings_of(call).place());
  if (!process) return call.fail(Ocf::not_running, "no server runs here");
  while (!process->ended_by(Deadline::in(1h))) continue;
  return call.fail(Ocf::not_running, "the server, pid {}, has ended", process->pid());
}

}  // namespace systole::mysql

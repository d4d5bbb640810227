// SPDX-License-Identifier: GPL-2.0-or-later
// stop: never says "stopped" of a process that lives, and never signals a stranger.
#include <signal.h>
#include <unistd.h>

#include "agents/ocf/mysql/mysql_agent.hpp"

namespace systole::mysql {

using agents::Call;
using agents::Ocf;

namespace {

/// Three quarters of the time for a clean end; what is left is for the kernel to end it.
Result<void> end(const ServerProcess& process, Deadline deadline, Log& log) {
  if (const auto asked = process.signal(SIGTERM); !asked) return asked.error();
  [[maybe_unused]] const auto woken = process.signal(SIGCONT);  // a stopped process cannot obey
  if (process.ended_by(deadline.within(deadline.left() * 3 / 4))) return {};
  log.warning("the server, pid {}, does not end on request: killed", process.pid());
  if (const auto killed = process.signal(SIGKILL); !killed) return killed.error();
  if (process.ended_by(deadline)) return {};
  return Error{Errc::timeout, "the server does not end even after SIGKILL: it hangs in the kernel, look at its disk"};
}

}  // namespace

Ocf MysqlAgent::stop(Call& call) {
  const Settings settings = settings_from(call.params());
  Cluster cluster(call, settings);
  // More than one can be there only when somebody started a second by hand; each is looked for again.
  while (const auto process = ServerProcess::find(settings.place())) {
    const auto ended = end(*process, Deadline(call.deadline()), call.log());
    if (!ended) return call.explain(Ocf::generic, ended.error().what);
    call.log().info("the server, pid {}, has ended", process->pid());
  }
  ::unlink(settings.pid.c_str());
  ::unlink(settings.socket.c_str());
  cluster.withdraw();
  return Ocf::ok;
}

}  // namespace systole::mysql

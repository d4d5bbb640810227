// SPDX-License-Identifier: GPL-2.0-or-later
// stop: never says "stopped" of a process that lives, and never signals a stranger.
#include <signal.h>
#include <unistd.h>

#include "agents/ocf/mysql/durability.hpp"
#include "agents/ocf/mysql/look.hpp"
#include "agents/ocf/mysql/mysql_agent.hpp"
#include "agents/ocf/mysql/rejoin_process.hpp"

namespace systole::mysql {

using agents::Call;
using agents::Ocf;

namespace {

/// Three quarters of the time for a clean end; what is left is for the kernel to end it.
Result<void> end(const ServerProcess& process, int first, Deadline deadline, Log& log) {
  if (const auto asked = process.signal(first); !asked) return asked.error();
  [[maybe_unused]] const auto woken = process.signal(SIGCONT);  // a stopped process cannot obey
  if (process.ended_by(deadline.within(deadline.left() * 3 / 4))) return {};
  log.warning("the server, pid {}, does not end on request: killed", process.pid());
  if (const auto killed = process.signal(SIGKILL); !killed) return killed.error();
  if (process.ended_by(deadline)) return {};
  return Error{Errc::timeout, "the server does not end even after SIGKILL: it hangs in the kernel, look at its disk"};
}

/// SIGTERM commits what waits for an acknowledgement; it would be a transaction that only this node has. With SIGKILL
/// it stays undecided, and is removed when another node has been promoted meanwhile.
int first_signal(Call& call, const Settings& settings, Cluster& cluster) {
  const Record record = cluster.own_copy();
  if (record.primary != cluster.self() || record.in_sync.empty()) return SIGTERM;
  const SeenServer seen = Look(settings).at(true, settings.ack_timeout);
  if (seen.answers && seen.longest_wait == Duration::zero()) return SIGTERM;
  call.log().warning("commits wait for the replica {}: the server is killed, so that they stay undecided",
                     record.in_sync);
  return SIGKILL;
}

/// Ends the helper and gives up what only a running server can hold. Returns the first signal for the server.
int part_from_protocol(Call& call, const Settings& settings, Cluster& cluster) {
  if (!settings.keeps_record()) return SIGTERM;
  if (const auto ended = end_helper(call); !ended) call.log().warning("the resident helper: {}", ended.error().what);
  if (!ServerProcess::find(settings.place())) return SIGTERM;
  const Time deadline = Deadline(call.deadline()).within(5s).at();
  give_up_place_before_stop(call, cluster.self(), deadline);
  return first_signal(call, settings, cluster);
}

}  // namespace

Ocf MysqlAgent::stop(Call& call) {
  const Settings settings = settings_of(call);
  Cluster cluster(call, settings);
  if (const auto ended = end_rejoin(call); !ended) call.log().warning("the rejoin: {}", ended.error().what);
  const int first = part_from_protocol(call, settings, cluster);
  // More than one can be there only when somebody started a second by hand; each is looked for again.
  while (const auto process = ServerProcess::find(settings.place())) {
    const auto ended = end(*process, first, Deadline(call.deadline()), call.log());
    if (!ended) return call.explain(Ocf::generic, ended.error().what);
    call.log().info("the server, pid {}, has ended", process->pid());
  }
  ::unlink(settings.pid.c_str());
  ::unlink(settings.socket.c_str());
  cluster.withdraw();
  if (settings.keeps_record())
    if (const auto told = SharedRecord(call.environment(), call.log(), call.meta().resource())
                              .publish(down_notice(cluster.own_copy()), call.deadline());
        !told)
      call.log().info("{}", told.error().what);
  return Ocf::ok;
}

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// demote: no more writes, no more clients, and the replicas get the last transaction before it returns, so that a
// planned switch-over loses nothing. All of it bounded: a dead replica or a long statement must not hold up the
// cluster.
#include <fmt/format.h>
#include <signal.h>

#include <set>

#include "agents/ocf/mysql/mysql_agent.hpp"

namespace systole::mysql {

using agents::Call;
using agents::Ocf;

namespace {

/// Until each of them says that it has applied `last`. What was sent is not yet received, and semi-sync tells
/// only of one replica, so the replicas themselves are asked, as replication_user. Returns who has not said so, and
/// why.
std::string wait_for_replicas(const std::set<std::string>& hosts, const Settings& settings, const GtidList& last,
                              Deadline deadline) {
  std::string unsure;
  for (const std::string& host : hosts) {
    for (;;) {
      const auto peer = ask_peer(settings, {.host = host, .port = settings.peer_port()}, deadline.within(1s));
      if (peer && contains(peer->position, last)) break;
      const bool wait_on = peer || peer.error().code == Errc::refused;
      if (wait_on && agents::pause_for(5ms, deadline.at())) continue;
      unsure +=
          fmt::format("{}{}: {}", unsure.empty() ? "" : "; ", host,
                      peer ? fmt::format("{} transactions behind", missing(peer->position, last)) : peer.error().what);
      break;
    }
  }
  return unsure;
}

/// The same where replication does not go by MariaDB's GTIDs.
std::string wait_for_replicas_plain(Server& server, const std::set<std::string>& hosts, const Settings& settings,
                                    Track track, Cluster& cluster, Deadline deadline) {
  std::string unsure;
  const Surroundings around = cluster.surroundings();
  for (const std::string& host : hosts) {
    for (;;) {
      const PrimaryAddress peer{.host = host, .port = settings.peer_port()};
      const auto behind = lacks(server, settings, track, around, peer, Deadline::in(settings.sql_timeout));
      if (behind && behind->empty()) break;
      const bool wait_on = behind || behind.error().code == Errc::refused;
      if (wait_on && agents::pause_for(20ms, deadline.at())) continue;
      unsure += fmt::format("{}{}: {}", unsure.empty() ? "" : "; ", host, behind ? *behind : behind.error().what);
      break;
    }
  }
  return unsure;
}

/// A commit that waits for a lost replica can be neither ended nor answered without lying to its client. With a record
/// such a server is killed, and what it had not acknowledged is decided at its next start.
Ocf close_for_writers(Server& server, const Settings& settings, Call& call, Deadline deadline) {
  const Duration wait = settings.keeps_record() ? settings.ack_timeout
                                                : Duration(std::chrono::milliseconds(settings.semi_sync_timeout_ms));
  const Duration spare = settings.keeps_record() ? deadline.left() : wait + 200ms;
  const Deadline bound = settings.keeps_record() ? deadline.within(wait + 1s) : deadline.within(deadline.left() / 2);
  const auto closed = server.make_read_only(settings, bound, spare);
  if (closed) return Ocf::ok;
  if (!settings.keeps_record() || closed.error().code != Errc::timeout)
    return call.fail(Ocf::generic, "the server could not be made read-only: {}", closed.error().what);
  if (const auto process = ServerProcess::find(settings.place()))
    if (const auto killed = process->signal(SIGKILL); !killed) return call.explain(Ocf::generic, killed.error().what);
  return call.fail(Ocf::generic,
                   "commits wait for a replica that does not answer: the server was killed, so that they "
                   "stay undecided");
}

}  // namespace

std::set<std::string> replica_hosts(Server& server, Call& call, Cluster& cluster, Deadline deadline) {
  std::set<std::string> hosts;
  for (const std::string& node : cluster.live_others()) hosts.insert(cluster.address_of(node));
  if (!hosts.empty() || call.meta().has_notify()) return hosts;
  const auto threads =
      server.ask("SELECT HOST FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'", deadline);
  if (!threads) return hosts;
  for (std::size_t row = 0; row < threads->rows.size(); ++row) {
    const std::string host = threads->text(row, "HOST");
    hosts.insert(host.substr(0, host.rfind(':')));
  }
  return hosts;
}

Ocf MysqlAgent::demote(Call& call) {
  const Settings settings = settings_of(call);
  Cluster cluster(call, settings);
  const Deadline deadline(call.deadline());
  if (!ServerProcess::find(settings.place())) {
    cluster.withdraw();
    return call.fail(Ocf::not_running, "no server runs here");
  }
  // One that hangs is ended by the stop that follows: waiting for it longer would only keep the clients waiting.
  const Duration greeting = settings.keeps_record() ? settings.ack_timeout : settings.sql_timeout;
  auto server = Server::connect(settings, deadline.within(greeting));
  if (!server) return call.explain(Ocf::generic, server.error().what);
  const auto before = server->variables(deadline.within(settings.sql_timeout));
  if (!before) return call.explain(Ocf::generic, before.error().what);
  const std::set<std::string> hosts =  // asked for now: while it is writable, this costs nobody anything
      replica_hosts(*server, call, cluster, deadline.within(settings.sql_timeout));
  if (settings.keeps_record())
    if (const auto ended = end_helper(call); !ended) call.log().warning("the resident helper: {}", ended.error().what);
  if (!before->read_only)
    if (const Ocf closed = close_for_writers(*server, settings, call, deadline); closed != Ocf::ok) return closed;
  [[maybe_unused]] const auto ended = server->disconnect_clients(deadline.within(settings.sql_timeout), false);
  const Deadline patience = deadline.within(std::min<Duration>(5s, deadline.left() / 2));
  const auto track = track_of(settings, *server, *before);
  std::string at, unsure;
  if (track && *track != Track::mariadb_gtid) {
    unsure = wait_for_replicas_plain(*server, hosts, settings, *track, cluster, patience);
  } else {
    const auto last = server->applied(deadline.within(settings.sql_timeout));
    if (!last) return call.explain(Ocf::generic, last.error().what);
    at = fmt::format(" at {}", to_string(*last));
    unsure = wait_for_replicas(hosts, settings, *last, patience);
  }
  if (!unsure.empty()) call.log().warning("demoted{}, not all of it is known to be elsewhere: {}", at, unsure);
  if (const auto off = server->set_semi_sync(false, settings, deadline.within(settings.sql_timeout)); !off)
    call.log().warning("semi-sync stays on: {}", off.error().what);
  if (settings.keeps_record()) {
    bring_helper_back(call, settings);
  } else if (call.meta().is_promotable()) {
    cluster.publish_score(score_unrelated);
  }
  return Ocf::ok;
}

}  // namespace systole::mysql

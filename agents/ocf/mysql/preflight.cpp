// SPDX-License-Identifier: GPL-2.0-or-later
// preflight: on the primary, before a planned switch-over: would it be short, and would nothing be cut off that is
// worth a wait? It changes nothing. `systole mysql switch` asks it.
#include <fmt/format.h>

#include "agents/ocf/mysql/mysql_agent.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

using agents::Call;
using agents::Ocf;

namespace {

constexpr int long_transaction_s = 3;
constexpr Duration apply_patience = 3s;

/// A demotion ends its client connections: what runs for long is worth a wait, or somebody's word.
std::string long_transactions(Server& server, Deadline deadline) {
  const auto found =
      server.ask(fmt::format("SELECT COUNT(*) AS n, MAX(TIMESTAMPDIFF(SECOND, trx_started, NOW())) AS age FROM "
                             "information_schema.INNODB_TRX WHERE trx_started < NOW() - INTERVAL {} SECOND",
                             long_transaction_s),
                 deadline);
  if (!found) return fmt::format("its transactions cannot be listed: {}", found.error().what);
  if (found->text(0, "n") == "0") return {};
  return fmt::format("{} transactions run, the oldest for {} s, and would be ended: wait for them", found->text(0, "n"),
                     found->text(0, "age"));
}

/// Until the replica has applied what this server had committed at the beginning; "" it has.
std::string behind(Server& server, const std::string& host, const Settings& settings, const GtidList& committed,
                   Deadline deadline) {
  for (;;) {
    const auto peer = ask_peer(settings, {.host = host, .port = settings.peer_port()}, deadline.within(1s));
    if (!peer) return fmt::format("{} cannot be asked: {}", host, peer.error().what);
    // Asked after the replica was, so that nothing of its history can be newer than this.
    const auto now = server.variables(Deadline::in(settings.sql_timeout));
    if (!now) return now.error().what;
    if (const auto stranger = diverged(peer->position, now->history()))
      return fmt::format("{} has {}, which this server never had", host, to_string(*stranger));
    if (contains(peer->position, committed)) return {};
    if (agents::pause_for(50ms, deadline.at())) continue;
    return fmt::format(
        "{} lacks {} of the transactions that were committed here {} ago: wait until it has applied them", host,
        missing(peer->position, committed), systole::to_text(apply_patience));
  }
}

}  // namespace

Ocf MysqlAgent::preflight(Call& call) {
  const Settings settings = settings_of(call);
  const Deadline deadline(call.deadline());
  auto server = Server::connect(settings, deadline.within(settings.sql_timeout));
  if (!server) return call.explain(Ocf::generic, server.error().what);
  const auto variables = server->variables(deadline.within(settings.sql_timeout));
  if (!variables) return call.explain(Ocf::generic, variables.error().what);
  if (variables->read_only) return call.fail(Ocf::generic, "this server is not the primary");
  std::vector<std::string> faults;
  if (std::string found = long_transactions(*server, deadline.within(settings.sql_timeout)); !found.empty())
    faults.push_back(std::move(found));
  Cluster cluster(call, settings);
  const auto hosts = replica_hosts(*server, call, cluster, deadline.within(settings.sql_timeout));
  if (hosts.empty()) faults.emplace_back("no replica is connected");
  const Deadline patience = deadline.within(apply_patience);
  const auto track = track_of(settings, *server, *variables);
  if (!track) return call.explain(Ocf::configured, track.error().what);
  if (*track != Track::mariadb_gtid)
    return call.fail(Ocf::generic,
                     "a planned switch-over cannot be checked beforehand without MariaDB's GTIDs: let the replica "
                     "catch up, then move the role by the manager");
  for (const std::string& host : hosts)
    if (std::string found = behind(*server, host, settings, variables->applied(), patience); !found.empty())
      faults.push_back(std::move(found));
  return faults.empty() ? Ocf::ok : call.explain(Ocf::generic, join(faults, "; "));
}

}  // namespace systole::mysql

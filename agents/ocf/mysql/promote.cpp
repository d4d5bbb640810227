// SPDX-License-Identifier: GPL-2.0-or-later
// promote: nothing that this node can see may be lost. First it is asked whether another live node received more;
// then all that was received is applied; only then the server becomes writable, under a server_id that no transaction
// bears yet (a reused GTID would make two databases differ without any error).
#include <fmt/format.h>

#include "agents/ocf/mysql/mysql_agent.hpp"

namespace systole::mysql {

using agents::Call;
using agents::Ocf;

namespace {

std::vector<Candidate> published_by(const std::vector<std::string>& nodes, Cluster& cluster) {
  std::vector<Candidate> candidates;
  for (const std::string& node : nodes)
    if (auto history = cluster.history_of(node)) candidates.push_back({.node = node, .history = std::move(*history)});
  return candidates;
}

/// Whether we have all that any live node has. While the one that has more still sends to us, its lead is waited for:
/// in a planned switch-over the former primary does.
Result<Election> hold_election(Server& server, const Settings& settings, Cluster& cluster,
                               const std::vector<std::string>& others, Deadline deadline) {
  const std::vector<Candidate> candidates = published_by(others, cluster);
  const Deadline patience = deadline.within(std::min<Duration>(5s, deadline.left() / 4));
  for (;;) {
    auto history = history_here(server, settings, deadline);
    if (!history) return history.error();
    const Election election = elect({.node = cluster.self(), .history = std::move(*history)}, candidates);
    if (election.may_promote || !election.conflict.empty()) return election;
    const auto status = server.replication(deadline);
    const bool flowing = status && *status && (*status)->io != IoThread::stopped;
    if (!flowing || !agents::pause_for(5ms, patience.at())) return election;
  }
}

Ocf stand_back(const Election& election, Call& call, Cluster& cluster) {
  if (!election.conflict.empty())
    return call.fail(
        Ocf::generic,
        "the databases here and on {} have different histories, neither is the beginning of the other: stop "
        "the instance on the node whose data may be given up",
        election.conflict);
  cluster.publish_score(score_lagging);
  cluster.set_score_of(election.better, score_promoted / 2);
  return call.fail(Ocf::generic,
                   "{} has received {} transactions more than this node (up to {}): it must be promoted instead",
                   election.better, election.missing, to_string(election.position));
}

Result<void> become_writable(Server& server, const Settings& settings, bool replicas_expected, Deadline deadline) {
  for (const char* const statement : {"STOP SLAVE", "RESET SLAVE ALL"})
    if (const auto done = server.run(statement, deadline); !done) return done.error();
  if (const auto id = server.take_fresh_server_id(deadline); !id) return id.error();
  // With nobody to wait for, the first commit would wait in vain: the monitor switches it on when a replica is there.
  const bool wait_for_replica = settings.semi_sync && replicas_expected;
  if (const auto set = server.set_semi_sync(wait_for_replica, settings, deadline); !set) return set.error();
  return server.run("SET GLOBAL read_only=OFF", deadline);
}

}  // namespace

Result<GtidList> MysqlAgent::drain(Server& server, const Settings& settings, Deadline deadline) {
  return drain_received(server, settings, deadline);
}

Ocf MysqlAgent::promote(Call& call) {
  const Settings settings = settings_from(call.params());
  Cluster cluster(call, settings);
  const Deadline deadline(call.deadline());
  if (!ServerProcess::find(settings.place())) return call.fail(Ocf::not_running, "no server runs here");
  auto server = Server::connect(settings, deadline.within(settings.sql_timeout));
  if (!server) return call.explain(Ocf::generic, server.error().what);
  const auto before = server->variables(deadline.within(settings.sql_timeout));
  if (!before) return call.explain(Ocf::generic, before.error().what);
  if (!before->read_only) return Ocf::ok;
  if (const MustFollow mark(settings); mark.is_set())
    return call.fail(Ocf::generic,
                     "this server was started as a replica and has not caught up with a primary since: it may lack "
                     "acknowledged transactions. To promote it nevertheless remove {}",
                     mark.path());
  const std::vector<std::string> others = cluster.live_others();
  if (!others.empty()) {
    const auto election = hold_election(*server, settings, cluster, others, deadline);
    if (!election) return call.explain(Ocf::generic, election.error().what);
    if (!election->may_promote) return stand_back(*election, call, cluster);
  }
  const auto drained = drain(*server, settings, deadline);
  if (!drained) return call.fail(Ocf::generic, "not promoted, as data would be lost: {}", drained.error().what);
  if (const auto done = become_writable(*server, settings, !others.empty(), deadline); !done)
    return call.explain(Ocf::generic, done.error().what);
  call.log().notice("promoted at {}", to_string(*drained));
  cluster.memo().primary_host.clear();
  cluster.memo().published.clear();  // somebody else's address stands there now: the monitor sets ours
  cluster.save();
  return Ocf::ok;
}

}  // namespace systole::mysql

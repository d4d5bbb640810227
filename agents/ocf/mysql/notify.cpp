// SPDX-License-Identifier: GPL-2.0-or-later
// notify: the cluster ignores its failures, so nothing here may be the only chance; what fails is logged, and the
// monitor does it later.
#include "agents/ocf/mysql/mysql_agent.hpp"
#include "agents/ocf/mysql/rejoin_process.hpp"

#include <algorithm>

namespace systole::mysql {

using agents::Call;
using agents::Ocf;

namespace {

/// Before a promotion each live instance says what it has. With no other live instance there is nobody to compare with.
void before_promotion(Server& server, const Settings& settings, Call& call, Cluster& cluster, Deadline deadline) {
  if (cluster.live_others().empty()) return;
  if (const auto track = track_now(server, settings, deadline); track && *track != Track::mariadb_gtid) {
    const auto progress = progress_here(server, *track, cluster.surroundings(), deadline);
    if (progress) return cluster.publish_progress(*progress);
    return call.log().warning("what was received here cannot be told: {}", progress.error().what);
  }
  const auto status = server.replication(deadline);
  const bool apart = status && *status && says_diverged(**status);
  if (apart || MustFollow(settings).is_set())
    return cluster.publish_history({});  // cannot be promoted, must not hinder
  const auto history = history_here(server, settings, deadline);
  if (history) {
    cluster.publish_history(*history);
  } else {
    call.log().warning("what was received here cannot be told: {}", history.error().what);
  }
}

void after_promotion(Server& server, const Settings& settings, Call& call, Cluster& cluster, Deadline deadline) {
  const std::vector<std::string> promoted = call.meta().notify_nodes("promote");
  if (promoted.empty() || std::ranges::find(promoted, cluster.self()) != promoted.end()) return;
  const auto variables = server.variables(deadline);
  if (!variables) return call.log().warning("replication is not set up: {}", variables.error().what);
  if (!variables->read_only)
    return call.log().error("{} was promoted, but this server is writable too: it is not made its replica",
                            promoted.front());
  const PrimaryAddress primary{.host = cluster.address_of(promoted.front()), .port = settings.peer_port()};
  // The address comes after this. With a record the new primary goes on alone at first and waits for nobody.
  const Duration patience = settings.keeps_record() ? Duration::zero() : Duration(1s);
  const auto followed = follow_and_wait(server, settings, cluster, primary, deadline, patience, call.log());
  if (followed) return;
  const auto track = track_now(server, settings, deadline);
  if (!track || *track != Track::mariadb_gtid)
    return call.log().error("cannot follow the new primary {}: {}", promoted.front(), followed.error().what);
  const auto instead = rejoin_instead(call, settings, server, primary, followed.error(), deadline);
  if (instead) return call.log().notice("{}", *instead);
  call.log().error("cannot follow the new primary {}: {}", promoted.front(), instead.error().what);
}

/// A replica has started: the primary's commits wait for it as soon as it is connected.
void after_start(Server& server, const Settings& settings, Call& call, Deadline deadline) {
  const Deadline patience = deadline.within(500ms);
  do {
    const auto variables = server.variables(deadline);
    if (!variables || variables->read_only || variables->semi_sync_source) return;
    if (!variables->has_semi_sync) return;
    if (variables->dump_threads == 0) continue;
    if (const auto on = server.set_semi_sync(true, settings, deadline); !on)
      call.log().warning("semi-sync stays off: {}", on.error().what);
    return;
  } while (agents::pause_for(20ms, patience.at()));
}

}  // namespace

Ocf MysqlAgent::notify(Call& call) {
  const Settings settings = settings_of(call);
  const std::string when = call.meta().notify_type(), operation = call.meta().notify_operation();
  const bool pre_promote = when == "pre" && operation == "promote";
  const bool post_promote = when == "post" && operation == "promote";
  const bool post_start = when == "post" && operation == "start" && settings.semi_sync && !settings.keeps_record();
  if (!pre_promote && !post_promote && !post_start) return Ocf::ok;
  if (!ServerProcess::find(settings.place())) return Ocf::ok;
  Cluster cluster(call, settings);
  const Deadline deadline(call.deadline());
  auto server = Server::connect(settings, deadline.within(settings.sql_timeout));
  if (!server) {
    call.log().warning("{}-{}: {}", when, operation, server.error().what);
    return Ocf::ok;
  }
  if (pre_promote) before_promotion(*server, settings, call, cluster, deadline);
  if (post_promote) after_promotion(*server, settings, call, cluster, deadline);
  if (post_start) after_start(*server, settings, call, deadline);
  return Ocf::ok;
}

}  // namespace systole::mysql

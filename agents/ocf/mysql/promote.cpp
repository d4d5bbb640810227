// SPDX-License-Identifier: GPL-2.0-or-later
// promote: nothing that this node can see may be lost. First it is asked whether another live node received more;
// then all that was received is applied; only then the server becomes writable, under a server_id that no transaction
// bears yet (a reused GTID would make two databases differ without any error).
#include <fmt/format.h>

#include "agents/ocf/mysql/durability.hpp"
#include "agents/ocf/mysql/look.hpp"
#include "agents/ocf/mysql/mysql_agent.hpp"
#include "agents/ocf/mysql/rejoin_mark.hpp"

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

/// record: exists when one is kept. Its row is the first transaction of the epoch, under the new server_id.
Result<void> become_writable(Server& server, const Settings& settings, bool commits_wait, const Record& record,
                             Deadline deadline) {
  for (const Phrase statement : {Phrase::stop_both, Phrase::forget_replication})
    if (const auto done = server.run(statement, deadline); !done) return done.error();
  if (const auto id = server.take_fresh_server_id(deadline); !id) return id.error();
  if (const auto set = server.set_semi_sync(commits_wait, settings, deadline); !set) return set.error();
  if (record.exists() && !commits_wait)
    if (const auto row = write_row(server, record, deadline); !row) return row.error();
  return server.run(Phrase::set_writable, deadline);
}

/// Everybody's history is compared where no record says who has the true database.
Ocf compare_histories(Server& server, const Settings& settings, Call& call, Cluster& cluster, Deadline deadline) {
  const std::vector<std::string> others = cluster.live_others();
  if (others.empty()) return Ocf::ok;
  const auto election = hold_election(server, settings, cluster, others, deadline);
  if (!election) return call.explain(Ocf::generic, election.error().what);
  return election->may_promote ? Ocf::ok : stand_back(*election, call, cluster);
}

/// The helper is gone while the role changes, and back afterwards, however that ended.
class WithoutHelper {
 public:
  WithoutHelper(Call& call, const Settings& settings) : call_(call), settings_(settings) {
    if (const auto ended = end_helper(call_); !ended)
      call_.log().warning("the resident helper: {}", ended.error().what);
  }
  ~WithoutHelper() { bring_helper_back(call_, settings_); }
  WithoutHelper(const WithoutHelper&) = delete;
  WithoutHelper& operator=(const WithoutHelper&) = delete;

 private:
  Call& call_;
  const Settings& settings_;
};

/// In the cluster, then here. An answer that did not come may have been lost on its way back. In between the evidence
/// is asked for again: were all links cut meanwhile, another half of the cluster may have stored a record of its own.
Result<void> record_promotion(Call& call, const Settings& settings, const Standing& before, const Record& next,
                              Deadline deadline) {
  const SharedRecord shared(call.environment(), call.log(), call.meta().resource());
  const auto stored = share_record(shared, *before.shared, next, deadline.within(10s).at());
  if (!stored && stored.error().code != Errc::timeout) return stored;
  const auto now = standing_now(call, settings, before.self, deadline.within(10s).at());
  if (!now) return now.error();
  if (!now->shared || *now->shared != next)
    return stored ? Error{Errc::refused, "somebody else has changed the record at once"} : stored.error();
  if (const Permission still = may_promote(*now); !still.granted()) return Error{Errc::refused, still.why};
  // Before this counts: what was told last speaks of the record before, and a node that returns with that one would
  // take this node for one that agrees with it.
  const auto told = shared.publish({.kind = Notice::Kind::replica, .epoch = next.epoch, .sequence = next.sequence},
                                   deadline.within(5s).at());
  return told ? OwnCopy(call.paths(), call.meta().resource()).keep(next) : told;
}

}  // namespace

Result<GtidList> MysqlAgent::drain(Server& server, const Settings& settings, Deadline deadline) {
  return drain_received(server, settings, deadline);
}

/// Drain first, then the record, then writable: from the moment the receiver stops, the old primary gets no
/// acknowledgement from here, and from the moment the record is written nobody else can be promoted.
Ocf MysqlAgent::promote_by_record(Call& call, const Settings& settings, Server& server, Cluster& cluster) {
  const Deadline deadline(call.deadline());
  const WithoutHelper pause(call, settings);
  const auto standing = standing_now(call, settings, cluster.self(), deadline.within(10s).at());
  if (!standing) return call.explain(Ocf::generic, standing.error().what);
  const Permission permission = may_promote(*standing);
  if (!permission.granted()) return call.fail(Ocf::generic, "not promoted: {}", permission.why);
  if (permission.by == Evidence::founding || permission.by == Evidence::operator_word)
    if (const Ocf compared = compare_histories(server, settings, call, cluster, deadline); compared != Ocf::ok)
      return compared;
  const auto drained = drain(server, settings, deadline);
  if (!drained) return call.fail(Ocf::generic, "not promoted, as data would be lost: {}", drained.error().what);
  if (const auto written = record_promotion(call, settings, *standing, permission.next, deadline); !written)
    return call.fail(Ocf::generic, "not promoted: {}", written.error().what);
  OwnCopy(call.paths(), call.meta().resource()).forget_operator_word();
  const bool commits_wait = !permission.next.in_sync.empty();
  if (const auto done = become_writable(server, settings, commits_wait, permission.next, deadline); !done)
    return call.explain(Ocf::generic, done.error().what);
  call.log().notice("promoted at {}, record {}: {}", to_string(*drained), to_string(permission.next),
                    to_string(permission.by));
  // Before the manager thinks again: the former primary's score would make it the next one.
  cluster.publish_score(score_promoted, true);
  const std::string former = record_of(*standing).primary;
  if (!former.empty() && former != cluster.self()) cluster.set_score_of(former, score_never);
  return Ocf::ok;
}

Ocf MysqlAgent::promote_by_histories(Call& call, const Settings& settings, Server& server, Cluster& cluster) {
  const Deadline deadline(call.deadline());
  if (const Ocf compared = compare_histories(server, settings, call, cluster, deadline); compared != Ocf::ok)
    return compared;
  const auto drained = drain(server, settings, deadline);
  if (!drained) return call.fail(Ocf::generic, "not promoted, as data would be lost: {}", drained.error().what);
  // With nobody to wait for, the first commit would wait in vain: the monitor switches it on when a replica is there.
  const bool commits_wait = settings.semi_sync && !cluster.live_others().empty();
  if (const auto done = become_writable(server, settings, commits_wait, Record{}, deadline); !done)
    return call.explain(Ocf::generic, done.error().what);
  call.log().notice("promoted at {}", to_string(*drained));
  return Ocf::ok;
}

/// The same where no GTIDs of MariaDB say what there is. By file and position the place is published before the server
/// becomes writable: afterwards nobody could tell any more where it took over.
Ocf MysqlAgent::promote_plain(Call& call, const Settings& settings, Server& server, Cluster& cluster, Track track) {
  const Deadline deadline(call.deadline());
  const Surroundings around = cluster.surroundings();
  std::vector<std::pair<std::string, std::string>> others;
  for (const std::string& node : cluster.live_others())
    if (auto progress = cluster.progress_of(node)) others.emplace_back(node, std::move(*progress));
  const Deadline patience = deadline.within(std::min<Duration>(5s, deadline.left() / 4));
  for (;;) {
    const auto own = progress_here(server, track, around, deadline);
    if (!own) return call.explain(Ocf::generic, own.error().what);
    const auto better = who_has_more(track, *own, others);
    if (!better) return call.explain(Ocf::generic, better.error().what);
    if (better->empty()) break;
    const auto status = server.replication(deadline);  // it may still send us what we lack
    if (status && *status && (*status)->io != IoThread::stopped && agents::pause_for(5ms, patience.at())) continue;
    cluster.publish_score(score_lagging);
    cluster.set_score_of(*better, score_promoted / 2);
    return call.fail(Ocf::generic, "{} has received more than this node ({}): it must be promoted instead", *better,
                     *own);
  }
  if (const auto drained = drain_plain(server, settings, track, deadline); !drained)
    return call.fail(Ocf::generic, "not promoted, as data would be lost: {}", drained.error().what);
  if (track == Track::file) {
    const auto takeover = takeover_here(server, around, deadline);
    if (!takeover) return call.fail(Ocf::generic, "not promoted: {}", takeover.error().what);
    cluster.publish_takeover(*takeover);
  }
  const bool commits_wait = settings.semi_sync && !cluster.live_others().empty();
  if (const auto done = become_writable(server, settings, commits_wait, Record{}, deadline); !done)
    return call.explain(Ocf::generic, done.error().what);
  call.log().notice("promoted");
  return Ocf::ok;
}

Ocf MysqlAgent::promote(Call& call) {
  const Settings settings = settings_of(call);
  Cluster cluster(call, settings);
  const Deadline deadline(call.deadline());
  if (!ServerProcess::find(settings.place())) return call.fail(Ocf::not_running, "no server runs here");
  auto server = Server::connect(settings, deadline.within(settings.sql_timeout));
  if (!server) return call.explain(Ocf::generic, server.error().what);
  const auto before = server->variables(deadline.within(settings.sql_timeout));
  if (!before) return call.explain(Ocf::generic, before.error().what);
  if (!before->read_only) return Ocf::ok;
  if (RejoinMark(settings).is_set())
    return call.fail(Ocf::generic,
                     "not promoted: what this database has more than the last primary is being undone; it is neither "
                     "what it was nor what it shall be before it has followed a primary");
  const auto track = track_of(settings, *server, *before);
  if (!track) return call.explain(Ocf::configured, track.error().what);
  if (const MustFollow mark(settings); mark.is_set() && !settings.keeps_record())
    return call.fail(Ocf::generic,
                     "this server was started as a replica and has not caught up with a primary since: it may lack "
                     "acknowledged transactions. To promote it nevertheless remove {}",
                     mark.path());
  const Ocf promoted = *track != Track::mariadb_gtid ? promote_plain(call, settings, *server, cluster, *track)
                       : settings.keeps_record()     ? promote_by_record(call, settings, *server, cluster)
                                                     : promote_by_histories(call, settings, *server, cluster);
  if (promoted != Ocf::ok) return promoted;
  cluster.memo().primary_host.clear();
  // Somebody else's address stands there now: the monitor sets ours.
  if (*track != Track::file) cluster.memo().published.clear();
  cluster.save();
  return Ocf::ok;
}

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// monitor: one connection, two statements, one judgement; then at most one simple repair. A program is run only when
// there is something new to tell the cluster.
#include <fmt/format.h>

#include "agents/ocf/mysql/giver.hpp"
#include "agents/ocf/mysql/mysql_agent.hpp"
#include "agents/ocf/mysql/rejoin_process.hpp"
#include "agents/ocf/mysql/shared_record.hpp"

namespace systole::mysql {

using agents::Call;
using agents::Ocf;

namespace {

/// Where to look for a primary when nothing is configured and nobody has told us.
void find_primary(Facts& facts, Cluster& cluster, const Settings& settings) {
  const bool idle = facts.variables && facts.variables->read_only && facts.replication_known && !facts.replication;
  if (!idle || !facts.primary_host.empty()) return;
  const std::string published = cluster.published_primary();
  if (published.empty() || published == cluster.address_of(cluster.self())) return;
  facts.primary_host = published;
  facts.primary_port = settings.peer_port();
}

Result<void> repair(Server& server, const Verdict& verdict, const Facts& facts, const Settings& settings,
                    Cluster& cluster, Deadline deadline, Log& log) {
  switch (verdict.repair) {
    case Repair::none:
      return {};
    case Repair::start_io:
      log.notice("the receiver stood still: started");
      return server.run(Phrase::start_receiver, deadline);
    case Repair::start_sql:
      log.notice("the applier stood still: started");
      return server.run(Phrase::start_applier, deadline);
    case Repair::follow:
      return follow_and_wait(server, settings, cluster, {.host = facts.primary_host, .port = facts.primary_port},
                             deadline, 500ms, log);
    case Repair::enable_semi_sync:
      log.notice("a replica is connected: commits wait for it from now on");
      return server.set_semi_sync(true, settings, deadline);
  }
  return {};
}

/// Where no instance runs nobody else says by which record this node goes, and what is not said is no evidence.
void tell_record(Call& call, const Record& own) {
  const SharedRecord shared(call.environment(), call.log(), call.meta().resource());
  const auto told = shared.publish(down_notice(own), Deadline(call.deadline()).within(5s).at());
  if (!told) call.log().info("{}", told.error().what);
}

/// It is missed when somebody killed it; what it last complained of is said again, as nobody reads old lines.
void see_to_helper(Call& call, const Settings& settings) {
  const auto state = helper_state(call);
  if (state && !state->complaint.empty()) return call.log().error("since {}: {}", state->since, state->complaint);
  if (state) return;
  call.log().warning("the resident helper was gone: launched again");
  if (const auto launched = launch_helper(call, settings); !launched)
    call.log().error("the resident helper: {}", launched.error().what);
}

/// A server that has more than its primary is made to follow again, meanwhile it is degraded: to start it anew would
/// cure nothing.
void see_to_rejoin(Call& call, const Settings& settings, Server& server, const Facts& facts, const Error& cause,
                   Verdict& verdict, Deadline deadline) {
  PrimaryAddress primary{.host = facts.primary_host, .port = facts.primary_port};
  if (primary.host.empty() && facts.replication)
    primary = {.host = facts.replication->host, .port = facts.replication->port};
  const auto said = rejoin_instead(call, settings, server, primary, cause, deadline.within(settings.sql_timeout));
  if (said) {
    verdict = {.code = static_cast<int>(Ocf::degraded), .reason = *said};
    return;
  }
  // An applier that stopped may have stopped for other reasons: as long as nothing else is known it stays at what was
  // said of it.
  const bool final = said.error().code == Errc::refused;
  const bool perhaps = verdict.apart && verdict.code == static_cast<int>(Ocf::ok);
  if ((perhaps && !final) || said.error().code == Errc::not_found) return;
  verdict = {.code = static_cast<int>(final ? Ocf::generic : Ocf::degraded), .reason = said.error().what};
}

/// nullopt: nothing is under way. What a finished one left is forgotten once replication flows.
std::optional<Verdict> while_rejoining(Call& call, const Verdict& verdict) {
  const auto state = rejoin_state(call.paths(), call.meta().resource());
  if (!state) return std::nullopt;
  if (!state->running && verdict.readable && end_rejoin(call)) return std::nullopt;
  const bool asked = copy_is_asked_for(call.paths(), call.meta().resource());
  if (!state->running && (!state->needs_copy || asked)) return std::nullopt;  // to be begun again as at first
  return Verdict{.code = static_cast<int>(Ocf::degraded),
                 .reason = fmt::format("{}: {} (since {})",
                                       state->needs_copy ? "this node needs a new copy of the primary" : "rejoining",
                                       state->text, state->since)};
}

/// Where nothing is undone and no copy is fetched: what cannot follow fails, with the reason.
void mend_plain(Server& server, const Settings& settings, Cluster& cluster, const Facts& facts, Verdict& verdict,
                Deadline deadline, Log& log) {
  if (verdict.repair == Repair::none) return;
  const auto repaired = repair(server, verdict, facts, settings, cluster, deadline.within(settings.sql_timeout), log);
  if (repaired) return;
  if (repaired.error().code != Errc::refused)
    return log.warning("replication is not repaired yet: {}", repaired.error().what);
  verdict = {.code = static_cast<int>(Ocf::generic), .reason = repaired.error().what};
}

/// At most one repair; the verdict becomes what is true afterwards.
void mend(Call& call, const Settings& settings, Cluster& cluster, Server& server, Track track, const Facts& facts,
          Verdict& verdict, Deadline deadline) {
  if (facts.variables && !facts.variables->read_only && verdict.repair == Repair::none) return;
  if (auto busy = while_rejoining(call, verdict)) {
    verdict = std::move(*busy);
    return;
  }
  if (track != Track::mariadb_gtid) return mend_plain(server, settings, cluster, facts, verdict, deadline, call.log());
  if (verdict.apart) {
    const Error cause{Errc::refused, verdict.reason};
    see_to_rejoin(call, settings, server, facts, cause, verdict, deadline);
    return;
  }
  if (verdict.repair == Repair::none) return;
  const auto repaired =
      repair(server, verdict, facts, settings, cluster, deadline.within(settings.sql_timeout), call.log());
  if (repaired) return;
  if (repaired.error().code == Errc::refused) {
    see_to_rejoin(call, settings, server, facts, repaired.error(), verdict, deadline);
  } else {
    call.log().warning("replication is not repaired yet: {}", repaired.error().what);
  }
}

bool misses_a_replica(const Call& call, const Variables& variables) {
  return std::cmp_less(variables.dump_threads, call.meta().clone_max() - 1);
}

Ocf deep_check(Server& server, const Settings& settings, Call& call, Deadline deadline, Ocf otherwise) {
  const auto read = server.ask(fmt::format("SELECT 1 FROM {} LIMIT 1", settings.test_table), deadline);
  if (read) return otherwise;
  return call.fail(otherwise == Ocf::running_promoted ? Ocf::failed_promoted : Ocf::generic, "reading {}: {}",
                   settings.test_table, read.error().what);
}

}  // namespace

Ocf MysqlAgent::monitor(Call& call) {
  const Settings settings = settings_of(call);
  if (!settings.tls.is_used()) sql::leave_tls_alone();
  Cluster cluster(call, settings);
  const Deadline deadline(call.deadline());
  const auto process = ServerProcess::find(settings.place());
  if (!process) {
    if (settings.keeps_record() && call.is_probe()) tell_record(call, cluster.own_copy());
    if (!settings.keeps_record()) cluster.withdraw();  // else the record says who is to be promoted, stop withdraws
    return Ocf::not_running;
  }
  if (const std::string why = process->halted(); !why.empty()) return call.explain(Ocf::generic, why);
  std::optional<Server> server;
  Facts facts = gather(settings, deadline, true, &server);
  if (!call.meta().is_promotable()) {
    if (facts.variables && call.meta().check_level() >= 10)
      return deep_check(*server, settings, call, deadline, Ocf::ok);
    return facts.variables ? Ocf::ok : call.fail(Ocf::generic, "the server does not answer: {}", facts.silence);
  }
  const MustFollow mark(settings);
  if (facts.variables && mark.is_set()) mark.clear_when_reached(facts.variables->applied());
  facts.must_follow = mark.is_set();
  facts.primary_host = cluster.memo().primary_host;
  facts.primary_port = cluster.memo().primary_port;
  find_primary(facts, cluster, settings);
  const auto by = server && facts.variables ? track_of(settings, *server, *facts.variables) : Track::mariadb_gtid;
  if (!by) return call.explain(Ocf::configured, by.error().what);
  Verdict verdict = judge(facts, {.max_slave_lag_s = settings.max_slave_lag_s,
                                  .semi_sync = settings.semi_sync && !settings.keeps_record(),
                                  .by_file = *by == Track::file,
                                  .evict_outdated = settings.evict_outdated});
  if (server) mend(call, settings, cluster, *server, *by, facts, verdict, deadline);
  if (verdict.readable && !facts.must_follow && !call.is_probe()) see_to_replaced(call, settings);
  const Ocf code = static_cast<Ocf>(verdict.code);
  const bool due = cluster.is_time_to_repeat();
  cluster.publish(verdict, call.is_probe());
  if (code == Ocf::running_promoted) {
    cluster.publish_primary();
    const bool gives = *by == Track::mariadb_gtid && !settings.keeps_record() && !call.is_probe();
    // Who wants a copy does not follow; other replicas, of which the cluster knows nothing, may hide that for a while.
    if (gives && (due || misses_a_replica(call, *facts.variables)))
      Giver(call, settings, {cluster.self(), cluster.memo().published}).look();
  }
  if (settings.keeps_record() && !call.is_probe()) see_to_helper(call, settings);
  if (code == Ocf::generic || code == Ocf::installed || code == Ocf::degraded)
    return call.explain(code, verdict.reason);
  if (!verdict.reason.empty()) call.log().warning("{}", verdict.reason);
  if (server && call.meta().check_level() >= 10) return deep_check(*server, settings, call, deadline, code);
  return code;
}

}  // namespace systole::mysql

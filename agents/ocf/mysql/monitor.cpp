// SPDX-License-Identifier: GPL-2.0-or-later
// monitor: one connection, two statements, one judgement; then at most one simple repair. A program is run only when
// there is something new to tell the cluster.
#include <fmt/format.h>

#include "agents/ocf/mysql/mysql_agent.hpp"
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
      return server.run("START SLAVE IO_THREAD", deadline);
    case Repair::start_sql:
      log.notice("the applier stood still: started");
      return server.run("START SLAVE SQL_THREAD", deadline);
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
  const SharedRecord shared(call.environment(), call.log(), resource_of(call));
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

Ocf deep_check(Server& server, const Settings& settings, Call& call, Deadline deadline, Ocf otherwise) {
  const auto read = server.ask(fmt::format("SELECT 1 FROM {} LIMIT 1", settings.test_table), deadline);
  if (read) return otherwise;
  return call.fail(otherwise == Ocf::running_promoted ? Ocf::failed_promoted : Ocf::generic, "reading {}: {}",
                   settings.test_table, read.error().what);
}

}  // namespace

Ocf MysqlAgent::monitor(Call& call) {
  const Settings settings = settings_of(call);
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
  Verdict verdict = judge(facts, {.max_slave_lag_s = settings.max_slave_lag_s,
                                  .semi_sync = settings.semi_sync && !settings.keeps_record(),
                                  .evict_outdated = settings.evict_outdated});
  Ocf code = static_cast<Ocf>(verdict.code);
  if (server && verdict.repair != Repair::none) {
    const auto repaired =
        repair(*server, verdict, facts, settings, cluster, deadline.within(settings.sql_timeout), call.log());
    if (!repaired && repaired.error().code == Errc::refused) {
      verdict = {.code = static_cast<int>(Ocf::generic), .reason = repaired.error().what};
      code = Ocf::generic;
    } else if (!repaired) {
      call.log().warning("replication is not repaired yet: {}", repaired.error().what);
    }
  }
  cluster.publish(verdict, call.is_probe());
  if (code == Ocf::running_promoted) cluster.publish_primary();
  if (settings.keeps_record() && !call.is_probe()) see_to_helper(call, settings);
  if (code == Ocf::generic || code == Ocf::installed) return call.explain(code, verdict.reason);
  if (!verdict.reason.empty()) call.log().warning("{}", verdict.reason);
  if (server && call.meta().check_level() >= 10) return deep_check(*server, settings, call, deadline, code);
  return code;
}

}  // namespace systole::mysql

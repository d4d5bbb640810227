// SPDX-License-Identifier: GPL-2.0-or-later
// Early returns, worst first.
#include "agents/ocf/mysql/judge.hpp"

#include <fmt/format.h>

namespace systole::mysql {

namespace {

constexpr int success = 0, generic = 1, installed = 5, not_running = 7, running_promoted = 8;
// The primary's dump thread ended. MySQL 8 counts it among the messages of its log.
constexpr unsigned er_master_fatal = 1236, er_server_source_fatal = 13114;

Verdict judge_promoted(const Facts& facts, const Limits& limits) {
  Verdict verdict{.code = running_promoted, .reason = {}, .score = score_promoted, .readable = true};
  const Variables& variables = *facts.variables;
  if (limits.semi_sync && variables.has_semi_sync && !variables.semi_sync_source && variables.dump_threads > 0)
    verdict.repair = Repair::enable_semi_sync;
  return verdict;
}

bool wrong_primary(const Facts& facts, const Replication& replication) {
  if (facts.primary_host.empty()) return false;
  return replication.host != facts.primary_host || replication.port != facts.primary_port;
}

Repair repair_of(const Facts& facts, const Replication& replication, const Limits& limits) {
  if (wrong_primary(facts, replication)) return Repair::follow;
  const bool io_stopped = replication.io == IoThread::stopped;
  // By file and position where GTIDs are to be used, or with both threads stopped, a plain start would fetch from a
  // wrong place or delete what was received: then replication is set up anew.
  if (replication.by_gtid == limits.by_file || (io_stopped && !replication.sql_running))
    return facts.primary_host.empty() ? Repair::none : Repair::follow;
  if (io_stopped) return Repair::start_io;
  if (!replication.sql_running) return Repair::start_sql;
  return Repair::none;
}

/// Why evict_outdated_slaves wants it away; "": it does not. A replica that looks for its primary has no known lag
/// either, but it may be needed as the next primary; one that can simply be started again is started again.
std::string reason_to_evict(const Replication& replication, const Limits& limits) {
  if (replication.behind_s && *replication.behind_s > limits.max_slave_lag_s)
    return fmt::format("{} s behind the primary, more than max_slave_lag={}: evicted (evict_outdated_slaves)",
                       *replication.behind_s, limits.max_slave_lag_s);
  const bool receiver_failed = replication.io == IoThread::stopped && replication.io_errno != 0;
  if (replication.behind_s || (replication.sql_errno == 0 && !receiver_failed)) return {};
  return fmt::format(
      "how far it is behind the primary is not known, as replication stopped with error {}: {}: evicted "
      "(evict_outdated_slaves)",
      receiver_failed ? replication.io_errno : replication.sql_errno,
      receiver_failed ? replication.io_error : replication.sql_error);
}

Verdict judge_replica(const Facts& facts, const Replication& replication, const Limits& limits) {
  if (says_diverged(replication))
    return {
        .code = generic,
        .reason = fmt::format("this database has transactions that the primary {} has not ({}): save what is needed, "
                              "then give this node a new copy of the primary",
                              replication.host, replication.io_error),
        .apart = true};
  if (std::string why = limits.evict_outdated ? reason_to_evict(replication, limits) : ""; !why.empty())
    return {.code = installed, .reason = std::move(why)};
  Verdict verdict{.code = success, .reason = {}, .score = score_replica, .readable = true};
  if (replication.sql_errno != 0) {
    verdict.reason = fmt::format("replication stopped with error {}: {}", replication.sql_errno, replication.sql_error);
    verdict.score.reset();
    verdict.readable = false;
    // Whose number was given away here (1950) is told in other words by each worker of a parallel applier, and what was
    // written here breaks later rows, too: the primary must be asked.
    verdict.apart = true;
    return verdict;  // starting it again would meet the same transaction
  }
  verdict.repair = repair_of(facts, replication, limits);
  const bool flows = replication.io == IoThread::running && replication.sql_running;
  const bool late = replication.behind_s && *replication.behind_s > limits.max_slave_lag_s;
  if (late) {
    verdict.reason = fmt::format("{} s behind the primary, more than max_slave_lag={}", *replication.behind_s,
                                 limits.max_slave_lag_s);
    verdict.score = score_lagging;
  } else if (!flows && replication.io_errno != 0) {
    verdict.reason = fmt::format("no connection to the primary {}: error {}: {}", replication.host,
                                 replication.io_errno, replication.io_error);
  }
  verdict.readable = flows && !late;
  return verdict;
}

}  // namespace

bool says_diverged(const Replication& replication) {
  const auto says = [&](std::string_view words) { return replication.io_error.find(words) != std::string::npos; };
  return (replication.io_errno == er_master_fatal || replication.io_errno == er_server_source_fatal) &&
         (says("diverged") || says("not in the master") || says("more GTIDs than the"));
}

Verdict judge(const Facts& facts, const Limits& limits) {
  if (!facts.alive) return {.code = not_running, .reason = "no server process"};
  if (!facts.variables)
    return {.code = generic,
            .reason = fmt::format("the server's process lives but does not answer: {}", facts.silence)};
  if (!facts.variables->read_only) return judge_promoted(facts, limits);
  if (!facts.replication_known)
    return {.code = generic, .reason = fmt::format("cannot read the replication status: {}", facts.silence)};

  Verdict verdict;
  if (facts.replication) {
    verdict = judge_replica(facts, *facts.replication, limits);
  } else {
    verdict = {.code = success, .reason = {}, .score = score_unrelated};
    if (!facts.primary_host.empty()) verdict.repair = Repair::follow;
    // Somebody else was the last primary, and without GTIDs nobody knows what of its data is here.
    if (limits.by_file && !facts.primary_host.empty()) verdict.score.reset();
  }
  if (facts.must_follow) {
    verdict.score.reset();
    if (verdict.reason.empty()) verdict.reason = "has not caught up with the primary since it was started as a replica";
  }
  return verdict;
}

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// Facts in, verdict out: the table of the monitor.
#include "agents/ocf/mysql/judge.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace systole::mysql {
namespace {

constexpr std::optional<int> no_score = std::nullopt;

Facts replica() {
  Facts facts{.alive = true};
  facts.variables = Variables{};
  facts.replication_known = true;
  facts.replication = Replication{.host = "n1", .port = 3306, .io = IoThread::running, .sql_running = true};
  facts.replication->behind_s = 0;
  facts.primary_host = "n1";
  facts.primary_port = 3306;
  return facts;
}

Facts primary() {
  Facts facts = replica();
  facts.variables->read_only = false;
  facts.variables->semi_sync_source = true;
  facts.replication.reset();
  facts.primary_host.clear();
  return facts;
}

struct Case {
  const char* name;
  Facts facts;
  int code;
  std::optional<int> score;
  bool readable;
  Repair repair;
};

Facts changed(Facts facts, const std::function<void(Facts&)>& change) {
  change(facts);
  return facts;
}

/// Who is it?
std::vector<Case> roles() {
  return {
      {"no process", Facts{}, 7, no_score, false, Repair::none},
      {"a healthy primary", primary(), 8, score_promoted, true, Repair::none},
      {"a healthy replica", replica(), 0, score_replica, true, Repair::none},
      {"read_only could not be read: a failure, never a primary",
       changed(primary(), [](Facts& f) { f.variables.reset(); }), 1, no_score, false, Repair::none},
      {"the replication status of a read-only server could not be read",
       changed(replica(),
               [](Facts& f) {
                 f.replication_known = false;
                 f.replication.reset();
               }),
       1, no_score, false, Repair::none},
      {"a primary for which a replica waits unasked",
       changed(primary(),
               [](Facts& f) {
                 f.variables->semi_sync_source = false;
                 f.variables->dump_threads = 1;
               }),
       8, score_promoted, true, Repair::enable_semi_sync},
      {"a primary alone", changed(primary(), [](Facts& f) { f.variables->semi_sync_source = false; }), 8,
       score_promoted, true, Repair::none},
  };
}

/// What stands still, and what may be started.
std::vector<Case> repairs() {
  return {
      {"a replica whose primary is dead waits for its promotion",
       changed(replica(),
               [](Facts& f) {
                 f.replication->io = IoThread::connecting;
                 f.replication->io_errno = 2003;
               }),
       0, score_replica, false, Repair::none},
      {"a receiver that was stopped", changed(replica(), [](Facts& f) { f.replication->io = IoThread::stopped; }), 0,
       score_replica, false, Repair::start_io},
      {"an applier that was stopped", changed(replica(), [](Facts& f) { f.replication->sql_running = false; }), 0,
       score_replica, false, Repair::start_sql},
      {"both stopped: a plain start would delete the relay log",
       changed(replica(),
               [](Facts& f) {
                 f.replication->io = IoThread::stopped;
                 f.replication->sql_running = false;
               }),
       0, score_replica, false, Repair::follow},
      {"by file and position: a receiver would begin at a wrong place",
       changed(replica(),
               [](Facts& f) {
                 f.replication->io = IoThread::stopped;
                 f.replication->by_gtid = false;
               }),
       0, score_replica, false, Repair::follow},
      {"the wrong primary", changed(replica(), [](Facts& f) { f.replication->host = "n3"; }), 0, score_replica, true,
       Repair::follow},
      {"the right host, the wrong port", changed(replica(), [](Facts& f) { f.replication->port = 3307; }), 0,
       score_replica, true, Repair::follow},
  };
}

/// Whether it may be promoted or read from.
std::vector<Case> suitability() {
  return {
      {"an applier that failed cannot be promoted and is not started again",
       changed(replica(),
               [](Facts& f) {
                 f.replication->sql_running = false;
                 f.replication->sql_errno = 1950;
               }),
       0, no_score, false, Repair::none},
      {"a replica too far behind is the last choice",
       changed(replica(), [](Facts& f) { f.replication->behind_s = 61; }), 0, score_lagging, false, Repair::none},
      {"a replica at the bound", changed(replica(), [](Facts& f) { f.replication->behind_s = 60; }), 0, score_replica,
       true, Repair::none},
      {"never a replica, nobody known",
       changed(replica(),
               [](Facts& f) {
                 f.replication.reset();
                 f.primary_host.clear();
               }),
       0, score_unrelated, false, Repair::none},
      {"not yet a replica of the known primary", changed(replica(), [](Facts& f) { f.replication.reset(); }), 0,
       score_unrelated, false, Repair::follow},
      {"started as a replica, not caught up", changed(replica(), [](Facts& f) { f.must_follow = true; }), 0, no_score,
       true, Repair::none},
      {"histories that differ",
       changed(replica(),
               [](Facts& f) {
                 f.replication->io = IoThread::stopped;
                 f.replication->io_errno = 1236;
                 f.replication->io_error =
                     "… it probably means that the slave has diverged due to executing extra errant transactions";
               }),
       1, no_score, false, Repair::none},
      {"another error 1236: the primary has purged its logs, our server is sound",
       changed(replica(),
               [](Facts& f) {
                 f.replication->io = IoThread::stopped;
                 f.replication->io_errno = 1236;
                 f.replication->io_error = "Could not find first log file name in binary log index file";
               }),
       0, score_replica, false, Repair::start_io},
  };
}

/// Under evict_outdated_slaves.
std::vector<Case> evictions() {
  const auto unknown_lag = [](const std::function<void(Facts&)>& change) {
    return changed(replica(), [&](Facts& f) {
      f.replication->behind_s.reset();
      change(f);
    });
  };
  return {
      {"behind the bound", changed(replica(), [](Facts& f) { f.replication->behind_s = 61; }), 5, no_score, false,
       Repair::none},
      {"at the bound", changed(replica(), [](Facts& f) { f.replication->behind_s = 60; }), 0, score_replica, true,
       Repair::none},
      {"stopped by an error of the applier", unknown_lag([](Facts& f) {
         f.replication->sql_running = false;
         f.replication->sql_errno = 1062;
       }),
       5, no_score, false, Repair::none},
      {"stopped by an error of the receiver", unknown_lag([](Facts& f) {
         f.replication->io = IoThread::stopped;
         f.replication->io_errno = 1236;
       }),
       5, no_score, false, Repair::none},
      {"looking for a dead primary", unknown_lag([](Facts& f) {
         f.replication->io = IoThread::connecting;
         f.replication->io_errno = 2003;
       }),
       0, score_replica, false, Repair::none},
      {"stopped without an error", unknown_lag([](Facts& f) { f.replication->io = IoThread::stopped; }), 0,
       score_replica, false, Repair::start_io},
      {"a primary", primary(), 8, score_promoted, true, Repair::none},
  };
}

/// By file and position, on purpose.
TEST(JudgeByFile, takes_file_and_position_for_right_and_gtids_for_wrong) {
  const Limits limits{.max_slave_lag_s = 60, .semi_sync = true, .by_file = true};
  Facts facts = replica();
  EXPECT_EQ(judge(facts, limits).repair, Repair::follow) << "it goes by GTID";
  facts.replication->by_gtid = false;
  EXPECT_EQ(judge(facts, limits).repair, Repair::none);
  EXPECT_EQ(judge(facts, limits).score, score_replica);
  facts.replication->io = IoThread::stopped;
  EXPECT_EQ(judge(facts, limits).repair, Repair::start_io);
}

TEST(JudgeByFile, gives_no_score_to_who_follows_nobody_where_there_was_a_primary) {
  Facts facts = changed(replica(), [](Facts& f) { f.replication.reset(); });
  EXPECT_EQ(judge(facts, {.by_file = true}).score, no_score);
  facts.primary_host.clear();
  EXPECT_EQ(judge(facts, {.by_file = true}).score, score_unrelated);
}

TEST(JudgeOnMysql, knows_its_words_for_histories_that_differ) {
  Replication replication{.io_errno = 13114};
  replication.io_error = "Got fatal error 1236 from source: 'Replica has more GTIDs than the source has'";  // by hand
  EXPECT_TRUE(says_diverged(replication));
  replication.io_error = "Got fatal error 1236 from source: 'Cannot replicate because the source purged logs'";
  EXPECT_FALSE(says_diverged(replication));
}

TEST(JudgeOnMysql, does_not_switch_on_what_no_plugin_brings) {
  Facts facts = primary();
  facts.variables->semi_sync_source = false;
  facts.variables->dump_threads = 1;
  facts.variables->has_semi_sync = false;
  EXPECT_EQ(judge(facts, {}).repair, Repair::none);
}

void check(const std::vector<Case>& cases, bool evict = false) {
  for (const Case& row : cases) {
    const Verdict verdict = judge(row.facts, {.max_slave_lag_s = 60, .semi_sync = true, .evict_outdated = evict});
    EXPECT_EQ(verdict.code, row.code) << row.name;
    EXPECT_EQ(verdict.score, row.score) << row.name;
    EXPECT_EQ(verdict.readable, row.readable) << row.name;
    EXPECT_EQ(static_cast<int>(verdict.repair), static_cast<int>(row.repair)) << row.name;
  }
}

TEST(Judge, calls_a_server_promoted_only_when_it_says_so_itself) {
  check(roles());
}
TEST(Judge, repairs_replication_without_endangering_what_was_received) {
  check(repairs());
}
TEST(Judge, lets_only_sound_replicas_be_promoted_and_read) {
  check(suitability());
}

TEST(Judge, evicts_outdated_replicas_when_told_to_but_never_one_that_may_have_to_be_promoted) {
  check(evictions(), true);
}

TEST(Judge, says_why_a_monitor_fails) {
  Facts mute{.alive = true, .silence = "connecting to /run/sock: no answer in time"};
  EXPECT_NE(judge(mute, {}).reason.find("no answer in time"), std::string::npos);
}

TEST(Judge, leaves_semi_sync_alone_when_it_is_not_wanted) {
  Facts facts = primary();
  facts.variables->semi_sync_source = false;
  facts.variables->dump_threads = 2;
  EXPECT_EQ(judge(facts, {.max_slave_lag_s = 60, .semi_sync = false}).repair, Repair::none);
}

TEST(Judge, takes_a_server_that_stopped_applying_for_one_that_may_have_too_much) {
  const auto apart = [](const std::function<void(Replication&)>& change) {
    Facts facts = replica();
    change(*facts.replication);
    return judge(facts, {}).apart;
  };
  EXPECT_FALSE(apart([](Replication&) {}));
  EXPECT_TRUE(apart([](Replication& r) { r.sql_errno = 1062; }));
  EXPECT_TRUE(apart([](Replication& r) { r.sql_errno = 1964; })) << "what another worker met was a number given away";
  EXPECT_FALSE(apart([](Replication& r) { r.io_errno = 2003; }));
  EXPECT_TRUE(apart([](Replication& r) { r.sql_errno = 1950; })) << "out of order: the number is given away here";
  EXPECT_TRUE(apart([](Replication& r) {
    r.io = IoThread::stopped;
    r.io_errno = 1236;
    r.io_error = "connecting slave requested to start from GTID 0-1-4, which is not in the master's binlog";
  }));
}

}  // namespace
}  // namespace systole::mysql

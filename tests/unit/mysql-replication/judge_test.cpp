// SPDX-License-Identifier: GPL-2.0-or-later
// Facts and memory in, verdict and memory out.
#include "agents/ocf/mysql-replication/judge.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace systole::mysql_replication {
namespace {

using agents::Ocf;
using mysql::IoThread;

constexpr std::int64_t now = 10'000'000;

Settings settings() {
  Settings all;
  all.max_lag = 10s;
  all.return_lag = 8s;
  all.has_account = true;
  return all;
}

Facts replica() {
  Facts facts{.contact = Contact::answers, .read_only = true, .server_id = 2, .status_known = true};
  facts.applied = *mysql::parse_gtids("0-1-9");
  facts.channel =
      Channel{.host = "n1", .port = 3306, .io = IoThread::running, .sql_running = true, .all_applied = true};
  facts.channel->behind_s = 0;
  facts.channel->received = facts.applied;
  return facts;
}

Facts changed(Facts facts, const std::function<void(Facts&)>& change) {
  change(facts);
  return facts;
}

Facts stopped(unsigned io_errno, const char* text, IoThread io = IoThread::stopped) {
  return changed(replica(), [&](Facts& f) {
    f.channel->io = io;
    f.channel->io_errno = io_errno;
    f.channel->io_error = text;
    f.channel->behind_s.reset();
  });
}

Facts broken(unsigned sql_errno, IoThread io = IoThread::running) {
  return changed(replica(), [&](Facts& f) {
    f.channel->io = io;
    f.channel->sql_running = false;
    f.channel->sql_errno = sql_errno;
    f.channel->sql_error = "words";
    f.channel->behind_s.reset();
  });
}

/// It was current five seconds ago.
Memory fresh() {
  Memory memory;
  memory.fresh_ms = now - 5000;
  memory.stands_since_ms = now - 10'000;
  return memory;
}

struct Case {
  const char* name;
  Facts facts;
  Condition condition;
  Ocf code;
  ReaderWish readers;
  std::optional<int> score;
  Repair repair;
};

constexpr std::optional<int> no_score = std::nullopt;

void check(const std::vector<Case>& cases, const Settings& with, const Memory& memory = fresh(),
           bool elsewhere = false) {
  for (const Case& each : cases) {
    const Verdict verdict = judge(each.facts, memory, with, elsewhere, now).verdict;
    EXPECT_EQ(to_string(verdict.condition), to_string(each.condition)) << each.name;
    EXPECT_EQ(verdict.code, each.code) << each.name;
    EXPECT_EQ(verdict.readers, each.readers) << each.name;
    EXPECT_EQ(verdict.score.kind == Score::Kind::value ? std::optional(verdict.score.points) : no_score, each.score)
        << each.name;
    EXPECT_EQ(to_string(verdict.repair), to_string(each.repair)) << each.name;
    EXPECT_EQ(verdict.reason.empty(), each.condition == Condition::primary ||
                                          each.condition == Condition::replicating ||
                                          each.condition == Condition::delayed)
        << each.name << ": " << verdict.reason;
  }
}

TEST(Judge, knows_who_it_is) {
  using enum Condition;
  check({{"a good replica", replica(), replicating, Ocf::ok, ReaderWish::read, 100, Repair::none},
         {"a primary",
          changed(replica(),
                  [](Facts& f) {
                    f.read_only = false;
                    f.channel.reset();
                  }),
          primary, Ocf::ok, ReaderWish::read, 1000, Repair::none},
         {"a primary whose former replication was left in place",
          changed(broken(0, IoThread::stopped), [](Facts& f) { f.read_only = false; }), primary, Ocf::ok,
          ReaderWish::read, 1000, Repair::none},
         {"a replica that is writable", changed(replica(), [](Facts& f) { f.read_only = false; }), writable_replica,
          Ocf::degraded, ReaderWish::read, 100, Repair::none},
         {"read-only, and follows nobody", changed(replica(), [](Facts& f) { f.channel.reset(); }), unconfigured,
          Ocf::degraded, ReaderWish::leave, 10, Repair::none},
         {"a primary whose disk is full",
          changed(replica(),
                  [](Facts& f) {
                    f.read_only = false;
                    f.channel.reset();
                    f.waits_for_space = true;
                  }),
          no_space, Ocf::degraded, ReaderWish::read, 1000, Repair::none}},
        settings());
}

TEST(Judge, of_two_servers_that_take_writes_calls_only_the_former_primary_writable) {
  const Facts facts = changed(broken(0, IoThread::stopped), [](Facts& f) { f.read_only = false; });
  Memory memory;
  memory.other_writes = true;
  EXPECT_EQ(judge(facts, memory, settings(), false, now).verdict.condition, Condition::writable_replica);
  EXPECT_EQ(judge(facts, memory, settings(), false, now).verdict.writable, std::optional(false));
  memory.told_writable = "1";
  EXPECT_EQ(judge(facts, memory, settings(), false, now).verdict.condition, Condition::primary);
  memory.told_writable = "0";
  memory.other_writes = false;  // it is read-only, or gone
  EXPECT_EQ(judge(facts, memory, settings(), false, now).verdict.condition, Condition::primary);
}

TEST(Judge, calls_only_a_server_writable_that_said_so) {
  for (const Contact contact : {Contact::down, Contact::hung, Contact::overloaded, Contact::refused}) {
    const Facts facts{.contact = contact, .silence = "words", .read_only = false};
    EXPECT_NE(judge(facts, {}, settings(), false, now).verdict.writable, std::optional(true));
  }
  EXPECT_EQ(
      judge(changed(replica(), [](Facts& f) { f.read_only = false; }), {}, settings(), false, now).verdict.writable,
      std::optional(false));
}

TEST(Judge, takes_trouble_with_the_connection_for_no_fault_of_the_replica) {
  using enum Condition;
  const auto connecting = IoThread::connecting;
  check({{"no primary", stopped(2003, "t", connecting), disconnected, Ocf::ok, ReaderWish::read, 100, Repair::none},
         {"it gave up", stopped(2013, "t"), disconnected, Ocf::ok, ReaderWish::read, 100, Repair::start_receiver},
         {"stopped by hand", stopped(0, ""), disconnected, Ocf::ok, ReaderWish::read, 100, Repair::start_receiver},
         {"full primary", stopped(1040, "t", connecting), disconnected, Ocf::ok, ReaderWish::read, 100, Repair::none},
         {"refused", stopped(1045, "t", connecting), disconnected, Ocf::ok, ReaderWish::read, 100, Repair::account},
         {"same server_id", stopped(1593, "have equal MySQL server ids"), disconnected, Ocf::ok, ReaderWish::read, 100,
          Repair::start_receiver},
         {"an error nobody knows", stopped(4999, "t"), disconnected, Ocf::ok, ReaderWish::read, 100,
          Repair::start_receiver}},
        settings());
}

TEST(Judge, keeps_data_in_doubt_from_readers_and_promotion_and_touches_nothing) {
  using enum Condition;
  const auto row = [](const char* name, Facts facts, Condition condition = quarantined) {
    return Case{name, std::move(facts), condition, Ocf::degraded, ReaderWish::leave, score_never, Repair::none};
  };
  Settings with = settings();
  with.compare_rows = false;
  check({row("duplicate row", broken(1062)), row("missing row", broken(1032)), row("out of order", broken(1950)),
         row("missing table", broken(1146)), row("an error nobody knows", broken(4999)),
         row("both stopped", broken(1062, IoThread::stopped)),
         row("diverged", stopped(1236, "not in the master's binlog")),
         row("purged", stopped(1236, "have been purged"), outdated)},
        with);
  Memory errant = fresh();
  errant.errant = "9-2-1";
  check({row("a transaction that the primary never had", replica())}, settings(), errant);
}

TEST(Judge, has_rows_compared_that_may_be_the_same_and_keeps_them_in_doubt_meanwhile) {
  using enum Condition;
  const auto row = [](const char* name, Facts facts, Repair repair) {
    return Case{name, std::move(facts), quarantined, Ocf::degraded, ReaderWish::leave, score_never, repair};
  };
  check({row("duplicate", broken(1062), Repair::same_rows), row("missing", broken(1032), Repair::same_rows),
         row("while the primary is away", broken(1062, IoThread::connecting), Repair::same_rows),
         row("a start would delete what was received", broken(1062, IoThread::stopped), Repair::none),
         row("by file and position", changed(broken(1062), [](Facts& f) { f.channel->by_gtid = false; }), Repair::none),
         row("a foreign key", broken(1452), Repair::none), row("another error", broken(1950), Repair::none)},
        settings());
  Memory errant = fresh();
  errant.errant = "9-2-1";
  check({row("beside other differences", broken(1062), Repair::none)}, settings(), errant);
}

TEST(Judge, starts_what_stands_still_in_the_order_that_loses_nothing) {
  using enum Condition;
  check({{"the applier", broken(0), standing, Ocf::ok, ReaderWish::read, 5, Repair::start_applier},
         {"both", broken(0, IoThread::stopped), standing, Ocf::ok, ReaderWish::read, 5, Repair::start_both},
         {"the applier, while the primary is away", broken(0, IoThread::connecting), standing, Ocf::ok,
          ReaderWish::read, 5, Repair::start_applier},
         {"a lock wait", broken(1205), standing, Ocf::degraded, ReaderWish::read, 5, Repair::start_applier},
         {"a deadlock, both", broken(1213, IoThread::stopped), standing, Ocf::degraded, ReaderWish::read, 5,
          Repair::start_both},
         {"no room", broken(1114), standing, Ocf::degraded, ReaderWish::read, 5, Repair::start_applier},
         {"a damaged relay log", broken(1594), standing, Ocf::degraded, ReaderWish::read, 5, Repair::fetch_again},
         {"somebody died while the relay log was applied from its files",
          changed(broken(0, IoThread::stopped), [](Facts& f) { f.channel->drain_interrupted = true; }), standing,
          Ocf::ok, ReaderWish::read, 5, Repair::start_both},
         {"the relay log is still being applied from its files",
          changed(stopped(0, ""),
                  [](Facts& f) {
                    f.channel->by_gtid = false;
                    f.channel->drain_interrupted = true;
                  }),
          disconnected, Ocf::ok, ReaderWish::read, 100, Repair::none}},
        settings());
}

TEST(Judge, leaves_what_was_stopped_without_an_error_for_the_dwell) {
  for (const Facts& facts : {stopped(0, ""), broken(0), broken(0, IoThread::stopped)}) {
    Memory memory = fresh();
    memory.stands_since_ms = -1;
    Judgement judged = judge(facts, memory, settings(), false, now);
    EXPECT_EQ(judged.verdict.repair, Repair::none);
    EXPECT_EQ(judge(facts, judged.memory, settings(), false, now + 9'999).verdict.repair, Repair::none);
    EXPECT_NE(judge(facts, judged.memory, settings(), false, now + 10'000).verdict.repair, Repair::none);
    judged = judge(replica(), judged.memory, settings(), false, now + 5'000);
    EXPECT_EQ(judged.memory.stands_since_ms, -1);
  }
}

TEST(Judge, touches_nothing_where_it_may_not) {
  Settings none = settings();
  none.repair = RepairMode::none;
  for (const Facts& facts : {stopped(0, ""), broken(0), broken(0, IoThread::stopped), broken(1594), stopped(1045, "")})
    EXPECT_EQ(judge(facts, fresh(), none, true, now).verdict.repair, Repair::none);
  const Facts named = changed(broken(0), [](Facts& f) { f.channel->name = "other"; });
  EXPECT_EQ(judge(named, fresh(), settings(), false, now).verdict.repair, Repair::none);
  Settings stranger = settings();
  stranger.has_account = false;
  EXPECT_EQ(judge(broken(1594), fresh(), stranger, false, now).verdict.repair, Repair::none);
  EXPECT_EQ(judge(stopped(1045, ""), fresh(), stranger, false, now).verdict.repair, Repair::start_receiver);
}

TEST(Judge, sets_replication_up_only_where_it_is_told_to) {
  const Facts nobody = changed(replica(), [](Facts& f) { f.channel.reset(); });
  EXPECT_EQ(judge(nobody, {}, settings(), true, now).verdict.repair, Repair::none);
  Settings setup = settings();
  setup.repair = RepairMode::setup;
  EXPECT_EQ(judge(nobody, {}, setup, true, now).verdict.repair, Repair::follow);
  EXPECT_EQ(judge(nobody, {}, setup, false, now).verdict.repair, Repair::none);
  EXPECT_EQ(judge(stopped(2003, "", IoThread::connecting), fresh(), setup, true, now).verdict.repair, Repair::follow);
  EXPECT_EQ(judge(broken(1146), fresh(), setup, true, now).verdict.repair, Repair::none);
}

TEST(Judge, repairs_with_growing_pauses_and_not_without_end) {
  Memory memory = fresh();
  std::int64_t at = now, last = -1, repairs = 0, longest = 0;
  std::string reason;
  for (; at < now + 3'600'000; at += 500) {
    Judgement judged = judge(stopped(0, ""), memory, settings(), false, at);
    memory = std::move(judged.memory);
    memory.fresh_ms = at;
    reason = judged.verdict.reason;
    if (judged.verdict.repair == Repair::none) continue;
    ++repairs;
    if (last >= 0) longest = std::max(longest, at - last);
    last = at;
  }
  EXPECT_EQ(repairs, 10);
  EXPECT_GE(longest, 256'000);
  EXPECT_NE(reason.find("repair_limit"), std::string::npos);
}

TEST(Judge, measures_lag_by_the_heartbeat_in_the_primarys_clock) {
  Settings with = settings();
  with.heartbeat = true;
  Memory memory;
  memory.offset_us = 3'000'000;  // the primary's clock is three seconds ahead
  Facts facts = replica();
  facts.wall_us = 100'000'000;
  facts.beat_us = 101'500'000;
  EXPECT_EQ(lag_of(facts, memory, true, now), 1500);
  facts.beat_us = 104'000'000;  // not before it was written
  EXPECT_EQ(lag_of(facts, memory, true, now), 0);
  facts.beat_us = 40'000'000;
  EXPECT_EQ(lag_of(facts, memory, true, now), 63'000);
  facts.peer = Peer{.writable = true, .position = facts.applied, .errant = {}};
  EXPECT_EQ(lag_of(facts, memory, true, now), 0);  // nobody writes it: the primary has nothing more
  facts.peer->position = *mysql::parse_gtids("0-1-10");
  EXPECT_EQ(lag_of(facts, memory, true, now), 63'000);
}

TEST(Judge, without_a_heartbeat_goes_by_the_server_and_then_by_the_time_since_it_knew) {
  Facts facts = replica();
  facts.channel->behind_s = 7;
  EXPECT_EQ(lag_of(facts, {}, false, now), 7000);
  EXPECT_EQ(lag_of(stopped(2003, ""), fresh(), false, now), 5000);
  EXPECT_EQ(lag_of(stopped(2003, ""), {}, false, now), std::nullopt);
  EXPECT_EQ(judge(stopped(2003, ""), {}, settings(), false, now).verdict.readers, ReaderWish::leave);
}

TEST(Judge, of_a_sawtooth_around_the_bound_changes_its_mind_at_most_once_in_the_dwell) {
  Memory memory;
  std::vector<std::int64_t> changes;
  for (std::int64_t at = 0; at < 300'000; at += 200) {
    Facts facts = replica();
    facts.channel->behind_s = at / 1000 % 4 == 0 ? 12 : 2;
    const bool before = memory.late;
    memory = judge(facts, memory, settings(), false, at).memory;
    if (memory.late != before) changes.push_back(at);
  }
  ASSERT_GT(changes.size(), 5U);
  for (std::size_t i = 1; i < changes.size(); ++i) EXPECT_GE(changes[i] - changes[i - 1], 10'000);
}

TEST(Judge, has_two_bounds_of_lag) {
  Memory memory;
  const auto late_at = [&](std::int64_t behind, std::int64_t at) {
    Facts facts = replica();
    facts.channel->behind_s = behind;
    const Judgement judged = judge(facts, memory, settings(), false, at);
    memory = judged.memory;
    return judged.verdict.condition == Condition::lagging;
  };
  EXPECT_FALSE(late_at(10, 0));
  EXPECT_TRUE(late_at(11, 1000));
  EXPECT_TRUE(late_at(9, 100'000));
  EXPECT_FALSE(late_at(8, 200'000));
  EXPECT_FALSE(late_at(10, 300'000));
}

TEST(Judge, of_a_delayed_replica_counts_from_its_delay_on) {
  Facts facts = replica();
  facts.channel->delay_s = 3600;
  facts.channel->behind_s = 3605;
  Settings with = settings();
  EXPECT_EQ(judge(facts, {}, with, false, now).verdict.readers, ReaderWish::leave);
  EXPECT_EQ(judge(facts, {}, with, false, now).verdict.score.points, score_never);
  EXPECT_EQ(judge(facts, {}, with, false, now).verdict.code, Ocf::ok);
  with.read_delayed = with.promote_delayed = true;
  EXPECT_EQ(judge(facts, {}, with, false, now).verdict.readers, ReaderWish::read);
  EXPECT_EQ(judge(facts, {}, with, false, now).verdict.score.points, score_replica);
  facts.channel->behind_s = 3611;
  EXPECT_EQ(judge(facts, {}, with, false, now).verdict.readers, ReaderWish::late);
}

TEST(Judge, that_sees_nothing_waits_and_then_asks_whether_others_stay) {
  const Facts facts{.contact = Contact::refused, .silence = "words"};
  const Judgement first = judge(facts, fresh(), settings(), false, now);
  EXPECT_EQ(first.verdict.readers, ReaderWish::as_it_was);
  EXPECT_EQ(first.verdict.score.kind, Score::Kind::as_it_was);
  EXPECT_FALSE(first.verdict.writable);
  EXPECT_EQ(judge(facts, first.memory, settings(), false, now + 9'999).verdict.readers, ReaderWish::as_it_was);
  EXPECT_EQ(judge(facts, first.memory, settings(), false, now + 10'000).verdict.readers, ReaderWish::late);
  EXPECT_EQ(judge(replica(), first.memory, settings(), false, now + 10'000).memory.blind_since_ms, -1);
}

TEST(Judge, of_a_status_that_does_not_come_goes_by_age) {
  Facts facts = replica();
  facts.status_known = false;
  facts.channel.reset();
  facts.silence = "words";
  facts.waits_for_space = true;
  const Verdict verdict = judge(facts, fresh(), settings(), false, now).verdict;
  EXPECT_EQ(verdict.condition, Condition::no_space);
  EXPECT_EQ(verdict.readers, ReaderWish::as_it_was);
  EXPECT_EQ(verdict.code, Ocf::degraded);
  EXPECT_EQ(judge(facts, fresh(), settings(), false, now + 60'000).verdict.readers, ReaderWish::late);
  facts.waits_for_space = false;
  EXPECT_EQ(judge(facts, {}, settings(), false, now).verdict.condition, Condition::hung);
}

TEST(Judge, knows_the_types_of_clusters) {
  Settings with = settings();
  with.type = ClusterType::read_only;
  EXPECT_EQ(judge(broken(1062), {}, with, false, now).verdict.readers, ReaderWish::read);
  with.type = ClusterType::galera;
  EXPECT_EQ(judge(replica(), {}, with, false, now).verdict.readers, ReaderWish::leave);
  const Verdict synced = judge(changed(replica(),
                                       [](Facts& f) {
                                         f.synced = true;
                                         f.read_only = false;
                                       }),
                               {}, with, false, now)
                             .verdict;
  EXPECT_EQ(synced.readers, ReaderWish::read);
  EXPECT_EQ(synced.writable, std::optional(true));
}

TEST(Judge, says_what_a_fault_is_worth_as_it_was_told) {
  Settings with = settings();
  for (const Ocf code : {Ocf::ok, Ocf::degraded, Ocf::generic}) {
    with.fault_code = code;
    EXPECT_EQ(judge(broken(1062), {}, with, false, now).verdict.code, code);
    EXPECT_EQ(judge(Facts{}, {}, with, false, now).verdict.code, code);
    EXPECT_EQ(judge(stopped(2003, ""), fresh(), with, false, now).verdict.code, Ocf::ok);
  }
}

TEST(Judge, suspects_another_replica_with_the_same_server_id_when_the_connection_flips) {
  Memory memory = fresh();
  std::string reason;
  for (int i = 0; i < 5; ++i) {
    const Facts facts = i % 2 == 0 ? replica() : stopped(0, "", IoThread::connecting);
    Judgement judged = judge(facts, memory, settings(), false, now + i * 2000);
    memory = std::move(judged.memory);
    reason = judged.verdict.reason;
    EXPECT_EQ(judged.verdict.code, Ocf::ok);
    EXPECT_EQ(reason.find("server_id 2") != std::string::npos, i == 4) << i;
  }
  memory = judge(replica(), memory, settings(), false, now + 100'000).memory;
  EXPECT_EQ(memory.flips, 0);
}

TEST(Judge, tells_of_a_replica_that_does_not_acknowledge_only_where_it_should) {
  Facts facts = replica();
  facts.acknowledges = false;
  EXPECT_EQ(judge(facts, {}, settings(), false, now).verdict.score.points, score_replica);
  Settings with = settings();
  with.semi_sync_expected = true;
  EXPECT_EQ(judge(facts, {}, with, false, now).verdict.score.points, score_late);
  EXPECT_EQ(judge(facts, {}, with, false, now).verdict.readers, ReaderWish::read);
}

}  // namespace
}  // namespace systole::mysql_replication

// SPDX-License-Identifier: GPL-2.0-or-later
// Changing the primary: by force and by plan, and nothing acknowledged is lost.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/text.hpp"
#include "tests/agents/mysql/rig.hpp"

namespace systole::mysql {
namespace {

std::vector<int> lost(Rig& rig, const std::string& node, const std::set<int>& acknowledged) {
  std::set<int> there;
  for (const std::string& word : words(rig.sql(node, "SELECT k FROM d.t")))
    there.insert(parse_int<int>(word).value_or(-1));
  std::vector<int> missing;
  std::ranges::set_difference(acknowledged, there, std::back_inserter(missing));
  return missing;
}

Extra joining(const std::string& primary) {
  return {{"CRM_meta_notify_promoted_uname", primary}, {"CRM_meta_notify_active_uname", primary}};
}

void receive_without_applying(Rig& rig, const std::string& primary, const std::string& replica) {
  ASSERT_EQ(rig.sql(replica, "STOP SLAVE SQL_THREAD"), "");
  for (int k = 1; k <= 15; ++k) ASSERT_EQ(rig.sql(primary, fmt::format("INSERT INTO d.t VALUES ({})", k)), "");
  ASSERT_EQ(rig.sql(primary, "FLUSH BINARY LOGS"), "");  // spreads the relay log over several files
  for (int k = 16; k <= 30; ++k) ASSERT_EQ(rig.sql(primary, fmt::format("INSERT INTO d.t VALUES ({})", k)), "");
}

TEST(MysqlFailover, applies_what_was_received_before_it_promotes) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  ASSERT_NO_FATAL_FAILURE(receive_without_applying(rig, "n1", "n2"));
  rig.kill_server("n1");
  const Answer promoted = rig.call("n2", "promote", Rig::promotion("n2", "n2"));
  ASSERT_EQ(promoted.code, 0) << promoted.err;
  EXPECT_EQ(rig.sql("n2", "SELECT COUNT(*) FROM d.t"), "30");
  EXPECT_EQ(rig.call("n2", "monitor").code, 8);
}

TEST(MysqlFailover, without_the_drain_loses_rows_so_these_tests_can_fail) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  ASSERT_NO_FATAL_FAILURE(receive_without_applying(rig, "n1", "n2"));
  rig.kill_server("n1");
  ASSERT_EQ(rig.call_program(MYSQL_NODRAIN, "n2", "promote", Rig::promotion("n2", "n2")).code, 0);
  EXPECT_EQ(rig.sql("n2", "SELECT COUNT(*) FROM d.t"), "0");
}

TEST(MysqlFailover, of_a_replica_that_was_restarted_alone_finds_what_it_had_received) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  ASSERT_NO_FATAL_FAILURE(receive_without_applying(rig, "n1", "n2"));
  rig.kill_server("n1");
  rig.kill_server("n2");
  ASSERT_EQ(rig.call("n2", "start", {{"CRM_meta_notify_start_uname", "n2"}}).code, 0);
  EXPECT_EQ(rig.sql("n2", "SELECT COUNT(*) FROM d.t"), "30");
  ASSERT_EQ(rig.call("n2", "promote", Rig::promotion("n2", "n2")).code, 0);
  EXPECT_EQ(rig.sql("n2", "SELECT COUNT(*) FROM d.t"), "30");
  ASSERT_EQ(rig.call("n1", "start", joining("n2")).code, 0);
  EXPECT_TRUE(eventually([&] { return rig.sql("n1", "SELECT COUNT(*) FROM d.t") == "30"; }));
}

TEST(MysqlFailover, under_load_loses_no_acknowledged_row_and_the_former_primary_joins) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  std::set<int> acknowledged;
  std::string primary = "n1", replica = "n2";
  for (int round = 0; round < 4; ++round) {
    std::vector<std::unique_ptr<Writer>> writers;
    for (int w = 0; w < 3; ++w)
      writers.push_back(std::make_unique<Writer>(rig, primary, round * 1'000'000 + w * 100'000));
    ASSERT_TRUE(
        eventually([&] { return std::ranges::all_of(writers, [](const auto& w) { return w->count() > 50; }); }));
    rig.kill_server(primary);
    for (const auto& writer : writers) {
      writer->stop();
      acknowledged.insert(writer->acknowledged().begin(), writer->acknowledged().end());
    }
    const Answer promoted = rig.call(replica, "promote", Rig::promotion(replica, replica));
    ASSERT_EQ(promoted.code, 0) << promoted.err;
    EXPECT_TRUE(lost(rig, replica, acknowledged).empty()) << "round " << round;
    ASSERT_EQ(rig.call(replica, "monitor").code, 8);
    ASSERT_EQ(rig.sql(replica, fmt::format("INSERT INTO d.t VALUES ({})", round * 1'000'000 + 999'999)), "");
    const Answer joined = rig.call(primary, "start", joining(replica));
    ASSERT_EQ(joined.code, 0) << joined.err;
    ASSERT_EQ(
        rig.call(replica, "notify", {{"CRM_meta_notify_type", "post"}, {"CRM_meta_notify_operation", "start"}}).code,
        0);
    EXPECT_EQ(rig.attribute(primary, "master-db"), "100");
    std::swap(primary, replica);
  }
  EXPECT_TRUE(eventually([&] { return lost(rig, replica, acknowledged).empty(); }));
  EXPECT_EQ(rig.sql(primary, "CHECKSUM TABLE d.t"), rig.sql(replica, "CHECKSUM TABLE d.t"));
}

TEST(MysqlFailover, by_plan_under_load_loses_nothing_and_is_quick) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  Writer one(rig, "n1", 0), two(rig, "n1", 1'000'000);
  ASSERT_TRUE(eventually([&] { return one.count() > 100 && two.count() > 100; }));
  Extra plan{{"CRM_meta_notify_active_uname", "n1 n2"},
             {"CRM_meta_notify_promoted_uname", "n1"},
             {"CRM_meta_notify_unpromoted_uname", "n2"},
             {"CRM_meta_notify_demote_uname", "n1"},
             {"CRM_meta_notify_promote_uname", "n2"}};
  const Answer demoted = rig.call("n1", "demote", plan);
  ASSERT_EQ(demoted.code, 0) << demoted.err;
  EXPECT_LT(demoted.took, 3s);
  one.stop();
  two.stop();
  std::set<int> acknowledged = one.acknowledged();
  acknowledged.insert(two.acknowledged().begin(), two.acknowledged().end());
  EXPECT_TRUE(lost(rig, "n2", acknowledged).empty()) << "demote returned before the replica had all";
  EXPECT_EQ(rig.log("n1").find("not all of it"), std::string::npos);
  EXPECT_EQ(rig.call("n1", "monitor").code, 0);
  EXPECT_EQ(rig.attribute("n1", "master-db"), "10");

  Extra pre = plan;
  pre["CRM_meta_notify_type"] = "pre";
  pre["CRM_meta_notify_operation"] = "promote";
  for (const char* const node : {"n1", "n2"}) ASSERT_EQ(rig.call(node, "notify", pre).code, 0);
  const Answer promoted = rig.call("n2", "promote", plan);
  ASSERT_EQ(promoted.code, 0) << promoted.err;
  Extra post = pre;
  post["CRM_meta_notify_type"] = "post";
  ASSERT_EQ(rig.call("n1", "notify", post).code, 0);
  EXPECT_EQ(rig.sql("n2", "INSERT INTO d.t VALUES (5000000)"), "");
  EXPECT_TRUE(eventually([&] { return rig.sql("n1", "SELECT COUNT(*) FROM d.t WHERE k = 5000000") == "1"; }));
  EXPECT_EQ(rig.call("n1", "monitor").code, 0);
  EXPECT_EQ(rig.call("n2", "monitor").code, 8);
}

TEST(MysqlFailover, is_not_held_up_by_a_long_statement_or_a_dead_replica) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  std::thread reporter([&] { static_cast<void>(rig.sql("n1", "INSERT INTO d.t SELECT 1 + SLEEP(20)")); });
  ASSERT_TRUE(eventually([&] {
    return rig.sql("n1", "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'") == "1";
  }));
  ASSERT_TRUE(rig.server("n2")->signal(19));  // SIGSTOP: a replica that neither acknowledges nor refuses
  Extra plan{{"CRM_meta_notify_active_uname", "n1 n2"},
             {"CRM_meta_notify_promoted_uname", "n1"},
             {"CRM_meta_notify_demote_uname", "n1"},
             {"CRM_meta_timeout", "20000"}};
  const Answer demoted = rig.call("n1", "demote", plan);
  reporter.join();
  EXPECT_EQ(demoted.code, 0) << demoted.err;
  EXPECT_LT(demoted.took, 8s);
  EXPECT_EQ(rig.sql("n1", "SELECT @@read_only"), "1");
  EXPECT_NE(rig.log("n1").find("not all of it is known to be elsewhere"), std::string::npos);
}

TEST(MysqlFailover, does_not_wait_for_a_primary_that_has_fallen_silent) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  ASSERT_TRUE(rig.server("n1")->signal(SIGSTOP));  // its connections stay, nothing is answered
  const Answer promoted = rig.call("n2", "promote", Rig::promotion("n2", "n2"));
  ASSERT_EQ(promoted.code, 0) << promoted.err;
  EXPECT_LT(promoted.took, 1s);  // the silence itself ends a wait only after 1 s
}

TEST(MysqlFailover, refuses_a_former_primary_whose_history_differs) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  rig.kill_server("n2");
  for (int k = 1; k <= 3; ++k) ASSERT_EQ(rig.sql("n1", fmt::format("INSERT INTO d.t VALUES ({})", k)), "");
  ASSERT_EQ(rig.call("n1", "stop").code, 0);  // cleanly, so that the rows stay
  ASSERT_EQ(rig.call("n2", "start", {{"CRM_meta_notify_start_uname", "n2"}}).code, 0);
  ASSERT_EQ(rig.call("n2", "promote", Rig::promotion("n2", "n2")).code, 0);
  Extra as_replica = joining("n2");
  as_replica["rejoin"] = "never";
  const Answer joined = rig.call("n1", "start", as_replica);
  EXPECT_EQ(joined.code, 1);
  EXPECT_NE(joined.err.find("never had"), std::string::npos) << joined.err;
  EXPECT_EQ(rig.slave("n1", "Slave_IO_Running"), "");
}

TEST(MysqlFailover, does_not_promote_a_server_that_came_back_and_has_not_caught_up) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  rig.kill_server("n1");
  rig.kill_server("n2");
  ASSERT_EQ(rig.call("n1", "start", joining("n2")).code, 0) << "n2 is promoted, says the cluster, but does not answer";
  EXPECT_EQ(rig.attribute("n1", "master-db"), "");
  const Answer promoted = rig.call("n1", "promote", Rig::promotion("n1", "n1"));
  EXPECT_EQ(promoted.code, 1);
  EXPECT_NE(promoted.err.find("caught up"), std::string::npos);
  EXPECT_EQ(rig.sql("n1", "SELECT @@read_only"), "1");
}

TEST(MysqlFailover, lets_a_crashed_primary_wait_for_the_one_that_is_being_promoted) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  ASSERT_EQ(rig.sql("n1", "INSERT INTO d.t VALUES (1)"), "");
  rig.kill_server("n1");
  const Extra transition{{"CRM_meta_notify_promoted_uname", "n1"},  {"CRM_meta_notify_demote_uname", "n1"},
                         {"CRM_meta_notify_active_uname", "n1 n2"}, {"CRM_meta_notify_stop_uname", "n1"},
                         {"CRM_meta_notify_start_uname", "n1"},     {"CRM_meta_notify_promote_uname", "n2"}};
  const Answer restarted = rig.call("n1", "start", transition);
  ASSERT_EQ(restarted.code, 0) << restarted.err;
  EXPECT_EQ(rig.slave("n1", "Slave_IO_Running"), "") << "n2 is no primary yet";
  EXPECT_EQ(rig.attribute("n1", "master-db"), "");
  ASSERT_EQ(rig.call("n2", "promote", transition).code, 0);
  EXPECT_EQ(rig.sql("n2", "SELECT @@rpl_semi_sync_master_enabled"), "0") << "the first commit would wait for nobody";
  ASSERT_EQ(rig.sql("n2", "INSERT INTO d.t VALUES (2)"), "");
  ASSERT_EQ(rig.call("n1", "monitor").code, 0);  // even without a notification
  EXPECT_TRUE(eventually([&] { return rig.sql("n1", "SELECT COUNT(*) FROM d.t") == "2"; }));
  ASSERT_EQ(rig.call("n1", "monitor").code, 0);
  EXPECT_EQ(rig.attribute("n1", "master-db"), "100");
}

TEST(MysqlFailover, promotes_nobody_when_two_histories_differ) {
  Rig rig({"n1", "n2"});
  for (const char* const node : {"n1", "n2"}) {  // each has been a primary alone
    ASSERT_EQ(rig.call(node, "start").code, 0);
    ASSERT_EQ(rig.call(node, "promote", Rig::promotion(node, node)).code, 0);
    ASSERT_EQ(rig.sql(node, "INSERT INTO d.t VALUES (1)"), "");
    ASSERT_EQ(rig.call(node, "stop").code, 0);
    ASSERT_EQ(rig.call(node, "start").code, 0);
  }
  Extra pre = Rig::promotion("n1", "n1 n2");
  pre["CRM_meta_notify_type"] = "pre";
  pre["CRM_meta_notify_operation"] = "promote";
  for (const char* const node : {"n1", "n2"}) ASSERT_EQ(rig.call(node, "notify", pre).code, 0);
  const Answer promoted = rig.call("n1", "promote", Rig::promotion("n1", "n1 n2"));
  EXPECT_EQ(promoted.code, 1);
  EXPECT_NE(promoted.err.find("different histories"), std::string::npos) << promoted.err;
  EXPECT_EQ(rig.sql("n1", "SELECT @@read_only"), "1");
}

TEST(MysqlFailover, stands_back_for_a_node_that_received_more) {
  Rig rig({"n1", "n2", "n3"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  ASSERT_EQ(rig.call("n3", "start", joining("n1")).code, 0);
  ASSERT_EQ(rig.sql("n2", "STOP SLAVE IO_THREAD"), "");
  for (int k = 1; k <= 5; ++k) ASSERT_EQ(rig.sql("n1", fmt::format("INSERT INTO d.t VALUES ({})", k)), "");
  ASSERT_TRUE(eventually([&] { return rig.sql("n3", "SELECT COUNT(*) FROM d.t") == "5"; }));
  rig.kill_server("n1");
  Extra pre = Rig::promotion("n2", "n2 n3");
  pre["CRM_meta_notify_type"] = "pre";
  pre["CRM_meta_notify_operation"] = "promote";
  for (const char* const node : {"n2", "n3"}) ASSERT_EQ(rig.call(node, "notify", pre).code, 0);
  const Answer behind = rig.call("n2", "promote", Rig::promotion("n2", "n2 n3"));
  EXPECT_EQ(behind.code, 1);
  EXPECT_NE(behind.err.find("n3 has received 5 transactions more"), std::string::npos) << behind.err;
  EXPECT_EQ(rig.attribute("n2", "master-db"), "5");
  EXPECT_EQ(rig.attribute("n3", "master-db"), "500");
  ASSERT_EQ(rig.call("n3", "promote", Rig::promotion("n3", "n2 n3")).code, 0);
  ASSERT_EQ(rig.call("n2", "notify", Rig::after_promotion("n3", "n2 n3")).code, 0);
  EXPECT_TRUE(eventually([&] { return rig.sql("n2", "SELECT COUNT(*) FROM d.t") == "5"; }));
}

TEST(MysqlFailover, gives_each_primary_a_new_server_id) {
  Rig rig({"n1"});
  std::set<std::string> ids;
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(rig.call("n1", "start").code, 0);
    ids.insert(rig.sql("n1", "SELECT @@server_id"));
    ASSERT_EQ(rig.call("n1", "promote", Rig::promotion("n1", "n1")).code, 0);
    ids.insert(rig.sql("n1", "SELECT @@server_id"));
    ASSERT_EQ(rig.call("n1", "stop").code, 0);
  }
  EXPECT_EQ(ids.size(), 6U);
}

}  // namespace
}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// Two servers: replication is set up, kept and repaired by the agent.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/agents/mysql/rig.hpp"

namespace systole::mysql {
namespace {

bool has_all(Rig& rig, const std::string& node, const std::string& count) {
  return eventually([&] { return rig.sql(node, "SELECT COUNT(*) FROM d.t") == count; });
}

TEST(MysqlReplication, is_set_up_by_the_agent_and_a_steady_monitor_runs_no_tool) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  EXPECT_EQ(rig.sql("n1", "INSERT INTO d.t VALUES (1)"), "");
  EXPECT_TRUE(has_all(rig, "n2", "1"));
  EXPECT_EQ(rig.attribute("n1", "master-db"), "1000");
  EXPECT_EQ(rig.attribute("n2", "master-db"), "100");
  EXPECT_EQ(rig.attribute("n1", "readable"), "1");
  EXPECT_EQ(rig.attribute("n2", "readable"), "1");
  EXPECT_EQ(rig.attribute("cluster", "db_REPL_INFO"), rig.address("n1"));
  EXPECT_EQ(rig.sql("n1", "SELECT @@rpl_semi_sync_master_enabled, @@rpl_semi_sync_master_wait_point"), "1 AFTER_SYNC");

  const std::size_t calls = rig.tool_calls();
  EXPECT_EQ(rig.call("n1", "monitor").code, 8);
  EXPECT_EQ(rig.call("n2", "monitor").code, 0);
  EXPECT_EQ(rig.tool_calls(), calls);
}

TEST(MysqlReplication, never_shows_the_password) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  const Answer refused = rig.call("n2", "notify", [&] {
    Extra extra = Rig::after_promotion("n1", "n1 n2");
    extra["replication_passwd"] = "wr'ong";
    return extra;
  }());
  for (const std::string& text : {rig.log("n1"), rig.log("n2"), refused.err, refused.out}) {
    EXPECT_EQ(text.find("se'cret"), std::string::npos);
    EXPECT_EQ(text.find("wr'ong"), std::string::npos);
  }
  EXPECT_NE(rig.log("n2").find("1045"), std::string::npos) << "the reason is said";
}

TEST(MysqlReplication, of_a_replica_that_starts_later_begins_with_its_start) {
  Rig rig({"n1", "n2"});
  ASSERT_EQ(rig.call("n1", "start").code, 0);
  ASSERT_EQ(rig.call("n1", "promote", Rig::promotion("n1", "n1")).code, 0);
  EXPECT_EQ(rig.sql("n1", "SELECT @@rpl_semi_sync_master_enabled"), "0") << "nobody is there to wait for";
  EXPECT_EQ(rig.sql("n1", "INSERT INTO d.t VALUES (1),(2)"), "");
  const Extra joining{{"CRM_meta_notify_promoted_uname", "n1"}, {"CRM_meta_notify_active_uname", "n1"}};
  ASSERT_EQ(rig.call("n2", "start", joining).code, 0);
  EXPECT_TRUE(has_all(rig, "n2", "2"));
  EXPECT_EQ(rig.attribute("n2", "master-db"), "100");
  EXPECT_EQ(rig.call("n1", "notify", {{"CRM_meta_notify_type", "post"}, {"CRM_meta_notify_operation", "start"}}).code,
            0);
  EXPECT_EQ(rig.sql("n1", "SELECT @@rpl_semi_sync_master_enabled"), "1");
}

TEST(MysqlReplication, is_repaired_by_the_monitor) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  int rows = 0;
  for (const char* const damage :
       {"STOP SLAVE IO_THREAD", "STOP SLAVE SQL_THREAD", "STOP SLAVE", "STOP SLAVE; RESET SLAVE ALL",
        "STOP SLAVE; CHANGE MASTER TO MASTER_HOST='127.0.250.250'; START SLAVE"}) {
    std::string rest = damage;
    while (!rest.empty()) {
      const std::size_t end = rest.find("; ");
      ASSERT_EQ(rig.sql("n2", rest.substr(0, end)), "") << damage;
      rest = end == std::string::npos ? "" : rest.substr(end + 2);
    }
    ASSERT_EQ(rig.sql("n1", fmt::format("INSERT INTO d.t VALUES ({})", ++rows)), "");
    EXPECT_EQ(rig.call("n2", "monitor").code, 0) << damage;
    EXPECT_TRUE(has_all(rig, "n2", std::to_string(rows))) << damage;
    EXPECT_EQ(rig.call("n2", "monitor").code, 0) << damage;
  }
}

TEST(MysqlReplication, does_not_stop_a_primary_whose_replica_dies) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  rig.kill_server("n2");
  Writer writer(rig, "n1", 1);
  EXPECT_TRUE(eventually([&] { return writer.count() > 20; })) << "commits wait for ever";
  writer.stop();
  EXPECT_EQ(rig.call("n1", "monitor").code, 8);
  EXPECT_EQ(rig.call("n2", "monitor").code, 7);
  EXPECT_EQ(rig.attribute("n2", "master-db"), "");
}

TEST(MysqlReplication, of_a_restarted_replica_keeps_what_it_had_received) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  ASSERT_EQ(rig.sql("n2", "STOP SLAVE SQL_THREAD"), "");
  for (int k = 1; k <= 30; ++k) ASSERT_EQ(rig.sql("n1", fmt::format("INSERT INTO d.t VALUES ({})", k)), "");
  rig.kill_server("n2");
  const Extra joining{{"CRM_meta_notify_promoted_uname", "n1"}, {"CRM_meta_notify_active_uname", "n1"}};
  ASSERT_EQ(rig.call("n2", "start", joining).code, 0);
  EXPECT_TRUE(has_all(rig, "n2", "30"));
  EXPECT_EQ(rig.slave("n2", "Using_Gtid"), "Slave_Pos");
}

TEST(MysqlReplication, of_a_broken_applier_is_not_promotable_and_the_server_goes_on) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  ASSERT_EQ(rig.sql("n2", "SET STATEMENT sql_log_bin=0 FOR INSERT INTO d.t VALUES (7)"), "");
  ASSERT_EQ(rig.sql("n1", "INSERT INTO d.t VALUES (7)"), "");
  ASSERT_TRUE(eventually([&] { return rig.slave("n2", "Slave_SQL_Running") == "No"; }));
  EXPECT_EQ(rig.call("n2", "monitor").code, 0);
  EXPECT_EQ(rig.attribute("n2", "master-db"), "");
  EXPECT_EQ(rig.attribute("n2", "readable"), "0");
  const Answer promoted = rig.call("n2", "promote", Rig::promotion("n2", "n2"));
  EXPECT_EQ(promoted.code, 1);
  EXPECT_NE(promoted.err.find("data would be lost"), std::string::npos) << promoted.err;
  EXPECT_EQ(rig.sql("n2", "SELECT @@read_only"), "1");
}

TEST(MysqlPreflight, of_a_healthy_pair_has_nothing_against_a_switch_over) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  ASSERT_EQ(rig.sql("n1", "INSERT INTO d.t VALUES (1)"), "");
  const Answer asked = rig.call("n1", "preflight", {{"CRM_meta_notify_active_uname", "n1 n2"}});
  EXPECT_EQ(asked.code, 0) << asked.err;
  const Answer replica = rig.call("n2", "preflight");
  EXPECT_EQ(replica.code, 1);
  EXPECT_NE(replica.err.find("not the primary"), std::string::npos) << replica.err;
}

TEST(MysqlPreflight, names_long_transactions_and_a_replica_that_does_not_apply) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  ASSERT_EQ(rig.sql("n2", "STOP SLAVE SQL_THREAD"), "");
  ASSERT_EQ(rig.sql("n1", "INSERT INTO d.t VALUES (1)"), "");
  std::thread reader([&] { static_cast<void>(rig.sql("n1", "SELECT SLEEP(8) FROM d.t LIMIT 1 FOR UPDATE")); });
  static_cast<void>(rig.sql("n1", "SELECT SLEEP(5)"));
  const Answer asked = rig.call("n1", "preflight", {{"CRM_meta_notify_active_uname", "n1 n2"}});
  reader.join();
  EXPECT_EQ(asked.code, 1);
  EXPECT_NE(asked.err.find("1 transactions run"), std::string::npos) << asked.err;
  EXPECT_NE(asked.err.find("lacks 1 of the transactions"), std::string::npos) << asked.err;
  EXPECT_EQ(rig.sql("n1", "SELECT @@read_only"), "0") << "it was only a question";
}

TEST(MysqlPreflight, names_a_replica_with_transactions_of_its_own) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(rig.make_pair_of("n1", "n2"));
  ASSERT_EQ(rig.sql("n2", "SET GLOBAL read_only=0"), "");
  ASSERT_EQ(rig.sql("n2", "CREATE DATABASE errant"), "");
  const Answer asked = rig.call("n1", "preflight", {{"CRM_meta_notify_active_uname", "n1 n2"}});
  EXPECT_EQ(asked.code, 1);
  EXPECT_NE(asked.err.find("never had"), std::string::npos) << asked.err;
}

}  // namespace
}  // namespace systole::mysql

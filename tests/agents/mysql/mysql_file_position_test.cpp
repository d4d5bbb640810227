// SPDX-License-Identifier: GPL-2.0-or-later
// Real servers that follow by file and position, as under ocf:heartbeat:mysql, without a look at GTIDs.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/text.hpp"
#include "tests/agents/mysql/rig.hpp"

namespace systole::mysql {
namespace {

class ByFile : public ::testing::Test {
 protected:
  Answer call(const std::string& node, const std::string& action, Extra extra = {}) {
    extra["replicate_by"] = "file";
    return rig.call(node, action, extra);
  }
  Answer start_beside(const std::string& node, const std::string& primary) {
    return call(node, "start",
                {{"CRM_meta_notify_promoted_uname", primary}, {"CRM_meta_notify_active_uname", primary}});
  }
  void make_pair() {
    ASSERT_EQ(call("n1", "start").code, 0);
    ASSERT_EQ(call("n2", "start").code, 0);
    const Answer promoted = call("n1", "promote", Rig::promotion("n1", "n1 n2"));
    ASSERT_EQ(promoted.code, 0) << promoted.err;
    ASSERT_EQ(rig.sql("n1", "GRANT SLAVE MONITOR ON *.* TO repl@'127.%'"), "");
    ASSERT_EQ(call("n2", "notify", Rig::after_promotion("n1", "n1 n2")).code, 0);
    ASSERT_EQ(call("n1", "monitor").code, 8);
    ASSERT_EQ(call("n2", "monitor").code, 0);
    ASSERT_EQ(rig.slave("n2", "Using_Gtid"), "No");
  }
  void insert(const std::string& node, int first, int last) {
    for (int k = first; k <= last; ++k) ASSERT_EQ(rig.sql(node, fmt::format("INSERT INTO d.t VALUES ({})", k)), "");
  }
  bool has(const std::string& node, const std::string& count) {
    return eventually([&] { return rig.sql(node, "SELECT COUNT(*) FROM d.t") == count; });
  }
  std::string published() { return rig.attribute("cluster", "db_REPL_INFO"); }
  void expect_equal(const std::string& one, const std::string& other) {
    EXPECT_EQ(rig.sql(one, "CHECKSUM TABLE d.t"), rig.sql(other, "CHECKSUM TABLE d.t"));
  }

  Rig rig{{"n1", "n2", "n3"}};
};

TEST_F(ByFile, a_replica_begins_where_the_first_primary_was_promoted) {
  ASSERT_NO_FATAL_FAILURE(make_pair());
  const std::string place = published();
  EXPECT_TRUE(place.starts_with(rig.address("n1") + "|mysql-bin.")) << place;
  EXPECT_EQ(std::ranges::count(place, '|'), 2) << "as the shell agents have it";
  insert("n1", 1, 50);
  EXPECT_TRUE(has("n2", "50"));
  expect_equal("n1", "n2");
  EXPECT_EQ(rig.attribute("n2", "master-db"), "100");
  EXPECT_EQ(call("n1", "monitor").code, 8);
  EXPECT_EQ(published(), place) << "a monitor does not move it";
}

TEST_F(ByFile, a_fail_over_applies_what_was_received_and_the_former_primary_follows) {
  ASSERT_NO_FATAL_FAILURE(make_pair());
  ASSERT_EQ(rig.sql("n2", "STOP SLAVE SQL_THREAD"), "");
  insert("n1", 1, 15);
  ASSERT_EQ(rig.sql("n1", "FLUSH BINARY LOGS"), "");
  insert("n1", 16, 30);
  ASSERT_TRUE(eventually(
      [&] { return rig.slave("n2", "Read_Master_Log_Pos") == split(rig.sql("n1", "SHOW MASTER STATUS"), ' ')[1]; }));
  rig.kill_server("n1");
  const Answer promoted = call("n2", "promote", Rig::promotion("n2", "n2"));
  ASSERT_EQ(promoted.code, 0) << promoted.err;
  EXPECT_EQ(rig.sql("n2", "SELECT COUNT(*) FROM d.t"), "30");
  EXPECT_EQ(call("n2", "monitor").code, 8);
  EXPECT_EQ(std::ranges::count(published(), '|'), 5) << published();
  insert("n2", 31, 60);
  const Answer joined = start_beside("n1", "n2");
  ASSERT_EQ(joined.code, 0) << joined.err;
  EXPECT_TRUE(has("n1", "60"));
  expect_equal("n1", "n2");
  // And back: what n1 has of n2's log decides.
  rig.kill_server("n2");
  ASSERT_EQ(call("n1", "promote", Rig::promotion("n1", "n1")).code, 0);
  insert("n1", 61, 70);
  ASSERT_EQ(start_beside("n2", "n1").code, 0);
  EXPECT_TRUE(has("n2", "70"));
  expect_equal("n1", "n2");
}

TEST_F(ByFile, a_planned_change_goes_both_ways) {
  ASSERT_NO_FATAL_FAILURE(make_pair());
  int rows = 0;
  std::string primary = "n1", replica = "n2";
  for (int round = 0; round < 2; ++round) {
    insert(primary, rows + 1, rows + 20);
    rows += 20;
    Extra plan = Rig::promotion(replica, "n1 n2");
    plan["CRM_meta_notify_demote_uname"] = primary;
    ASSERT_EQ(call(primary, "demote", plan).code, 0);
    for (const std::string& node : {primary, replica}) {
      plan["CRM_meta_notify_type"] = "pre";
      plan["CRM_meta_notify_operation"] = "promote";
      ASSERT_EQ(call(node, "notify", plan).code, 0);
    }
    const Answer promoted = call(replica, "promote", plan);
    ASSERT_EQ(promoted.code, 0) << promoted.err;
    ASSERT_EQ(call(primary, "notify", Rig::after_promotion(replica, "n1 n2")).code, 0);
    EXPECT_EQ(call(primary, "monitor").code, 0);
    std::swap(primary, replica);
  }
  insert(primary, rows + 1, rows + 1);
  EXPECT_TRUE(has("n2", "41"));
  expect_equal("n1", "n2");
}

TEST_F(ByFile, a_former_primary_that_has_more_is_refused_with_the_reason) {
  ASSERT_NO_FATAL_FAILURE(make_pair());
  insert("n1", 1, 5);
  ASSERT_TRUE(has("n2", "5"));
  ASSERT_EQ(rig.sql("n2", "STOP SLAVE IO_THREAD"), "");
  insert("n1", 6, 6);
  rig.kill_server("n1");
  ASSERT_EQ(call("n2", "promote", Rig::promotion("n2", "n2")).code, 0);
  const Answer joined = start_beside("n1", "n2");
  EXPECT_EQ(joined.code, 1);
  EXPECT_NE(joined.err.find("its log has more"), std::string::npos) << joined.err;
  EXPECT_NE(joined.err.find("new copy"), std::string::npos) << joined.err;
  const Answer promoted = call("n1", "promote", Rig::promotion("n1", "n1"));
  EXPECT_EQ(promoted.code, 1);
  EXPECT_NE(promoted.err.find("follows nobody"), std::string::npos) << promoted.err;
}

TEST_F(ByFile, of_two_replicas_the_one_that_received_more_is_promoted_and_the_other_is_not_guessed_at) {
  ASSERT_NO_FATAL_FAILURE(make_pair());
  ASSERT_EQ(start_beside("n3", "n1").code, 0);
  insert("n1", 1, 5);
  ASSERT_TRUE(has("n2", "5") && has("n3", "5"));
  ASSERT_EQ(rig.sql("n3", "STOP SLAVE IO_THREAD"), "");
  insert("n1", 6, 9);
  ASSERT_TRUE(has("n2", "9"));
  rig.kill_server("n1");
  Extra plan = Rig::promotion("n3", "n2 n3");
  plan["CRM_meta_notify_type"] = "pre";
  plan["CRM_meta_notify_operation"] = "promote";
  for (const char* const node : {"n2", "n3"}) ASSERT_EQ(call(node, "notify", plan).code, 0);
  const Answer wrong = call("n3", "promote", plan);
  EXPECT_EQ(wrong.code, 1);
  EXPECT_NE(wrong.err.find("n2 has received more"), std::string::npos) << wrong.err;
  ASSERT_EQ(call("n2", "promote", Rig::promotion("n2", "n2 n3")).code, 0);
  ASSERT_EQ(call("n3", "notify", Rig::after_promotion("n2", "n2 n3")).code, 0);
  const Answer behind = call("n3", "monitor");
  EXPECT_EQ(behind.code, 1);
  EXPECT_NE(behind.err.find("lacks what came between"), std::string::npos) << behind.err;
  rig.kill_server("n2");
  const Answer stale = call("n3", "promote", Rig::promotion("n3", "n3"));
  EXPECT_EQ(stale.code, 1);
  EXPECT_NE(stale.err.find("nobody can tell whether it has what the last primary"), std::string::npos) << stale.err;
}

TEST_F(ByFile, a_replica_that_was_restarted_goes_on_where_it_was) {
  ASSERT_NO_FATAL_FAILURE(make_pair());
  insert("n1", 1, 5);
  ASSERT_TRUE(has("n2", "5"));
  ASSERT_EQ(call("n2", "stop").code, 0);
  insert("n1", 6, 9);
  const Answer started = start_beside("n2", "n1");
  ASSERT_EQ(started.code, 0);
  // A primary that answers late is followed by the next monitor.
  if (started.err.find("the monitor tries again") != std::string::npos) {
    EXPECT_EQ(call("n2", "monitor").code, 0);
  }
  EXPECT_TRUE(has("n2", "9")) << started.err;
  ASSERT_EQ(rig.sql("n2", "STOP SLAVE"), "");
  EXPECT_EQ(call("n2", "monitor").code, 0);
  insert("n1", 10, 10);
  EXPECT_TRUE(has("n2", "10")) << "the monitor has started it";
  expect_equal("n1", "n2");
}

TEST_F(ByFile, a_promise_that_cannot_be_kept_is_refused) {
  for (const char* const durability : {"lossless", "crash-safe", "auto"}) {
    const Answer refused = call("n1", "start", {{"durability", durability}});
    EXPECT_EQ(refused.code, 6) << durability;
    EXPECT_NE(refused.err.find("set durability=available, or replicate_by=gtid"), std::string::npos) << refused.err;
  }
  EXPECT_FALSE(rig.server("n1"));
}

}  // namespace
}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// History: what is kept of which result, what counts as failure, and the names of failure attributes.
#include "cib/model/status.hpp"

#include <gtest/gtest.h>

namespace systole::cib {
namespace {

OperationResult result(std::string operation, int rc, int expected, Duration interval = {}, int call = 1) {
  OperationResult made;
  made.resource.value = "r";
  made.operation = std::move(operation);
  made.interval = interval;
  made.rc = rc;
  made.expected_rc = expected;
  made.call_id = call;
  return made;
}

std::vector<std::string> keys(const ResourceHistory& history) {
  std::vector<std::string> found;
  for (const auto& [key, entry] : history.entries) found.push_back(key);
  return found;
}

TEST(ActionResult, of_a_probe_is_no_failure_when_it_is_a_clear_answer) {
  for (const int rc : {0, 7, 8, 190, 191}) EXPECT_FALSE(result("monitor", rc, 7).failed()) << rc;
  for (const int rc : {1, 2, 3, 4, 5, 6, 9, 193}) EXPECT_TRUE(result("monitor", rc, 7).failed()) << rc;
}

TEST(ActionResult, of_a_recurring_monitor_fails_when_it_is_not_what_was_expected) {
  EXPECT_FALSE(result("monitor", 0, 0, 10s).failed());
  EXPECT_FALSE(result("monitor", 190, 0, 10s).failed()) << "degraded is running";
  EXPECT_FALSE(result("monitor", 191, 8, 10s).failed());
  EXPECT_TRUE(result("monitor", 7, 0, 10s).failed());
  EXPECT_TRUE(result("monitor", 0, 8, 10s).failed()) << "promoted was expected";
  EXPECT_TRUE(result("monitor", 190, 8, 10s).failed());
}

TEST(ActionResult, of_any_other_action_fails_unless_it_is_ok) {
  EXPECT_FALSE(result("start", 0, 0).failed());
  EXPECT_TRUE(result("stop", 1, 0).failed());
  EXPECT_TRUE(result("promote", 8, 0).failed());
}

TEST(ActionResult, that_timed_out_failed_and_one_that_is_pending_did_not) {
  OperationResult one = result("start", 0, 0);
  one.status = OpStatus::timed_out;
  EXPECT_TRUE(one.failed());
  one.status = OpStatus::pending;
  EXPECT_FALSE(one.failed());
  EXPECT_TRUE(one.pending());
  one.status = OpStatus::cancelled;
  EXPECT_FALSE(one.failed());
}

TEST(History, keeps_the_last_action_the_last_failure_and_each_recurring_one) {
  ResourceHistory history;
  record(history, result("start", 0, 0, {}, 1));
  record(history, result("monitor", 0, 0, 10s, 2));
  record(history, result("monitor", 0, 0, 20s, 3));
  EXPECT_EQ(keys(history), (std::vector<std::string>{"last_0", "monitor_10000", "monitor_20000"}));
  record(history, result("monitor", 7, 0, 10s, 4));
  EXPECT_EQ(history.entries.at("last_failure_0").call_id, 4);
  EXPECT_EQ(history.entries.at("monitor_10000").call_id, 4);
}

TEST(History, forgets_recurring_monitors_when_the_state_changes_but_not_the_failure) {
  ResourceHistory history;
  record(history, result("start", 0, 0, {}, 1));
  record(history, result("monitor", 7, 0, 10s, 2));
  record(history, result("stop", 0, 0, {}, 3));
  EXPECT_EQ(keys(history), (std::vector<std::string>{"last_0", "last_failure_0"}));
  EXPECT_EQ(history.entries.at("last_0").operation, "stop");
}

TEST(History, never_holds_notifications) {
  ResourceHistory history;
  record(history, result("notify", 0, 0));
  EXPECT_TRUE(history.entries.empty());
}

TEST(History, forgets_a_monitor_that_was_cancelled) {
  ResourceHistory history;
  record(history, result("start", 0, 0, {}, 1));
  record(history, result("monitor", 0, 0, 10s, 2));
  record(history, result("monitor", 0, 0, 20s, 3));
  record(history, result("cancel", 0, 0, 10s));
  EXPECT_EQ(keys(history), (std::vector<std::string>{"last_0", "monitor_20000"}));
}

TEST(History, is_told_in_the_order_of_call_ids) {
  ResourceHistory history;
  record(history, result("start", 0, 0, {}, 9));
  record(history, result("monitor", 0, 0, 10s, 11));
  record(history, result("monitor", 0, 0, 5s, 10));
  const auto ordered = in_order(history);
  ASSERT_EQ(ordered.size(), 3U);
  EXPECT_EQ(ordered[0]->call_id, 9);
  EXPECT_EQ(ordered[2]->call_id, 11);
}

TEST(History, tells_the_failure_of_a_recurring_call_after_its_earlier_success) {
  ResourceHistory history;
  OperationResult well = result("monitor", 0, 0, 10s, 4), failed = result("monitor", 7, 0, 10s, 4);
  well.last_rc_change = 100;
  failed.last_rc_change = 101;
  history.entries = {{"last_failure_0", failed}, {"monitor_10000", well}};
  const auto ordered = in_order(history);
  ASSERT_EQ(ordered.size(), 2U);
  EXPECT_EQ(ordered[1]->rc, 7);
}

TEST(FailCount, sums_over_operations_and_keeps_infinity) {
  NodeState node;
  const ResourceId r{"r"};
  node.transient = {{fail_count_name(r, "monitor", 10s), "2"},
                    {fail_count_name(r, "start", {}), "1"},
                    {fail_count_name(ResourceId{"r2"}, "start", {}), "50"},
                    {last_failure_name(r, "monitor", 10s), "100"},
                    {last_failure_name(r, "start", {}), "300"},
                    {last_failure_name(r, "stop", {}), "broken"}};
  EXPECT_EQ(fail_count(node, r), Score{3});
  EXPECT_EQ(last_failure(node, r), 300);
  node.transient[fail_count_name(r, "stop", {})] = "INFINITY";
  EXPECT_EQ(fail_count(node, r), Score::infinity());
  EXPECT_EQ(fail_count(node, ResourceId{"other"}), Score{});
}

TEST(AttributeNames, are_those_that_pacemaker_uses) {
  EXPECT_EQ(fail_count_name(ResourceId{"d1"}, "monitor", 10s), "fail-count-d1#monitor_10000");
  EXPECT_EQ(last_failure_name(ResourceId{"d1"}, "start", {}), "last-failure-d1#start_0");
  EXPECT_EQ(promotion_score_name(ResourceId{"db"}), "master-db");
}

TEST(Words, for_codes_are_those_that_people_know_from_crm_mon) {
  EXPECT_EQ(to_words(Rc::not_running), "not running");
  EXPECT_EQ(to_words(Rc::degraded_promoted), "promoted (degraded)");
  EXPECT_EQ(to_words(OpStatus::timed_out), "timed out");
  EXPECT_EQ(to_words(static_cast<Rc>(77)), "unknown exit status");
}

}  // namespace
}  // namespace systole::cib

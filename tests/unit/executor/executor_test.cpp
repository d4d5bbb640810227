// SPDX-License-Identifier: GPL-2.0-or-later
// The executor's promises, one by one.
#include <gtest/gtest.h>

#include "cib/model/digest.hpp"
#include "tests/unit/executor/effects.hpp"

namespace systole::executor {
namespace {

Order make(std::string operation, std::string resource = "db", Duration interval = {}) {
  Order order;
  static std::uint64_t next_id = 100;
  order.id = next_id++;
  order.resource = ResourceId{std::move(resource)};
  order.operation = std::move(operation);
  order.interval = interval;
  order.standard = "ocf";
  order.provider = "systole";
  order.type = "mysql";
  order.timeout = 20s;
  order.parameters = {{"datadir", "/srv/db"}};
  order.meta = {{"timeout", "20000"}};
  return order;
}

Outcome ok() {
  return {0, cib::OpStatus::done, {}, 10ms};
}
Outcome with_rc(int rc) {
  return {rc, cib::OpStatus::done, "because", 10ms};
}

TEST(Executor, runs_one_call_per_resource_at_a_time_in_order) {
  Executor executor(AgentEnvironment{});
  const auto first = only<RunAgent>(executor.order(at(0s), make("start")));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].action, "start");
  EXPECT_TRUE(only<RunAgent>(executor.order(at(0s), make("promote"))).empty());
  EXPECT_TRUE(only<RunAgent>(executor.order(at(0s), make("notify"))).empty());
  const auto second = only<RunAgent>(executor.done(at(1s), first[0].call, ok()));
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].action, "promote");
}

TEST(Executor, different_resources_run_side_by_side) {
  Executor executor(AgentEnvironment{});
  EXPECT_EQ(only<RunAgent>(executor.order(at(0s), make("start", "a"))).size(), 1U);
  EXPECT_EQ(only<RunAgent>(executor.order(at(0s), make("start", "b"))).size(), 1U);
}

TEST(Executor, an_agent_gets_the_environment_of_the_ocf_interface) {
  Executor executor(AgentEnvironment{{"HA_LOGFACILITY", "daemon"}});
  Order order = make("monitor");
  order.parameters["OCF_CHECK_LEVEL"] = "10";
  const auto run = only<RunAgent>(executor.order(at(0s), order));
  ASSERT_EQ(run.size(), 1U);
  const cib::Pairs& env = run[0].environment;
  EXPECT_EQ(env.at("OCF_RESOURCE_INSTANCE"), "db");
  EXPECT_EQ(env.at("OCF_RESOURCE_TYPE"), "mysql");
  EXPECT_EQ(env.at("OCF_RESOURCE_PROVIDER"), "systole");
  EXPECT_EQ(env.at("OCF_RESKEY_datadir"), "/srv/db");
  EXPECT_EQ(env.at("OCF_RESKEY_CRM_meta_timeout"), "20000");
  EXPECT_EQ(env.at("OCF_RESKEY_crm_feature_set"), "3.16.1");
  EXPECT_EQ(env.at("OCF_EXIT_REASON_PREFIX"), "ocf-exit-reason:");
  EXPECT_EQ(env.at("OCF_CHECK_LEVEL"), "10") << "exported without a prefix";
  EXPECT_EQ(env.at("HA_LOGFACILITY"), "daemon");
}

TEST(Executor, an_init_script_gets_no_parameters) {
  Executor executor(AgentEnvironment{});
  Order order = make("start");
  order.standard = "lsb";
  const auto run = only<RunAgent>(executor.order(at(0s), order));
  EXPECT_FALSE(run[0].environment.contains("OCF_RESKEY_datadir"));
}

TEST(Executor, a_recurring_monitor_runs_again_one_interval_after_its_end_and_reports_only_changes) {
  Executor executor(AgentEnvironment{});
  const auto first = only<RunAgent>(executor.order(at(0s), make("monitor", "db", 10s)));
  auto effects = executor.done(at(2s), first[0].call, ok());
  ASSERT_EQ(only<Report>(effects).size(), 1U) << "the first result is news";
  EXPECT_EQ(executor.next_deadline(), at(12s).at);
  EXPECT_TRUE(executor.tick(at(11s)).empty());
  auto again = only<RunAgent>(executor.tick(at(12s)));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_TRUE(only<Report>(executor.done(at(13s), again[0].call, ok())).empty()) << "the same result is no news";
  again = only<RunAgent>(executor.tick(at(23s)));
  const auto reports = only<Report>(executor.done(at(24s), again[0].call, with_rc(7)));
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].order, 0U) << "nobody waits for it";
  EXPECT_TRUE(reports[0].result.failed());
  EXPECT_EQ(reports[0].result.exit_reason, "because");
}

TEST(Executor, a_change_of_state_ends_the_recurring_monitors_first) {
  Executor executor(AgentEnvironment{});
  const auto monitor = only<RunAgent>(executor.order(at(0s), make("monitor", "db", 10s)));
  const auto effects = executor.order(at(1s), make("stop"));
  ASSERT_EQ(only<KillAgent>(effects).size(), 1U);
  EXPECT_EQ(only<KillAgent>(effects)[0].call, monitor[0].call);
  const auto after = executor.done(at(1s), monitor[0].call, with_rc(1));
  EXPECT_TRUE(only<Report>(after).empty()) << "a cancelled call is no failure";
  ASSERT_EQ(only<RunAgent>(after).size(), 1U);
  EXPECT_EQ(only<RunAgent>(after)[0].action, "stop");
  EXPECT_EQ(executor.next_deadline(), never);
}

TEST(Executor, a_stop_uses_the_parameters_of_the_start) {
  Executor executor(AgentEnvironment{});
  const auto start = only<RunAgent>(executor.order(at(0s), make("start")));
  static_cast<void>(executor.done(at(1s), start[0].call, ok()));
  Order stop = make("stop");
  stop.parameters["datadir"] = "/srv/other";
  const auto run = only<RunAgent>(executor.order(at(2s), stop));
  EXPECT_EQ(run[0].environment.at("OCF_RESKEY_datadir"), "/srv/db");
}

/// The daemon was started again, a probe found the resource, and then it was deleted from the configuration.
TEST(Executor, a_stop_uses_the_parameters_with_which_a_monitor_found_what_nobody_here_started) {
  Executor executor(AgentEnvironment{});
  const auto probe = only<RunAgent>(executor.order(at(0s), make("monitor")));
  static_cast<void>(executor.done(at(1s), probe[0].call, ok()));
  Order stop = make("stop");
  stop.parameters.clear();
  const auto run = only<RunAgent>(executor.order(at(2s), stop));
  ASSERT_TRUE(run[0].environment.contains("OCF_RESKEY_datadir"));
  EXPECT_EQ(run[0].environment.at("OCF_RESKEY_datadir"), "/srv/db");
}

TEST(Executor, after_a_stop_the_parameters_of_the_start_hold_no_more) {
  Executor executor(AgentEnvironment{});
  const auto start = only<RunAgent>(executor.order(at(0s), make("start")));
  static_cast<void>(executor.done(at(1s), start[0].call, ok()));
  const auto first = only<RunAgent>(executor.order(at(2s), make("stop")));
  static_cast<void>(executor.done(at(3s), first[0].call, ok()));
  Order stop = make("stop");
  stop.parameters["datadir"] = "/srv/other";
  const auto second = only<RunAgent>(executor.order(at(4s), stop));
  EXPECT_EQ(second[0].environment.at("OCF_RESKEY_datadir"), "/srv/other");
}

TEST(Executor, a_result_says_with_which_parameters_it_was_and_of_a_monitor_with_which_timeout) {
  Executor executor(AgentEnvironment{});
  Order order = make("start");
  const auto start = only<RunAgent>(executor.order(at(0s), order));
  const auto started = only<Report>(executor.done(at(1s), start[0].call, ok()));
  EXPECT_EQ(started[0].result.digests.all, cib::digest_of(order.parameters));
  order = make("monitor");
  order.interval = 10s;
  const auto monitor = only<RunAgent>(executor.order(at(1s), order));
  const auto looked = only<Report>(executor.done(at(2s), monitor[0].call, ok()));
  EXPECT_EQ(looked[0].result.digests.all, cib::digest_of(order.parameters, 20s));
}

TEST(Executor, notifications_cannot_fail_and_leave_no_history) {
  Executor executor(AgentEnvironment{});
  const auto run = only<RunAgent>(executor.order(at(0s), make("notify")));
  const auto reports = only<Report>(executor.done(at(1s), run[0].call, with_rc(1)));
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_FALSE(reports[0].result.failed());
  EXPECT_FALSE(reports[0].recorded);
  EXPECT_TRUE(executor.history().empty());
}

TEST(Executor, cancelling_a_monitor_stops_it_and_says_so) {
  Executor executor(AgentEnvironment{});
  const auto run = only<RunAgent>(executor.order(at(0s), make("monitor", "db", 10s)));
  Order cancel = make("cancel", "db", 10s);
  const auto effects = executor.order(at(1s), cancel);
  ASSERT_EQ(only<Report>(effects).size(), 1U);
  EXPECT_EQ(only<Report>(effects)[0].order, cancel.id);
  EXPECT_TRUE(only<Report>(effects)[0].recorded) << "the leader's copy of the history must lose the monitor too";
  EXPECT_EQ(only<KillAgent>(effects).size(), 1U);
  static_cast<void>(executor.done(at(1s), run[0].call, with_rc(1)));
  EXPECT_EQ(executor.next_deadline(), never);
}

/// A new leader orders what it does not know to run, and waits for the answer.
TEST(Executor, a_monitor_that_is_ordered_again_while_it_runs_answers_both_orders) {
  Executor executor(AgentEnvironment{});
  const Order first = make("monitor", "db", 10s), again = make("monitor", "db", 10s);
  const auto run = only<RunAgent>(executor.order(at(0s), first));
  EXPECT_TRUE(executor.order(at(1s), again).empty());
  const auto effects = executor.done(at(2s), run[0].call, ok());
  ASSERT_EQ(only<Report>(effects).size(), 1U);
  EXPECT_EQ(only<Report>(effects)[0].order, first.id);
  const auto rerun = only<RunAgent>(effects);
  ASSERT_EQ(rerun.size(), 1U);
  const auto reports = only<Report>(executor.done(at(3s), rerun[0].call, ok()));
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].order, again.id);
}

TEST(Executor, a_result_that_comes_twice_counts_once) {
  Executor executor(AgentEnvironment{});
  const auto run = only<RunAgent>(executor.order(at(0s), make("start")));
  EXPECT_EQ(only<Report>(executor.done(at(1s), run[0].call, ok())).size(), 1U);
  EXPECT_TRUE(executor.done(at(1s), run[0].call, ok()).empty());
}

TEST(Executor, orders_in_flight_are_told_to_a_new_leader) {
  Executor executor(AgentEnvironment{});
  const Order start = make("start"), promote = make("promote");
  static_cast<void>(executor.order(at(0s), start));
  static_cast<void>(executor.order(at(0s), promote));
  EXPECT_EQ(executor.in_flight(), (std::vector<std::uint64_t>{start.id, promote.id}));
}

TEST(Executor, alone_it_stops_what_is_active_newest_first) {
  Executor executor(AgentEnvironment{});
  for (const char* name : {"first", "second", "stopped"}) {
    const auto run = only<RunAgent>(executor.order(at(0s), make("start", name)));
    static_cast<void>(executor.done(at(1s), run[0].call, ok()));
  }
  const auto stop = only<RunAgent>(executor.order(at(2s), make("stop", "stopped")));
  static_cast<void>(executor.done(at(2s), stop[0].call, ok()));
  const auto runs = only<RunAgent>(executor.stop_everything(at(3s)));
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].environment.at("OCF_RESOURCE_INSTANCE"), "second");
  EXPECT_EQ(runs[1].environment.at("OCF_RESOURCE_INSTANCE"), "first");
  EXPECT_EQ(runs[0].environment.at("OCF_RESKEY_datadir"), "/srv/db");
}

}  // namespace
}  // namespace systole::executor

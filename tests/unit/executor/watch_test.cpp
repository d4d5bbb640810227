// SPDX-License-Identifier: GPL-2.0-or-later
// The action watch beside the recurring monitors: when it begins, what its end brings about, when it is ended.
#include <gtest/gtest.h>

#include "tests/unit/executor/effects.hpp"

namespace systole::executor {
namespace {

/// One resource that is started and monitored every 10 s.
class Watched : public testing::Test {
 protected:
  static Order make(std::string operation, Duration interval = {}) {
    Order order;
    order.id = 7;
    order.resource = ResourceId{"vip"};
    order.operation = std::move(operation);
    order.interval = interval;
    order.standard = "ocf";
    order.provider = "systole";
    order.type = "IPaddr";
    order.timeout = 20s;
    order.parameters = {{"ip", "192.0.2.10"}};
    return order;
  }
  std::vector<Effect> run(Duration when, const Order& order, int rc = 0) {
    const auto began = only<RunAgent>(executor.order(at(when), order));
    EXPECT_EQ(began.size(), 1U);
    return executor.done(at(when), began.at(0).call, {rc, cib::OpStatus::done, {}, 10ms});
  }
  /// The first monitor is over and the watch has begun.
  std::uint64_t watching() {
    const auto watch = only<BeginWatch>(run(1s, make("monitor", 10s)));
    EXPECT_EQ(watch.size(), 1U);
    return watch.at(0).run.call;
  }
  Executor executor{AgentEnvironment{}};
};

TEST_F(Watched, watch_begins_when_a_recurring_monitor_found_all_well) {
  EXPECT_TRUE(only<BeginWatch>(run(0s, make("start"))).empty());
  const auto watch = only<BeginWatch>(run(1s, make("monitor", 10s)));
  ASSERT_EQ(watch.size(), 1U);
  EXPECT_EQ(watch[0].run.action, "watch");
  EXPECT_EQ(watch[0].run.environment.at("OCF_RESKEY_ip"), "192.0.2.10");
  EXPECT_TRUE(executor.idle());  // it is no call that anything waits for
  EXPECT_TRUE(executor.in_flight().empty());
}

TEST_F(Watched, watch_does_not_begin_after_a_probe_or_a_monitor_that_found_a_fault) {
  EXPECT_TRUE(only<BeginWatch>(run(0s, make("monitor"))).empty());
  EXPECT_TRUE(only<BeginWatch>(run(1s, make("monitor", 10s), 7)).empty());
}

TEST_F(Watched, watch_runs_once_however_many_monitors_there_are) {
  watching();
  EXPECT_TRUE(only<BeginWatch>(run(2s, make("monitor", 11s))).empty());
}

TEST_F(Watched, an_ended_watch_makes_the_monitors_look_at_once) {
  const std::uint64_t watch = watching();
  const auto monitor = only<RunAgent>(executor.watch_ended(at(5s), watch, true));
  ASSERT_EQ(monitor.size(), 1U);
  EXPECT_EQ(monitor[0].action, "monitor");
  const auto after = executor.done(at(5s), monitor[0].call, {7, cib::OpStatus::done, {}, 10ms});
  ASSERT_EQ(only<Report>(after).size(), 1U);  // news for the leader
  EXPECT_TRUE(only<BeginWatch>(after).empty());
  EXPECT_TRUE(executor.watch_ended(at(6s), watch, true).empty());  // ended twice: the first time counted
}

TEST_F(Watched, a_watch_that_ends_for_nothing_begins_again_and_is_no_failure) {
  const auto monitor = only<RunAgent>(executor.watch_ended(at(5s), watching(), true));
  const auto after = executor.done(at(5s), monitor.at(0).call, {0, cib::OpStatus::done, {}, 10ms});
  EXPECT_TRUE(only<Report>(after).empty());
  EXPECT_EQ(only<BeginWatch>(after).size(), 1U);
}

TEST_F(Watched, a_watch_that_ends_at_once_waits_longer_each_time) {
  std::uint64_t watch = watching();
  Duration when = 1s;
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 8; ++i) {
    auto monitor = only<RunAgent>(executor.watch_ended(at(when), watch, true));
    const Duration ended = when;
    std::vector<BeginWatch> again;
    while (again.empty()) {
      again = only<BeginWatch>(executor.done(at(when), monitor.at(0).call, {0, cib::OpStatus::done, {}, {}}));
      if (!again.empty()) break;
      when += 10s;
      monitor = only<RunAgent>(executor.tick(at(when)));
    }
    watch = again[0].run.call;
    pauses.push_back((when - ended) / 10s);
  }
  EXPECT_EQ(pauses, (std::vector<std::int64_t>{1, 1, 1, 1, 2, 4, 6, 6}));  // in monitors: 1, 2, 4 … 60 s
}

TEST_F(Watched, what_changes_the_resource_ends_the_watch_first) {
  const std::uint64_t watch = watching();
  const auto effects = executor.order(at(5s), make("stop"));
  ASSERT_EQ(effects.size(), 2U);
  ASSERT_TRUE(std::holds_alternative<EndWatch>(effects[0]));
  EXPECT_EQ(std::get<EndWatch>(effects[0]).call, watch);
  EXPECT_EQ(std::get<RunAgent>(effects[1]).action, "stop");
  EXPECT_TRUE(executor.watch_ended(at(5s), watch, true).empty());
}

TEST_F(Watched, a_notification_does_not_end_it_and_the_last_cancelled_monitor_does) {
  watching();
  EXPECT_TRUE(only<EndWatch>(run(2s, make("notify"))).empty());
  EXPECT_EQ(only<EndWatch>(executor.order(at(3s), make("cancel", 10s))).size(), 1U);
}

TEST_F(Watched, the_end_of_the_lease_and_a_successor_end_it) {
  watching();
  EXPECT_EQ(only<EndWatch>(executor.end_watches()).size(), 1U);
  EXPECT_TRUE(executor.end_watches().empty());
  const auto again = only<RunAgent>(executor.tick(at(11s)));
  EXPECT_EQ(only<BeginWatch>(executor.done(at(11s), again.at(0).call, {0, cib::OpStatus::done, {}, {}})).size(), 1U);
  EXPECT_EQ(only<EndWatch>(executor.forget_everything()).size(), 1U);
}

TEST_F(Watched, an_agent_without_the_action_is_asked_once) {
  EXPECT_TRUE(executor.watch_ended(at(1s), watching(), false).empty());
  const auto again = only<RunAgent>(executor.tick(at(11s)));
  ASSERT_EQ(again.size(), 1U);  // no sooner than its interval
  EXPECT_TRUE(only<BeginWatch>(executor.done(at(11s), again[0].call, {0, cib::OpStatus::done, {}, {}})).empty());
}

TEST_F(Watched, other_classes_than_ocf_have_none) {
  Order order = make("monitor", 10s);
  order.standard = "systemd";
  EXPECT_TRUE(only<BeginWatch>(run(1s, order)).empty());
}

}  // namespace
}  // namespace systole::executor

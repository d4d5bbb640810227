// SPDX-License-Identifier: GPL-2.0-or-later
// The inequality that keeps two nodes from owning the same: kept by every timing that is accepted.
#include "common/config/timing.hpp"

#include <gtest/gtest.h>

namespace systole::config {
namespace {

ClusterConf three_nodes(Duration deadtime) {
  ClusterConf conf;
  conf.cluster_name = "test";
  conf.deadtime = deadtime;
  conf.keepalive = std::min<Duration>(200ms, deadtime / 5);
  for (std::uint32_t id = 1; id <= 3; ++id) conf.nodes.push_back({NodeId{id}, "n" + std::to_string(id), {"192.0.2.1"}});
  return conf;
}

bool holds(const ClusterConf& conf, const Timing& timing) {
  return timing.lease + timing.guard + timing.ladder + timing.watchdog <=
         (conf.deadtime + timing.takeover_delay) * 98 / 100;
}

TEST(Timing, every_deadtime_from_50_ms_on_keeps_the_inequality_with_the_smallest_takeover_delay) {
  for (int ms = 50; ms <= 30'000; ms += ms < 400 ? 1 : 177) {
    const ClusterConf conf = three_nodes(std::chrono::milliseconds(ms));
    const auto timing = timing_of(conf, true);
    ASSERT_TRUE(timing.has_value()) << ms << ": " << timing.error().what;
    EXPECT_TRUE(holds(conf, *timing)) << ms << ": " << inequality(conf, *timing);
    EXPECT_GE(timing->lease, conf.deadtime / 2 - 1ms) << ms;
    if (ms >= 100) {
      EXPECT_EQ(timing->takeover_delay, 0ms) << ms;
    }
  }
}

TEST(Timing, takeover_delay_is_the_same_whether_this_machine_grants_real_time_priority_or_not) {
  const ClusterConf conf = three_nodes(300ms);
  const auto with = timing_of(conf, true), without = timing_of(conf, false);
  ASSERT_TRUE(with && without);
  EXPECT_EQ(with->takeover_delay, without->takeover_delay);
  EXPECT_GT(with->lease, without->lease);
  EXPECT_TRUE(holds(conf, *without));
}

TEST(Timing, where_nothing_is_left_for_a_lease_the_reason_is_said) {
  const auto timing = timing_of(three_nodes(100ms), false);
  ASSERT_FALSE(timing.has_value());
  EXPECT_NE(timing.error().what.find("not granted real-time priority"), std::string::npos) << timing.error().what;
}

TEST(Timing, a_watchdog_without_a_timeout_is_reckoned_with_what_it_will_be_told) {
  ClusterConf conf = three_nodes(1s);
  conf.guardian = {"/dev/watchdog", std::nullopt};
  const auto timing = timing_of(conf, true);
  ASSERT_TRUE(timing);
  EXPECT_EQ(timing->watchdog, watchdog_timeout_default);
  EXPECT_GT(timing->takeover_delay, 4s);
}

TEST(Timing, a_watchdog_makes_the_others_wait_for_it) {
  ClusterConf conf = three_nodes(1s);
  conf.guardian = {"/dev/watchdog", 5s};
  const auto timing = timing_of(conf, true);
  ASSERT_TRUE(timing.has_value());
  EXPECT_EQ(timing->watchdog, 5s);
  EXPECT_TRUE(holds(conf, *timing));
  EXPECT_GT(timing->takeover_delay, 4s);
}

TEST(Timing, a_lease_that_breaks_the_inequality_is_refused_with_the_inequality) {
  ClusterConf conf = three_nodes(1s);
  conf.lease = 990ms;
  conf.takeover_delay = 0ms;
  const auto timing = timing_of(conf, true);
  ASSERT_FALSE(timing.has_value());
  EXPECT_NE(timing.error().what.find("lease 990ms + guard 20ms"), std::string::npos) << timing.error().what;
}

TEST(Timing, mode_none_waits_for_nobody) {
  ClusterConf conf = three_nodes(50ms);
  conf.nodes.pop_back();
  conf.mode = QuorumMode::none;
  const auto timing = timing_of(conf, false);
  ASSERT_TRUE(timing.has_value());
  EXPECT_EQ(timing->takeover_delay, 0ms);
  EXPECT_GT(timing->lease, 0ms);
}

TEST(Guarantee, every_mode_says_what_it_promises) {
  ClusterConf conf = three_nodes(1s);
  EXPECT_EQ(mode_of(conf), "majority");
  EXPECT_NE(guarantee_of(conf).find("frozen machine"), std::string::npos);
  conf.nodes[2].witness = true;
  EXPECT_EQ(mode_of(conf), "witness");
  conf.nodes.pop_back();
  conf.mode = QuorumMode::ping;
  EXPECT_NE(guarantee_of(conf).find("ping target"), std::string::npos);
  conf.mode = QuorumMode::none;
  EXPECT_NE(guarantee_of(conf).find("any cut"), std::string::npos);
}

}  // namespace
}  // namespace systole::config

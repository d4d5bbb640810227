// SPDX-License-Identifier: GPL-2.0-or-later
// What a node may hold: everything that was perhaps started and not shown to be off.
#include "crmd/executor/holdings.hpp"

#include <gtest/gtest.h>

#include "crmd/executor/executor.hpp"

namespace systole::executor {
namespace {

Order order_of(std::string operation, std::string resource = "vip", std::string ip = "192.0.2.9") {
  Order order;
  order.resource = ResourceId{std::move(resource)};
  order.operation = std::move(operation);
  order.type = "IPaddr2";
  if (!ip.empty()) order.parameters = {{"ip", std::move(ip)}};
  return order;
}

Outcome ended(int rc, cib::OpStatus status = cib::OpStatus::done) {
  return {rc, status, {}, 10ms};
}

constexpr int not_running = 7;

TEST(Holdings, a_resource_is_held_before_its_agent_runs_with_the_address_that_it_will_have) {
  Holdings holdings;
  holdings.begins(order_of("start"));
  EXPECT_TRUE(holdings.take_changed());
  EXPECT_EQ(holdings.list(), (std::vector<Held>{{ResourceId{"vip"}, {"192.0.2.9"}}}));
  EXPECT_FALSE(holdings.take_changed());
}

TEST(Holdings, a_failed_start_and_a_failed_stop_leave_it_held) {
  Holdings holdings;
  holdings.begins(order_of("start"));
  holdings.ended(order_of("start"), ended(1));
  holdings.ended(order_of("stop"), ended(1));
  holdings.ended(order_of("stop"), ended(1, cib::OpStatus::timed_out));
  EXPECT_FALSE(holdings.empty());
}

TEST(Holdings, a_stop_that_worked_or_a_monitor_that_finds_nothing_ends_it) {
  Holdings holdings;
  holdings.begins(order_of("start"));
  holdings.ended(order_of("stop"), ended(0));
  EXPECT_TRUE(holdings.empty());
  holdings.begins(order_of("start"));
  holdings.ended(order_of("monitor"), ended(not_running));
  EXPECT_TRUE(holdings.empty());
  EXPECT_TRUE(holdings.take_changed());
}

TEST(Holdings, a_probe_that_finds_it_active_or_cannot_tell_holds_it) {
  Holdings holdings;
  holdings.ended(order_of("monitor", "a"), ended(0));
  holdings.ended(order_of("monitor", "b"), ended(1, cib::OpStatus::timed_out));
  holdings.ended(order_of("monitor", "c"), ended(not_running));
  holdings.ended(order_of("monitor", "d"), ended(5, cib::OpStatus::not_installed));
  EXPECT_EQ(holdings.list().size(), 2U);
}

TEST(Holdings, a_cancelled_monitor_says_nothing) {
  Holdings holdings;
  holdings.ended(order_of("monitor"), ended(1, cib::OpStatus::cancelled));
  EXPECT_TRUE(holdings.empty());
}

TEST(Holdings, an_address_that_was_changed_is_held_beside_the_new_one) {
  Holdings holdings;
  holdings.begins(order_of("start", "vip", "192.0.2.9"));
  holdings.begins(order_of("start", "vip", "192.0.2.10/24"));
  EXPECT_EQ(holdings.list().front().addresses, (std::vector<std::string>{"192.0.2.10", "192.0.2.9"}));
}

TEST(Holdings, what_an_earlier_life_held_is_held_until_something_shows_that_it_is_off) {
  Holdings holdings;
  holdings.inherit({{ResourceId{"vip"}, {"192.0.2.9"}}});
  EXPECT_FALSE(holdings.empty());
  holdings.ended(order_of("monitor"), ended(not_running));
  EXPECT_TRUE(holdings.empty());
}

}  // namespace
}  // namespace systole::executor

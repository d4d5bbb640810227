// SPDX-License-Identifier: GPL-2.0-or-later
// Many who ask, few looks.
#include "tools/endpoint/shared_look.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "agents/sql/deadline.hpp"

namespace systole::endpoint {
namespace {

class SharedLookTest : public testing::Test {
 protected:
  void run_until(const std::function<bool()>& done, Duration limit = 5s) {
    const Deadline deadline = Deadline::in(limit);
    while (!done() && !deadline.over()) {
      context_.restart();  // it stops whenever it has nothing to wait for, as while a look is under way
      context_.run_one_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(done());
  }
  boost::asio::io_context context_{1};
};

TEST_F(SharedLookTest, a_thousand_checks_at_once_cost_one_look) {
  SharedLook look(
      context_, {.fresh = 10s}, [] { return Seen{.node = "n1", .writable = true}; }, [](const Seen&) {});
  unsigned heard = 0;
  for (int i = 0; i < 1000; ++i) look.ask([&](const Seen& seen) { heard += seen.writable ? 1 : 0; });
  run_until([&] { return heard == 1000; });
  look.ask([&](const Seen&) { ++heard; });
  EXPECT_EQ(heard, 1001U) << "what is fresh is told at once";
  EXPECT_EQ(look.looks(), 1U);
}

TEST_F(SharedLookTest, what_is_not_fresh_any_more_is_looked_at_again) {
  std::atomic<int> count = 0;
  SharedLook look(
      context_, {.fresh = 0ms}, [&] { return Seen{.node = std::to_string(++count)}; }, [](const Seen&) {});
  std::string heard;
  look.ask([&](const Seen& seen) { heard = seen.node; });
  run_until([&] { return heard == "1"; });
  look.ask([&](const Seen& seen) { heard = seen.node; });
  run_until([&] { return heard == "2"; });
}

TEST_F(SharedLookTest, a_look_that_hangs_costs_nobody_more_than_the_patience_and_nobody_begins_another) {
  std::promise<void> go_on;
  const std::shared_future<void> may_go_on = go_on.get_future().share();
  SharedLook look(
      context_, {.fresh = 100ms, .patience = 50ms},
      [may_go_on] {
        may_go_on.wait();
        return Seen{.writable = true};
      },
      [](const Seen&) {});
  for (int round = 0; round < 2; ++round) {
    std::vector<Seen> heard;
    const Time begin = boot_time();
    for (int i = 0; i < 3; ++i) look.ask([&](const Seen& seen) { heard.push_back(seen); });
    run_until([&] { return heard.size() == 3; });
    EXPECT_LT(boot_time() - begin, 2s);
    EXPECT_GE(boot_time() - begin, 50ms);
    EXPECT_FALSE(heard.front().silence.empty());
    EXPECT_FALSE(heard.front().writable);
  }
  EXPECT_EQ(look.looks(), 1U);
  bool writable = false;
  look.ask([&](const Seen& seen) { writable = seen.writable; });
  go_on.set_value();
  run_until([&] { return writable; });
}

TEST_F(SharedLookTest, each_outcome_is_told_once) {
  int told = 0, heard = 0;
  SharedLook look(
      context_, {.fresh = 10s}, [] { return Seen{.silence = "no"}; },
      [&](const Seen& seen) { told += seen.silence == "no"; });
  for (int i = 0; i < 10; ++i) look.ask([&](const Seen&) { ++heard; });
  run_until([&] { return heard == 10; });
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace systole::endpoint

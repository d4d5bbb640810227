// SPDX-License-Identifier: GPL-2.0-or-later
// The end of an agent that hangs.
#include "agents/kit/overtime.hpp"

#include <gtest/gtest.h>

#include "agents/kit/agent.hpp"

namespace systole::agents {
namespace {

TEST(OvertimeDeathTest, gives_its_reason_and_ends_the_process) {
  const auto hang = [] {
    end_process_after(20ms, "ocf-exit-reason:it hung\n", 1);
    pause_for(10s, never);
  };
  EXPECT_EXIT(hang(), ::testing::ExitedWithCode(1), "^ocf-exit-reason:it hung\n$");
}

const About table{.name = "Hanging",
                  .version = "1",
                  .brief = "h",
                  .about = "h",
                  .params = {},
                  .actions = {{.name = "monitor", .timeout = "400ms"},
                              {.name = "watch", .timeout = "400ms"},
                              {.name = "validate-all", .timeout = "400ms"}}};

struct Hanging final : Agent {
  const About& about() const override { return table; }
  Ocf validate(Call&) override { return Ocf::ok; }
  Ocf start(Call&) override { return Ocf::ok; }
  Ocf stop(Call&) override { return Ocf::ok; }
  Ocf monitor(Call&) override { return hang(); }
  Ocf extra(Call&) override { return hang(); }
  static Ocf hang() {
    pause_for(700ms, never);
    return Ocf::ok;
  }
};

int run(const char* action) {
  Hanging agent;
  const std::array<const char*, 2> argv{"Hanging", action};
  return run_agent(2, argv.data(), agent);
}

TEST(OvertimeDeathTest, comes_before_the_managers_timeout) {
  EXPECT_EXIT(std::_Exit(run("monitor")), ::testing::ExitedWithCode(1),
              "ocf-exit-reason:monitor had not ended after 3..ms and ended itself, before the manager's timeout\n");
}

TEST(OvertimeDeathTest, does_not_come_once_the_verb_is_done) {
  const auto end_slowly = [] {
    const int code = run("validate-all");
    pause_for(700ms, never);
    std::_Exit(code);
  };
  EXPECT_EXIT(end_slowly(), ::testing::ExitedWithCode(0), "^$");
}

TEST(OvertimeDeathTest, does_not_come_for_those_who_wait_by_trade) {
  EXPECT_EXIT(std::_Exit(run("watch")), ::testing::ExitedWithCode(0), "^$");
}

}  // namespace
}  // namespace systole::agents

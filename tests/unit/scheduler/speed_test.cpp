// SPDX-License-Identifier: GPL-2.0-or-later
// A large cluster must not make decisions slow. The limit here is generous (debug builds with sanitizers run it, too);
// it catches work that grows with the square of the cluster, not percents.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/golden/scheduler/story.hpp"

namespace systole::scheduler::testing {
namespace {

std::string hundred_resources() {
  std::string text;
  for (int node = 1; node <= 10; ++node) text += fmt::format("node n{}\n", node);
  for (int i = 0; i < 70; ++i) text += fmt::format("primitive p{} ocf:heartbeat:Dummy op monitor interval=10s\n", i);
  for (int i = 0; i < 10; ++i) {
    text += fmt::format(
        "primitive g{0}a ocf:heartbeat:Dummy\nprimitive g{0}b ocf:heartbeat:Dummy\ngroup g{0} g{0}a g{0}b\n"
        "primitive c{0} ocf:heartbeat:Dummy op monitor interval=10s\nclone c{0}c c{0} meta interleave=true\n"
        "order o{0} c{0}c g{0}\ncolocation k{0} INFINITY g{0} c{0}c\n",
        i);
  }
  for (int i = 1; i < 70; ++i) text += fmt::format("order q{0} p{1} p{0}\ncolocation r{0} 100 p{0} p{1}\n", i, i - 1);
  return text;
}

TEST(Speed, a_hundred_resources_on_ten_nodes_are_decided_at_once) {
  auto story = parse_story(hundred_resources());
  ASSERT_TRUE(story.has_value());
  const auto begin = std::chrono::steady_clock::now();
  const Transition transition = schedule(story->view());
  const auto took = std::chrono::steady_clock::now() - begin;
  RecordProperty("microseconds", int(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  fmt::print("schedule: {} actions in {} us\n", transition.actions.size(),
             std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  EXPECT_GT(transition.actions.size(), 1000U);
  EXPECT_LT(took, std::chrono::seconds(2));
}

}  // namespace
}  // namespace systole::scheduler::testing

// SPDX-License-Identifier: GPL-2.0-or-later
// Thousands of random clusters, of which one thing is asked: if every action succeeds, does the cluster come to rest?
// A scheduler that changes its mind about its own work would never. On the way: no action waits for itself, nothing
// starts where it may not, and the same view gives the same transition.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "common/base/dice.hpp"
#include "tests/golden/scheduler/story.hpp"

namespace systole::scheduler::testing {
namespace {

class RandomCluster {
 public:
  explicit RandomCluster(std::uint64_t seed) : dice_(seed) {}

  std::string write() {
    nodes();
    resources();
    constraints();
    past();
    return text_;
  }

 private:
  std::string pick(const std::vector<std::string>& from) { return from[dice_.below(from.size())]; }
  std::string score() {
    static const std::vector<std::string> scores = {"INFINITY", "-INFINITY", "100", "50", "-100", "1"};
    return pick(scores);
  }

  void nodes() {
    const auto count = 1 + dice_.below(4);
    for (std::uint64_t i = 1; i <= count; ++i) {
      nodes_.push_back(fmt::format("n{}", i));
      text_ += "node " + nodes_.back();
      if (dice_.chance(1, 8)) text_ += " lost";
      if (dice_.chance(1, 8)) text_ += " standby=on";
      text_ += "\n";
    }
    if (dice_.chance(1, 3)) text_ += "rsc-default resource-stickiness=100\n";
    if (dice_.chance(1, 10)) text_ += "no-quorum\n";
  }

  void resources() {
    const auto count = 1 + dice_.below(6);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string id = fmt::format("r{}", i);
      leaves_.push_back(id);
      text_ += fmt::format("primitive {} ocf:heartbeat:Dummy op monitor interval=10s\n", id);
      if (dice_.chance(1, 4)) {
        text_ += fmt::format("primitive {0}b ocf:heartbeat:Dummy op monitor interval=10s\ngroup {0}g {0} {0}b\n", id);
        leaves_.push_back(id + "b");
        wrap(id + "g");
      } else {
        wrap(id);
      }
    }
  }

  void wrap(const std::string& id) {
    if (!dice_.chance(1, 2)) {
      tops_.push_back(id);
      return;
    }
    text_ += fmt::format("clone {0}c {0} meta", id);
    if (dice_.chance(1, 2)) text_ += " promotable=true", promotable_.push_back(id + "c");
    text_ += dice_.chance(1, 2) ? " interleave=true" : "";
    text_ += dice_.chance(1, 3) ? " notify=true" : "";
    text_ += dice_.chance(1, 4) ? " clone-max=1" : "";
    text_ += " x=y\n";
    tops_.push_back(id + "c");
  }

  void constraints() {
    const auto count = dice_.below(6);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string a = pick(tops_), b = pick(tops_);
      const auto kind = dice_.below(4);
      if (kind == 0) text_ += fmt::format("location l{} {} {} {}\n", i, a, pick(nodes_), score());
      // One constraint for a pair: contradictions have no rest to come to (Orders has a test for those in order).
      if (a == b || !related_.insert(std::minmax(a, b)).second) continue;
      if (kind == 1) text_ += fmt::format("colocation c{} {} {} {}\n", i, score(), a, b);
      if (kind == 2) text_ += fmt::format("order o{} {} {}\n", i, a, b);
      if (kind == 3 && !promotable_.empty()) {
        const std::string p = pick(promotable_);
        if (p != a && (p == b || related_.insert(std::minmax(a, p)).second))
          text_ +=
              fmt::format("colocation p{0} INFINITY {1} {2}:Promoted\norder q{0} {2}:promote {1}:start\n", i, a, p);
      }
    }
  }

  void past() {
    static const std::vector<std::string> pasts = {
        "probe=7",        "start=0", "start=0 monitor/10000=0", "start=0 monitor/10000=7", "probe=0",
        "start=0 stop=0", "start=1"};
    for (const std::string& leaf : leaves_) {
      for (const std::string& node : nodes_) {
        if (dice_.chance(1, 3)) text_ += fmt::format("history {} {} {}\n", node, leaf, pick(pasts));
        if (dice_.chance(1, 3)) text_ += fmt::format("attribute {} master-{}={}\n", node, leaf, dice_.below(20));
      }
    }
  }

  Dice dice_;
  std::string text_;
  std::set<std::pair<std::string, std::string>> related_;
  std::vector<std::string> nodes_, leaves_, tops_, promotable_;
};

void check_fitness(const Transition& transition, const Story& story) {
  for (const Action& action : transition.actions) {
    if (action.kind != ActionKind::operation) continue;
    const auto& node = story.status.nodes.at(action.node);
    EXPECT_TRUE(node.online) << label(action) << " on a node that is not there";
    if (action.operation == "start" || action.operation == "promote") {
      EXPECT_TRUE(story.quorate) << label(action) << " without quorum";
    }
  }
}

/// Each primitive outside clones ends on one node at most; a clone has one instance on a node at most.
void check_single(const Story& story) {
  std::set<std::pair<std::string, std::string>> seen;
  std::map<std::string, int> count;
  for (const Active& active : observe_active(story.view())) {
    EXPECT_TRUE(seen.insert({active.resource.value, active.node.value}).second)
        << active.resource.value << " is twice on " << active.node.value;
    const auto* top = cib::find_top(story.configuration, active.resource);
    if (top == nullptr || std::holds_alternative<cib::Clone>(*top)) continue;
    EXPECT_LE(++count[active.resource.value], 1) << active.resource.value << " runs on more than one node";
  }
}

void check(std::uint64_t seed) {
  const std::string text = RandomCluster(seed).write();
  SCOPED_TRACE(fmt::format("seed {}\n{}", seed, text));
  auto parsed = parse_story(text);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().what;
  Story story = *parsed;
  constexpr int rounds_max = 8;
  for (int round = 0;; ++round) {
    const Transition transition = schedule(story.view());
    if (round == 0) {
      EXPECT_EQ(print(transition, story), print(schedule(story.view()), story));
    }
    check_fitness(transition, story);
    if (transition.empty()) break;
    ASSERT_TRUE(play(transition, story)) << "actions wait for each other:\n" << print(transition, story);
    ASSERT_LT(round, rounds_max) << "never at rest:\n" << print(transition, story);
  }
  check_single(story);
}

TEST(RandomClusters, come_to_rest_when_every_action_succeeds) {
  for (std::uint64_t seed = 1; seed <= 1500 && !::testing::Test::HasFailure(); ++seed) check(seed);
}

}  // namespace
}  // namespace systole::scheduler::testing

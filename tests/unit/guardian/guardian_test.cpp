// SPDX-License-Identifier: GPL-2.0-or-later
// The guardian's rules, one sentence each. Time is the test's.
#include "crmd/guardian/guardian.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace systole::guardian {
namespace {

const Holding vip{"vip", {"10.0.0.5"}, "", {}, {}};
const Holding db{"db", {}, "/sys/fs/cgroup/systole-n1/db", {}, {}};
constexpr Time start{100s};

struct Machine {
  explicit Machine(Settings settings = {}) : guardian(settings) {}

  /// Every effect but notes and accepted lists, which are kept apart.
  std::vector<Effect> at(Duration when, const Event& event) {
    std::vector<Effect> effects;
    for (Effect& effect : guardian.step(start + when, event)) {
      if (const auto* const note = std::get_if<Note>(&effect))
        notes.push_back(note->text);
      else if (const auto* const accept = std::get_if<Accept>(&effect))
        accepted.push_back(accept->number);
      else if (const auto* const remember = std::get_if<Remember>(&effect))
        remembered = remember->holdings;
      else
        effects.push_back(std::move(effect));
    }
    return effects;
  }
  std::vector<Effect> tick(Duration when) { return at(when, Tick{}); }

  Guardian guardian;
  std::vector<std::string> notes;
  std::vector<std::uint64_t> accepted;
  std::vector<Holding> remembered;
};

template <class E>
const E* find(const std::vector<Effect>& effects) {
  for (const Effect& effect : effects)
    if (const E* const found = std::get_if<E>(&effect)) return found;
  return nullptr;
}

Machine with_lease_and(std::vector<Holding> holdings, Settings settings = {}) {
  Machine machine(settings);
  machine.at(0s, CrmdHere{});
  machine.at(0s, LeaseUntil{start + 1s});
  machine.at(0s, Hold{std::move(holdings)});
  return machine;
}

// ---- the lease

TEST(Guardian, a_renewal_that_is_seen_late_is_not_called_valid_again_but_one_after_a_ladder_is) {
  Machine machine = with_lease_and({vip});
  machine.at(1200ms, LeaseUntil{start + 2s});
  machine.tick(1200ms);
  EXPECT_TRUE(machine.notes.empty()) << machine.notes.front();
  machine.tick(2s);
  machine.at(2s, Climbed{true, ""});
  machine.at(2100ms, LeaseUntil{start + 3s});
  EXPECT_EQ(machine.notes.back(), "the lease is valid again");
}

TEST(Guardian, at_the_end_of_the_lease_the_ladder_is_climbed_with_all_that_is_held) {
  Machine machine = with_lease_and({vip, db});
  EXPECT_EQ(machine.guardian.next_deadline(), start + 1s);
  EXPECT_TRUE(machine.tick(999ms).empty());
  const auto effects = machine.tick(1s);
  ASSERT_NE(find<Climb>(effects), nullptr);
  EXPECT_EQ(find<Climb>(effects)->holdings, (std::vector{vip, db}));
}

TEST(Guardian, nothing_stands_before_the_climb_not_even_a_line_of_the_log) {
  Machine machine = with_lease_and({vip});
  const auto effects = machine.guardian.step(start + 1s, Tick{});
  ASSERT_FALSE(effects.empty());
  EXPECT_TRUE(std::holds_alternative<Climb>(effects[0]));
}

TEST(Guardian, a_lease_renewed_in_time_drops_nothing) {
  Machine machine = with_lease_and({vip});
  machine.at(900ms, LeaseUntil{start + 2s});
  EXPECT_TRUE(machine.tick(1s).empty());
  EXPECT_EQ(machine.guardian.next_deadline(), start + 2s);
}

TEST(Guardian, an_earlier_end_of_the_lease_than_the_known_one_is_ignored) {
  Machine machine = with_lease_and({vip});
  machine.at(100ms, LeaseUntil{start + 500ms});
  EXPECT_TRUE(machine.tick(600ms).empty());
  EXPECT_EQ(machine.guardian.until(), start + 1s);
}

TEST(Guardian, until_the_first_lease_is_known_nothing_happens) {
  Machine machine;
  machine.at(0s, CrmdHere{});
  EXPECT_TRUE(machine.at(1s, Hold{{vip}}).empty());
  EXPECT_TRUE(machine.tick(1000s).empty());
  EXPECT_EQ(machine.guardian.next_deadline(), never);
}

TEST(Guardian, a_lease_longer_than_an_hour_counts_as_an_hour) {
  Machine machine;
  machine.at(0s, LeaseUntil{never});
  machine.at(0s, Hold{{vip}});
  EXPECT_EQ(machine.guardian.next_deadline(), start + lease_longest);
  EXPECT_NE(find<Climb>(machine.tick(lease_longest)), nullptr);
}

TEST(Guardian, a_lease_that_lapses_while_nothing_is_held_does_nothing) {
  Machine machine = with_lease_and({});
  EXPECT_EQ(machine.guardian.next_deadline(), never);
  EXPECT_TRUE(machine.tick(5s).empty());
}

TEST(Guardian, what_is_held_only_after_the_lease_has_lapsed_is_ended_at_once) {
  Machine machine = with_lease_and({});
  machine.tick(1s);
  EXPECT_NE(find<Climb>(machine.at(5s, Hold{{vip}})), nullptr);
}

TEST(Guardian, what_is_no_longer_held_is_not_dropped) {
  Machine machine = with_lease_and({vip, db});
  machine.at(500ms, Hold{{db}});
  const auto effects = machine.tick(1s);
  ASSERT_NE(find<Climb>(effects), nullptr);
  EXPECT_EQ(find<Climb>(effects)->holdings, std::vector{db});
}

// ---- which lists are accepted

TEST(Guardian, a_list_is_accepted_at_once_while_the_lease_lasts_or_none_is_known) {
  Machine machine;
  machine.at(0s, Hold{{vip}, 1});
  machine.at(0s, LeaseUntil{start + 1s});
  machine.at(500ms, Hold{{vip, db}, 2});
  EXPECT_EQ(machine.accepted, (std::vector<std::uint64_t>{1, 2}));
}

TEST(Guardian, a_list_that_comes_after_the_end_of_the_lease_is_never_accepted) {
  Machine machine = with_lease_and({});
  machine.accepted.clear();
  machine.at(1s, Hold{{vip}, 7});
  machine.at(1002ms, Climbed{true, ""});
  machine.at(2s, LeaseUntil{start + 3s});
  EXPECT_TRUE(machine.accepted.empty());
}

TEST(Guardian, a_list_that_comes_during_a_ladder_is_accepted_after_it_if_there_is_a_lease_again) {
  Machine machine = with_lease_and({vip});
  machine.accepted.clear();
  machine.tick(1s);
  machine.at(1001ms, Hold{{db}, 7});
  machine.at(1002ms, LeaseUntil{start + 3s});
  EXPECT_TRUE(machine.accepted.empty());
  machine.at(1003ms, Climbed{true, ""});
  EXPECT_EQ(machine.accepted, std::vector<std::uint64_t>{7});
}

TEST(Guardian, an_empty_list_is_accepted_even_when_the_lease_is_over) {
  Machine machine = with_lease_and({});
  machine.at(5s, Hold{{}, 7});
  EXPECT_EQ(machine.accepted.back(), 7u);
}

// ---- crmd goes and comes

TEST(Guardian, a_crmd_that_is_gone_has_until_the_end_of_its_lease_to_come_back) {
  Machine machine = with_lease_and({vip});
  EXPECT_TRUE(machine.at(200ms, CrmdGone{}).empty());
  ASSERT_EQ(machine.notes.size(), 1u);
  EXPECT_NE(machine.notes[0].find("within 800 ms"), std::string::npos) << machine.notes[0];
  EXPECT_TRUE(machine.at(700ms, CrmdHere{}).empty());
  EXPECT_EQ(machine.guardian.holdings(), std::vector{vip});
  machine.at(800ms, LeaseUntil{start + 3s});
  EXPECT_TRUE(machine.tick(1s).empty());
}

TEST(Guardian, a_crmd_that_is_gone_and_stays_away_costs_the_node_its_resources) {
  Machine machine = with_lease_and({vip});
  machine.at(200ms, CrmdGone{});
  EXPECT_NE(find<Climb>(machine.tick(1s)), nullptr);
}

TEST(Guardian, it_ends_with_a_crmd_that_ended_in_order) {
  Machine machine = with_lease_and({vip});
  EXPECT_NE(find<Exit>(machine.at(500ms, Done{})), nullptr);
}

TEST(Guardian, a_crmd_that_dies_while_nothing_is_held_changes_nothing) {
  Machine machine = with_lease_and({});
  EXPECT_TRUE(machine.at(1s, CrmdGone{}).empty());
  EXPECT_TRUE(machine.tick(100s).empty());
}

TEST(Guardian, a_signal_ends_it_only_while_nothing_is_held) {
  Machine machine = with_lease_and({vip});
  EXPECT_TRUE(machine.at(100ms, Asked{"SIGTERM"}).empty());
  ASSERT_EQ(machine.notes.size(), 1u);
  EXPECT_NE(machine.notes[0].find("SIGTERM ignored: this node holds vip"), std::string::npos) << machine.notes[0];
  machine.at(200ms, Hold{{}});
  EXPECT_NE(find<Exit>(machine.at(300ms, Asked{"SIGTERM"})), nullptr);
}

TEST(Guardian, whom_no_crmd_can_reach_ends_once_it_holds_nothing_and_says_why) {
  Machine machine = with_lease_and({vip});
  EXPECT_TRUE(machine.at(100ms, Unreachable{"s is gone"}).empty()) << "its crmd is there";
  machine.at(200ms, CrmdGone{});
  EXPECT_TRUE(machine.at(300ms, Unreachable{"s is gone"}).empty()) << "something is held";
  ASSERT_NE(find<Climb>(machine.tick(1s)), nullptr);
  EXPECT_TRUE(machine.at(1s, Unreachable{"s is gone"}).empty()) << "a ladder is climbed";
  machine.at(1001ms, Climbed{true, ""});
  EXPECT_NE(find<Exit>(machine.at(2s, Unreachable{"s is gone"})), nullptr);
  EXPECT_EQ(machine.notes.back(), "s is gone: no crmd can reach this guardian any more, and it holds nothing");
}

TEST(Guardian, whom_no_crmd_can_reach_goes_on_to_pet_a_watchdog) {
  Machine machine({.watchdog_timeout = 3s});
  EXPECT_EQ(find<Exit>(machine.at(1s, Unreachable{"s is gone"})), nullptr);
  EXPECT_NE(find<Pet>(machine.tick(5s)), nullptr);
}

// ---- the ladder

TEST(Guardian, after_a_ladder_that_left_nothing_nothing_is_held) {
  Machine machine = with_lease_and({vip, db});
  machine.tick(1s);
  EXPECT_TRUE(machine.guardian.on_ladder());
  machine.at(1002ms, Climbed{true, ""});
  EXPECT_FALSE(machine.guardian.on_ladder());
  EXPECT_TRUE(machine.guardian.holdings().empty());
  EXPECT_TRUE(machine.tick(10s).empty());
}

TEST(Guardian, while_something_is_left_it_climbs_again_every_100_ms) {
  Machine machine = with_lease_and({vip});
  machine.tick(1s);
  machine.at(1020ms, Climbed{false, "process 7"});
  EXPECT_EQ(machine.guardian.next_deadline(), start + 1120ms);
  EXPECT_EQ(find<Climb>(machine.tick(1119ms)), nullptr);
  EXPECT_NE(find<Climb>(machine.tick(1120ms)), nullptr);
  EXPECT_EQ(find<Climb>(machine.tick(1500ms)), nullptr) << "the last climb has not been answered";
  machine.at(1600ms, Climbed{false, "process 7"});
  EXPECT_NE(find<Climb>(machine.tick(1700ms)), nullptr);
}

TEST(Guardian, a_lease_that_comes_back_in_the_middle_of_a_ladder_does_not_stop_it) {
  Machine machine = with_lease_and({vip});
  machine.tick(1s);
  machine.at(1010ms, Climbed{false, "process 7"});
  machine.at(1050ms, LeaseUntil{start + 9s});
  EXPECT_NE(find<Climb>(machine.tick(1110ms)), nullptr);
}

TEST(Guardian, what_is_held_during_a_ladder_counts_after_it) {
  Machine machine = with_lease_and({vip});
  machine.tick(1s);
  machine.at(1010ms, Climbed{false, "process 7"});
  EXPECT_TRUE(machine.at(1050ms, Hold{{db}}).empty());
  EXPECT_EQ(machine.guardian.holdings(), std::vector{vip});
  machine.at(1060ms, LeaseUntil{start + 9s});
  machine.tick(1110ms);
  const auto effects = machine.at(1111ms, Climbed{true, ""});
  EXPECT_EQ(find<Climb>(effects), nullptr);
  EXPECT_EQ(machine.guardian.holdings(), std::vector{db});
}

TEST(Guardian, what_is_held_during_a_ladder_is_ended_after_it_if_the_lease_is_still_over) {
  Machine machine = with_lease_and({vip});
  machine.tick(1s);
  machine.at(1001ms, Hold{{db}});
  const auto effects = machine.at(1002ms, Climbed{true, ""});
  ASSERT_NE(find<Climb>(effects), nullptr);
  EXPECT_EQ(find<Climb>(effects)->holdings, std::vector{db});
}

TEST(Guardian, a_lease_that_comes_back_after_the_ladder_starts_anew) {
  Machine machine = with_lease_and({vip});
  machine.tick(1s);
  machine.at(1s, Climbed{true, ""});
  machine.at(2s, LeaseUntil{start + 3s});
  EXPECT_TRUE(machine.at(2s, Hold{{vip}}).empty());
  EXPECT_NE(find<Climb>(machine.tick(3s)), nullptr);
}

TEST(Guardian, an_orderly_end_during_a_ladder_waits_for_it) {
  Machine machine = with_lease_and({vip});
  machine.tick(1s);
  EXPECT_TRUE(machine.at(1001ms, Done{}).empty());
  EXPECT_NE(find<Exit>(machine.at(1002ms, Climbed{true, ""})), nullptr);
}

TEST(Guardian, an_answer_that_nobody_asked_for_is_ignored) {
  Machine machine = with_lease_and({vip});
  EXPECT_TRUE(machine.at(500ms, Climbed{true, ""}).empty());
  EXPECT_EQ(machine.guardian.holdings(), std::vector{vip});
}

// ---- who is told

TEST(Guardian, crmd_is_told_of_a_ladder_and_not_again_once_it_heard) {
  Machine machine = with_lease_and({vip});
  machine.tick(1s);
  const auto effects = machine.at(1003ms, Climbed{true, ""});
  ASSERT_NE(find<Tell>(effects), nullptr);
  EXPECT_TRUE(find<Tell>(effects)->news.all_gone);
  EXPECT_EQ(find<Tell>(effects)->news.at, start + 1s);
  EXPECT_NE(find<Tell>(effects)->news.text.find("vip"), std::string::npos);
  machine.at(1004ms, Heard{});
  machine.at(2s, CrmdGone{});
  EXPECT_EQ(find<Tell>(machine.at(3s, CrmdHere{})), nullptr);
}

TEST(Guardian, a_crmd_that_comes_later_is_told_of_the_ladder_that_it_missed) {
  Machine machine = with_lease_and({vip});
  machine.at(500ms, CrmdGone{});
  machine.tick(1s);
  EXPECT_EQ(find<Tell>(machine.at(1003ms, Climbed{true, ""})), nullptr);
  EXPECT_NE(find<Tell>(machine.at(5s, CrmdHere{})), nullptr);
}

TEST(Guardian, a_crmd_that_died_before_it_heard_leaves_the_news_to_the_next) {
  Machine machine = with_lease_and({vip});
  machine.tick(1s);
  EXPECT_NE(find<Tell>(machine.at(1003ms, Climbed{true, ""})), nullptr);
  machine.at(2s, CrmdGone{});
  EXPECT_NE(find<Tell>(machine.at(3s, CrmdHere{})), nullptr);
}

TEST(Guardian, crmd_is_told_once_that_something_is_left_and_once_that_it_is_gone) {
  Machine machine = with_lease_and({vip});
  machine.tick(1s);
  const auto first = machine.at(1020ms, Climbed{false, "process 7"});
  ASSERT_NE(find<Tell>(first), nullptr);
  EXPECT_FALSE(find<Tell>(first)->news.all_gone);
  EXPECT_NE(find<Tell>(first)->news.text.find("process 7"), std::string::npos);
  machine.tick(1120ms);
  EXPECT_EQ(find<Tell>(machine.at(1140ms, Climbed{false, "process 7"})), nullptr);
  machine.tick(1240ms);
  const auto last = machine.at(1250ms, Climbed{true, ""});
  ASSERT_NE(find<Tell>(last), nullptr);
  EXPECT_TRUE(find<Tell>(last)->news.all_gone);
}

// ---- the watchdog

constexpr Settings with_watchdog{.watchdog_timeout = 3s, .watchdog_patience = 1s};

TEST(Guardian, the_watchdog_is_petted_three_times_within_its_timeout) {
  Machine machine(with_watchdog);
  EXPECT_NE(find<Pet>(machine.tick(0s)), nullptr);
  EXPECT_EQ(machine.guardian.next_deadline(), start + 1s);
  EXPECT_EQ(find<Pet>(machine.tick(500ms)), nullptr);
  EXPECT_NE(find<Pet>(machine.tick(1s)), nullptr);
}

TEST(Guardian, the_watchdog_is_petted_while_the_lease_is_valid_and_after_a_ladder_that_left_nothing) {
  Machine machine = with_lease_and({vip}, with_watchdog);
  machine.at(900ms, LeaseUntil{start + 2s});
  EXPECT_NE(find<Pet>(machine.tick(1s)), nullptr);
  machine.tick(2s);
  EXPECT_NE(find<Pet>(machine.at(2010ms, Climbed{true, ""})), nullptr);
  EXPECT_NE(find<Pet>(machine.tick(10s)), nullptr);
}

TEST(Guardian, nobody_pets_the_watchdog_during_a_ladder) {
  Machine machine = with_lease_and({vip}, with_watchdog);
  EXPECT_EQ(find<Pet>(machine.tick(1s)), nullptr);
  EXPECT_EQ(find<Pet>(machine.at(1500ms, Climbed{false, "process 7"})), nullptr);
}

TEST(Guardian, the_watchdog_bites_when_a_ladder_leaves_something_for_too_long) {
  Machine machine = with_lease_and({vip}, with_watchdog);
  machine.tick(1s);
  for (Duration now = 1020ms; now < 1850ms; now += 100ms) {
    EXPECT_EQ(find<LetBite>(machine.at(now, Climbed{false, "process 7"})), nullptr);
    machine.tick(now + 100ms);
  }
  const auto effects = machine.tick(2s);
  machine.at(2020ms, Climbed{false, "process 7"});
  EXPECT_NE(find<LetBite>(effects), nullptr);
  EXPECT_TRUE(machine.guardian.let_bite());
  EXPECT_NE(find<Climb>(machine.tick(2200ms)), nullptr) << "it goes on climbing until the machine is reset";
}

TEST(Guardian, a_watchdog_that_has_not_bitten_when_all_is_gone_is_petted_again) {
  Machine machine = with_lease_and({vip}, with_watchdog);
  machine.tick(1s);
  machine.at(1020ms, Climbed{false, "process 7"});
  machine.tick(2s);
  machine.at(2020ms, Climbed{false, "process 7"});
  ASSERT_TRUE(machine.guardian.let_bite());
  machine.tick(2200ms);
  EXPECT_NE(find<Pet>(machine.at(2201ms, Climbed{true, ""})), nullptr) << "else a node that holds nothing is reset";
  EXPECT_FALSE(machine.guardian.let_bite());
}

TEST(Guardian, without_a_watchdog_nothing_bites_and_the_ladder_goes_on) {
  Machine machine = with_lease_and({vip});
  machine.tick(1s);
  for (Duration now = 1020ms; now < 9s; now += 200ms) {
    EXPECT_EQ(find<LetBite>(machine.at(now, Climbed{false, "process 7"})), nullptr);
    EXPECT_NE(find<Climb>(machine.tick(now + 100ms)), nullptr);
  }
}

// ---- killed itself

TEST(Guardian, what_it_holds_is_written_down_for_the_next_one_before_it_is_accepted) {
  Machine machine;
  machine.at(0s, LeaseUntil{start + 1s});
  const auto effects = machine.guardian.step(start, Hold{{vip}, 7});
  ASSERT_GE(effects.size(), 2u);
  ASSERT_TRUE(std::holds_alternative<Remember>(effects[0]));
  EXPECT_EQ(std::get<Remember>(effects[0]).holdings, std::vector{vip});
  EXPECT_TRUE(std::holds_alternative<Accept>(effects[1]));
}

TEST(Guardian, what_a_ladder_has_still_to_end_stays_written_down_beside_a_newer_list) {
  Machine machine = with_lease_and({vip});
  machine.tick(1s);
  machine.at(1010ms, Climbed{false, "process 7"});
  machine.at(1050ms, Hold{{db}});
  EXPECT_EQ(machine.remembered, (std::vector{vip, db}));
  machine.at(1060ms, LeaseUntil{start + 9s});
  machine.tick(1110ms);
  machine.at(1111ms, Climbed{true, ""});
  EXPECT_EQ(machine.remembered, std::vector{db});
  machine.at(1200ms, Done{});
  EXPECT_TRUE(machine.remembered.empty());
}

TEST(Guardian, goes_on_with_what_the_one_before_it_held_when_it_was_killed) {
  Machine machine;
  machine.at(0s, LeaseUntil{start + 1s});
  EXPECT_TRUE(machine.at(0s, Remembered{{vip}}).empty());
  EXPECT_EQ(machine.guardian.holdings(), std::vector{vip});
  EXPECT_NE(find<Climb>(machine.tick(1s)), nullptr);
}

TEST(Guardian, that_begins_after_the_end_of_the_lease_ends_what_the_one_before_it_held_at_once) {
  Machine machine;
  machine.at(1s, LeaseUntil{start + 1s});
  EXPECT_NE(find<Climb>(machine.at(1s, Remembered{{vip}})), nullptr);
  EXPECT_EQ(find<Pet>(machine.tick(1s)), nullptr) << "an armed watchdog goes on to count";
  machine.at(1010ms, Climbed{true, ""});
  EXPECT_NE(find<Pet>(machine.at(1011ms, Armed{3s})), nullptr);
  EXPECT_EQ(machine.guardian.next_deadline(), start + 2011ms);
}

}  // namespace
}  // namespace systole::guardian

// SPDX-License-Identifier: GPL-2.0-or-later
// The resident helper's decisions, second by second, and its state file.
#include "agents/ocf/IPaddr/resident.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agents/kit/manager.hpp"
#include "common/base/dice.hpp"

namespace systole::agents::ipaddr {
namespace {

constexpr Mac stranger{2, 0, 0, 0, 0, 9};
const Verdict well{}, link_down{Ocf::not_running, "its link is down"};

/// A helper with a clock, and what it did so far.
class Life {
 public:
  explicit Life(ConflictCheck check = ConflictCheck::after, std::vector<Duration> schedule = {0ms, 50ms, 150ms}) {
    Options options;
    options.ip = *parse_ip("10.0.0.9");
    options.conflict_check = check;
    resident_.emplace(options, std::move(schedule), begin());
    tell({.looked = well});
  }
  static Time begin() { return Time(100s); }

  ResidentEffects tell(const ResidentEvent& event) {
    const ResidentEffects effects = resident_->step(now_, event);
    if (effects.announce) announced.push_back(now_ - begin());
    if (effects.probe) probed.push_back(now_ - begin());
    if (effects.report) reported.push_back(now_ - begin());
    if (effects.announce) resident_->step(now_, {.announced = failure});
    return effects;
  }
  /// Lets the time pass, waking it when it asks for it. False: it ended.
  bool pass(Duration time) {
    const Time until = now_ + time;
    while (resident_->wake_at() <= until) {
      now_ = std::max(now_, resident_->wake_at());
      if (tell({}).end) return false;
    }
    now_ = until;
    return true;
  }
  const ResidentState& state() const { return resident_->state(); }
  Time now() const { return now_; }

  std::vector<Duration> announced, probed, reported;
  std::string failure;

 private:
  std::optional<Resident> resident_;
  Time now_ = begin();
};

TEST(Resident, makes_the_later_announcements_and_asks_three_times) {
  Life life;
  life.pass(60s);
  EXPECT_EQ(life.announced, (std::vector<Duration>{50ms, 150ms}));
  EXPECT_EQ(life.probed, (std::vector<Duration>{0ms, 50ms, 100ms}));
  EXPECT_TRUE(life.reported.empty());
  EXPECT_EQ(life.state().announced, 3);
}

TEST(Resident, asks_nothing_where_it_is_not_to) {
  Life life(ConflictCheck::off);
  life.pass(10s);
  life.tell({.heard = Claim{stranger, false}});
  life.pass(10s);
  EXPECT_TRUE(life.probed.empty());
  EXPECT_EQ(life.state().conflict, std::nullopt);
}

TEST(Resident, does_not_fight_for_an_address_that_somebody_else_claims) {
  Life life(ConflictCheck::after, {0ms, 1s, 5s});
  life.pass(500ms);
  life.tell({.heard = Claim{stranger, false}});
  EXPECT_EQ(life.state().conflict, stranger);
  life.pass(9s);
  EXPECT_TRUE(life.announced.empty());
  EXPECT_EQ(life.reported, (std::vector<Duration>{1s}));  // once, and not while start may still run
}

TEST(Resident, forgets_a_conflict_when_three_questions_went_unanswered) {
  Life life;
  life.pass(10s);
  life.tell({.heard = Claim{stranger, false}});
  life.pass(14s);
  EXPECT_TRUE(life.state().conflict);
  life.tell({.heard = Claim{stranger, false}});  // still there
  life.pass(15s);
  EXPECT_TRUE(life.state().conflict);
  life.pass(6s);
  EXPECT_EQ(life.state().conflict, std::nullopt);
}

TEST(Resident, takes_a_question_of_another_for_no_claim) {
  Life life;
  life.tell({.heard = Claim{stranger, true}});
  EXPECT_EQ(life.state().conflict, std::nullopt);
}

TEST(Resident, reports_a_fault_once_and_announces_anew_when_it_is_over) {
  Life life;
  life.pass(10s);
  life.announced.clear();
  for (int i = 0; i < 3; ++i) life.tell({.looked = link_down});
  EXPECT_EQ(life.reported, (std::vector<Duration>{10s}));
  EXPECT_EQ(life.state().health, link_down);
  life.pass(5s);
  EXPECT_TRUE(life.announced.empty());
  life.tell({.looked = well});
  life.pass(10s);
  EXPECT_EQ(life.announced, (std::vector<Duration>{15s, 15s + 50ms, 15s + 150ms}));
  life.tell({.looked = link_down});
  EXPECT_EQ(life.reported.size(), 2U);
}

TEST(Resident, ends_when_the_address_stays_away) {
  Life life;
  life.tell({.looked = link_down, .there = false});
  EXPECT_TRUE(life.pass(59s));
  EXPECT_FALSE(life.pass(2s));
  Life back;
  back.tell({.looked = link_down, .there = false});
  back.pass(50s);
  back.tell({.looked = well});
  EXPECT_TRUE(back.pass(1h));
}

TEST(Resident, remembers_why_an_announcement_failed_until_one_went_out) {
  Life life(ConflictCheck::off, {0ms, 1s, 2s});
  life.failure = "announce 10.0.0.9 on 'eth0': Network is down";
  life.pass(1500ms);
  EXPECT_EQ(life.state().failure, life.failure);
  EXPECT_EQ(life.state().announced, 1);
  life.failure.clear();
  life.pass(1s);
  EXPECT_EQ(life.state().failure, "");
  EXPECT_EQ(life.state().announced, 2);
}

TEST(ResidentState, makes_a_round_trip_through_its_file) {
  const ResidentState state{
      .announced = 2, .planned = 6, .failure = "why not", .conflict = stranger, .health = link_down};
  EXPECT_EQ(parse_resident_state(to_text(state)), state);
  EXPECT_EQ(parse_resident_state(to_text(ResidentState{})), ResidentState{});
}

TEST(ResidentState, is_read_from_any_bytes) {
  EXPECT_EQ(parse_resident_state("announced many\nconflict nobody\nhealth 99 what\nfoo\n\nhealth"), ResidentState{});
  Dice dice(22);
  const std::string sound = to_text(ResidentState{.failure = "x", .conflict = stranger, .health = link_down});
  for (int round = 0; round < 10'000; ++round) {
    std::string text = sound.substr(0, dice.below(sound.size() + 1));
    if (!text.empty()) text[dice.below(text.size())] = static_cast<char>(dice.below(256));
    static_cast<void>(parse_resident_state(text));
  }
}

TEST(ResidentState, with_a_conflict_is_a_failure_that_names_the_other) {
  Options options;
  options.ip = *parse_ip("10.0.0.9");
  const Verdict verdict = judge_state({.conflict = stranger}, options);
  EXPECT_EQ(verdict.code, Ocf::generic);
  EXPECT_EQ(verdict.why,
            "10.0.0.9 has a second owner on the link: 02:00:00:00:00:09 claims it. Find that machine and "
            "take the address from it");
}

struct Listed {
  std::string_view id = "vip", agent = "ocf:systole:IPaddr", managed = "true", maintenance = "false", node = "n1";
};

std::string listed(const Listed& one) {
  return fmt::format(R"(<resource id="{}" resource_agent="{}" role="Started" maintenance="{}" managed="{}">)"
                     R"(<node name="{}"/></resource>)",
                     one.id, one.agent, one.maintenance, one.managed, one.node);
}

Managed standing(std::string_view xml) {
  return standing_of(xml, {.resource = "vip", .agent = "ocf:systole:IPaddr", .node = "n1"});
}

TEST(Manager, is_told_of_managed_resources_only) {
  EXPECT_EQ(standing(listed({})), Managed::managed);
  EXPECT_EQ(standing(listed({.managed = "false"})), Managed::left_alone);
  EXPECT_EQ(standing(listed({.maintenance = "true"})), Managed::left_alone);
  EXPECT_EQ(standing(listed({.id = "vip2"})), Managed::left_alone);
  EXPECT_EQ(standing(listed({.node = "n2"})), Managed::left_alone);
  EXPECT_EQ(standing(R"(<resource id="vip" resource_agent="ocf:systole:IPaddr" managed="true"/>)"),
            Managed::left_alone);
  EXPECT_EQ(standing(R"(<resource id="vip)"), Managed::left_alone);  // cut off
  EXPECT_EQ(standing(""), Managed::left_alone);
}

TEST(Manager, is_asked_about_the_instance_of_this_node) {
  EXPECT_EQ(standing(listed({.id = "web"}) + listed({.id = "vip:0", .managed = "false", .node = "n2"}) +
                     listed({.id = "vip:1"})),
            Managed::managed);
}

TEST(Manager, may_have_given_the_resource_to_another_agent) {
  EXPECT_EQ(standing(listed({.agent = "ocf:heartbeat:IPaddr2"})), Managed::replaced);
  EXPECT_EQ(standing(listed({.agent = "ocf:heartbeat:IPaddr2", .managed = "false", .node = "n2"})), Managed::replaced);
}

}  // namespace
}  // namespace systole::agents::ipaddr

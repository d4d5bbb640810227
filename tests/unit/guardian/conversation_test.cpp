// SPDX-License-Identifier: GPL-2.0-or-later
// What crmd says to its guardian, one sentence each.
#include "crmd/guardian/conversation.hpp"

#include <gtest/gtest.h>

namespace systole::guardian {
namespace {

const Holding vip{"vip", {"10.0.0.5"}, "", {}, {}};
const Holding db{"db", {}, "/sys/fs/cgroup/systole-n1/db", {}, {}};

template <class M>
const M* only(const std::vector<FromCrmd>& messages) {
  return messages.size() == 1 ? std::get_if<M>(&messages.front()) : nullptr;
}

TEST(Conversation, begins_with_hello) {
  EXPECT_NE(only<Hello>(Conversation().connected()), nullptr);
}

TEST(Conversation, what_is_held_before_there_is_a_guardian_is_said_when_there_is_one) {
  Conversation talk;
  EXPECT_TRUE(talk.hold({vip}).empty());
  EXPECT_FALSE(talk.all_accepted());
  EXPECT_TRUE(talk.meet({}));
  const auto said = talk.follow_up({});
  ASSERT_NE(only<HoldList>(said), nullptr);
  EXPECT_EQ(only<HoldList>(said)->holdings, std::vector{vip});
}

TEST(Conversation, the_first_list_does_not_let_go_what_an_earlier_crmd_left) {
  Conversation talk;
  talk.hold({vip});
  State state;
  state.holdings = {db};
  talk.meet(state);
  const auto said = talk.follow_up(state);
  ASSERT_NE(only<HoldList>(said), nullptr);
  EXPECT_EQ(only<HoldList>(said)->holdings, (std::vector{vip, db}));
}

TEST(Conversation, agents_wait_until_the_newest_list_is_accepted) {
  Conversation talk;
  EXPECT_TRUE(talk.all_accepted());
  talk.meet({});
  talk.hold({vip});
  talk.hold({vip, db});
  talk.accepted({1});
  EXPECT_FALSE(talk.all_accepted());
  talk.accepted({2});
  EXPECT_TRUE(talk.all_accepted());
}

TEST(Conversation, a_guardian_in_the_place_of_one_that_was_lost_is_told_everything_and_leaves_nothing_to_adopt) {
  Conversation talk;
  talk.meet({});
  talk.hold({vip});
  talk.lost();
  EXPECT_TRUE(talk.hold({vip, db}).empty());
  EXPECT_FALSE(talk.meet({}));
  const auto said = talk.follow_up({});
  ASSERT_NE(only<HoldList>(said), nullptr);
  EXPECT_EQ(only<HoldList>(said)->number, 2u);
}

TEST(Conversation, news_of_a_ladder_are_confirmed_before_anything_is_held_anew) {
  Conversation talk;
  talk.hold({vip});
  State state;
  state.laddered = Laddered{Time{1s}, true, "all is gone"};
  talk.meet(state);
  const auto said = talk.follow_up(state);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<HeardNews>(said[0]));
  EXPECT_TRUE(std::holds_alternative<HoldList>(said[1]));
}

TEST(Conversation, a_list_that_was_said_while_the_state_was_taken_in_is_not_said_again) {
  Conversation talk;
  talk.meet({});
  talk.hold({vip});
  EXPECT_TRUE(talk.follow_up({}).empty());
}

}  // namespace
}  // namespace systole::guardian

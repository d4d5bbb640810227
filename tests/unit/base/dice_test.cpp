// SPDX-License-Identifier: GPL-2.0-or-later
// Seeded chance: the same everywhere and forever, since seeds are kept in bug reports.
#include "common/base/dice.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace systole {
namespace {

TEST(DiceOfOneSeed, always_fall_the_same_way) {
  Dice a(42), b(42), c(43);
  std::vector<std::uint64_t> from_a, from_b, from_c;
  for (int i = 0; i < 100; ++i) {
    from_a.push_back(a.next());
    from_b.push_back(b.next());
    from_c.push_back(c.next());
  }
  EXPECT_EQ(from_a, from_b);
  EXPECT_NE(from_a, from_c);
}

TEST(DiceOfOneSeed, follow_the_published_algorithm) {
  // First outputs of xoshiro256** seeded by splitmix64 from 0, computed independently with the reference formulas.
  Dice dice(0);
  EXPECT_EQ(dice.next(), 11'091'344'671'253'066'420U);
  EXPECT_EQ(dice.next(), 13'793'997'310'169'335'082U);
}

TEST(Dice, stay_below_their_bound_and_reach_every_face) {
  Dice dice(7);
  std::vector<int> seen(6, 0);
  for (int i = 0; i < 6'000; ++i) {
    const auto face = dice.below(6);
    ASSERT_LT(face, 6U);
    ++seen[face];
  }
  for (const int count : seen) EXPECT_NEAR(count, 1'000, 150);
  EXPECT_EQ(dice.below(1), 0U);
}

TEST(Dice, between_two_numbers_include_both) {
  Dice dice(7);
  bool low = false, high = false;
  for (int i = 0; i < 200; ++i) {
    const auto value = dice.between(-2, 2);
    ASSERT_GE(value, -2);
    ASSERT_LE(value, 2);
    low = low || value == -2;
    high = high || value == 2;
  }
  EXPECT_TRUE(low && high);
}

TEST(Dice, never_and_always_are_certain) {
  Dice dice(1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(dice.chance(0, 5));
    EXPECT_TRUE(dice.chance(5, 5));
  }
}

}  // namespace
}  // namespace systole

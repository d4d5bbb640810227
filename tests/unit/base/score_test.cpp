// SPDX-License-Identifier: GPL-2.0-or-later
// Score arithmetic, over the whole table of infinities.
#include "common/base/score.hpp"

#include <gtest/gtest.h>

namespace systole {
namespace {

TEST(Scores, minus_infinity_beats_everything_and_infinity_the_rest) {
  const Score inf = Score::infinity(), minus = Score::minus_infinity(), five{5};
  EXPECT_EQ(inf + minus, minus);
  EXPECT_EQ(minus + inf, minus);
  EXPECT_EQ(inf + Score{-999'999}, inf);
  EXPECT_EQ(five + inf, inf);
  EXPECT_EQ(minus + five, minus);
  EXPECT_EQ(five + Score{-7}, Score{-2});
}

TEST(Scores, that_add_up_beyond_infinity_stop_there) {
  EXPECT_EQ(Score{600'000} + Score{600'000}, Score::infinity());
  EXPECT_EQ(Score{-600'000} + Score{-600'000}, Score::minus_infinity());
}

TEST(Scores, in_text_are_numbers_or_infinity) {
  EXPECT_EQ(parse_score("INFINITY"), Score::infinity());
  EXPECT_EQ(parse_score("+INFINITY"), Score::infinity());
  EXPECT_EQ(parse_score("-INFINITY"), Score::minus_infinity());
  EXPECT_EQ(parse_score("+7"), Score{7});
  EXPECT_EQ(parse_score("-7"), Score{-7});
  EXPECT_EQ(parse_score("5000000"), Score::infinity());
  EXPECT_EQ(parse_score("-99999999999999999999999"), Score::minus_infinity());
  EXPECT_EQ(parse_score("99999999999999999999999"), Score::infinity());
  for (const char* bad : {"", "+", "-", "inf", "infinity", "1.5", "1e3", " 1", "+-1", "--1"}) {
    EXPECT_FALSE(parse_score(bad)) << bad;
  }
}

TEST(Scores, come_back_from_their_text) {
  for (const int points : {-1'000'000, -999'999, -1, 0, 1, 999'999, 1'000'000}) {
    EXPECT_EQ(parse_score(to_string(Score{points})), Score{points});
  }
}

}  // namespace
}  // namespace systole

// SPDX-License-Identifier: GPL-2.0-or-later
// Text helpers: any bytes are accepted, and what is no number or boolean is refused rather than guessed.
#include "common/base/text.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace systole {
namespace {

using Strings = std::vector<std::string>;

TEST(Text, is_trimmed_of_every_kind_of_blank) {
  EXPECT_EQ(trim(" \t\n\r\f\v a b \n"), "a b");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, splits_at_each_separator_and_keeps_empty_parts) {
  EXPECT_EQ(split("a::b:", ':'), (Strings{"a", "", "b", ""}));
  EXPECT_EQ(split("", ':'), (Strings{""}));
}

TEST(Text, has_words_between_runs_of_blanks) {
  EXPECT_EQ(words("  a \t b\nc"), (Strings{"a", "b", "c"}));
  EXPECT_TRUE(words(" \n").empty());
}

TEST(Text, joins_with_the_separator_between) {
  EXPECT_EQ(join({"a", "b", ""}, ", "), "a, b, ");
  EXPECT_EQ(join({}, ", "), "");
}

TEST(Text, compares_prefixes_without_regard_to_case) {
  EXPECT_TRUE(starts_with_ignoring_case("Master-1", "mAster"));
  EXPECT_FALSE(starts_with_ignoring_case("Mas", "Master"));
  EXPECT_EQ(lower("ÄBC"), "Äbc");  // only ASCII has a case here
}

TEST(Number, is_the_whole_text_or_nothing) {
  EXPECT_EQ(parse_int<int>("-12"), -12);
  EXPECT_EQ(parse_int<std::uint64_t>("18446744073709551615"), UINT64_MAX);
  for (const char* bad : {"", " 1", "1 ", "+1", "0x10", "1.0", "--1", "18446744073709551616"}) {
    EXPECT_FALSE(parse_int<std::uint64_t>(bad)) << bad;
  }
  EXPECT_FALSE(parse_int<std::uint8_t>("256"));
  EXPECT_FALSE(parse_int<unsigned>("-1"));
}

TEST(Boolean, is_one_of_pacemakers_words_in_any_case) {
  for (const char* yes : {"true", "ON", "Yes", "y", "1"}) EXPECT_EQ(parse_bool(yes), true) << yes;
  for (const char* no : {"false", "Off", "NO", "n", "0"}) EXPECT_EQ(parse_bool(no), false) << no;
  for (const char* bad : {"", "2", "ja", "true ", "enabled"}) EXPECT_FALSE(parse_bool(bad)) << bad;
}

}  // namespace
}  // namespace systole

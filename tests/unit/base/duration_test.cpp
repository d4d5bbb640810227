// SPDX-License-Identifier: GPL-2.0-or-later
// Durations in Pacemaker's syntax, both ways.
#include <gtest/gtest.h>

#include "common/base/time.hpp"

namespace systole {
namespace {

TEST(DurationText, without_unit_means_seconds) {
  EXPECT_EQ(parse_duration("20"), Duration(20s));
  EXPECT_EQ(parse_duration(" 0 "), Duration{});
}

TEST(DurationText, knows_every_unit_that_pacemaker_knows) {
  EXPECT_EQ(parse_duration("200ms"), Duration(200ms));
  EXPECT_EQ(parse_duration("7 msec"), Duration(7ms));
  EXPECT_EQ(parse_duration("100us"), Duration(100us));
  EXPECT_EQ(parse_duration("3usec"), Duration(3us));
  EXPECT_EQ(parse_duration("9s"), Duration(9s));
  EXPECT_EQ(parse_duration("9sec"), Duration(9s));
  EXPECT_EQ(parse_duration("5m"), Duration(5min));
  EXPECT_EQ(parse_duration("5min"), Duration(5min));
  EXPECT_EQ(parse_duration("1h"), Duration(1h));
  EXPECT_EQ(parse_duration("1hr"), Duration(1h));
}

TEST(DurationText, may_be_an_iso_8601_duration) {
  EXPECT_EQ(parse_duration("PT20S"), Duration(20s));
  EXPECT_EQ(parse_duration("PT1H2M3S"), Duration(1h + 2min + 3s));
  EXPECT_EQ(parse_duration("P1D"), Duration(24h));
  EXPECT_EQ(parse_duration("P1WT1S"), Duration(168h + 1s));
  EXPECT_EQ(parse_duration("P10S"), Duration(10s)) << "lax, but found in real CIBs";
}

TEST(DurationText, that_is_none_is_refused) {
  for (const char* bad : {"",
                          " ",
                          "soon",
                          "-1",
                          "-1s",
                          "1.5s",
                          "10 parsecs",
                          "P",
                          "PT",
                          "P1",
                          "PT1",
                          "P1M",
                          "P1Y",

                          "PT1D",
                          "PTT1S",
                          "1s2",
                          "99999999999999999999",
                          "9223372036854775807",
                          "PT9223372036854775807H",
                          "s"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(DurationText, may_be_a_hundred_years_but_not_much_more) {
  EXPECT_TRUE(parse_duration("876000h"));  // 100 years of 365 days
  EXPECT_FALSE(parse_duration("900000h"));
}

TEST(DurationText, for_people_is_the_shortest_exact_form) {
  EXPECT_EQ(to_text(Duration{}), "0s");
  EXPECT_EQ(to_text(200ms), "200ms");
  EXPECT_EQ(to_text(1500ms), "1500ms");
  EXPECT_EQ(to_text(90s), "1m30s");
  EXPECT_EQ(to_text(1h), "1h");
  EXPECT_EQ(to_text(1h + 1s), "1h1s");
  EXPECT_EQ(to_text(3us), "3us");
  EXPECT_EQ(to_text(-2s), "-2s");
}

TEST(DurationText, counts_whole_milliseconds) {
  EXPECT_EQ(to_ms(10s), 10'000);
  EXPECT_EQ(to_ms(1999us), 1);
}

}  // namespace
}  // namespace systole

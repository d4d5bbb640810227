// SPDX-License-Identifier: GPL-2.0-or-later
// Targets of request lines.
#include "tools/endpoint/question.hpp"

#include <gtest/gtest.h>

namespace systole::endpoint {
namespace {

using namespace std::string_literals;

TEST(EndpointQuestion, each_path_asks_for_its_subject) {
  EXPECT_EQ(*parse_question("/primary"), (Question{.subject = Subject::primary}));
  EXPECT_EQ(*parse_question("/replica"), (Question{.subject = Subject::replica}));
  EXPECT_EQ(*parse_question("/read-only"), (Question{.subject = Subject::read_only}));
  EXPECT_EQ(*parse_question("/health"), (Question{.subject = Subject::health}));
  EXPECT_EQ(*parse_question("/"), (Question{.subject = Subject::health}));
}

TEST(EndpointQuestion, an_empty_query_is_none) {
  EXPECT_EQ(*parse_question("/primary?"), (Question{.subject = Subject::primary}));
  EXPECT_EQ(*parse_question("/replica?"), (Question{.subject = Subject::replica}));
}

TEST(EndpointQuestion, a_bound_of_the_lag_is_taken) {
  EXPECT_EQ(parse_question("/replica?lag_ms=0")->lag_ms_max, 0);
  EXPECT_EQ(parse_question("/replica?lag_ms=1500")->lag_ms_max, 1500);
  EXPECT_EQ(parse_question("/read-only?lag_ms=2147483647")->lag_ms_max, 2'147'483'647);
}

TEST(EndpointQuestion, another_path_is_not_found) {
  for (const std::string& target : {""s, "primary"s, "/primary/"s, "//primary"s, "/Primary"s, "/primary%20"s,
                                    "http://h/primary"s, "*"s, "/x?lag_ms=1"s, "/primary\0"s, "/../primary"s}) {
    const auto question = parse_question(target);
    ASSERT_FALSE(question) << target;
    EXPECT_EQ(question.error().code, Errc::not_found) << target;
  }
}

TEST(EndpointQuestion, a_bound_that_is_not_understood_never_counts_as_none) {
  for (const std::string& query :
       {"lag_ms"s, "lag_ms="s, "lag_ms=-1"s, "lag_ms=+1"s, "lag_ms=1s"s, "lag_ms=1.5"s, "lag_ms= 1"s,
        "lag_ms=2147483648"s, "lag_ms=99999999999999999999"s, "lag_ms=1&lag_ms=2"s, "lag=1"s, "LAG_MS=1"s,
        "a=b&lag_ms=1"s, "lag_ms=1&"s, "lag_ms=%31"s, "lag_ms=0x10"s, "lag_ms=1\0"s, "?"s}) {
    const auto question = parse_question("/replica?" + query);
    ASSERT_FALSE(question) << query;
    EXPECT_EQ(question.error().code, Errc::invalid) << query;
  }
}

TEST(EndpointQuestion, only_replicas_have_a_lag) {
  EXPECT_EQ(parse_question("/primary?lag_ms=1").error().code, Errc::invalid);
  EXPECT_EQ(parse_question("/health?lag_ms=1").error().code, Errc::invalid);
  EXPECT_EQ(parse_question("/?x").error().code, Errc::invalid);
}

}  // namespace
}  // namespace systole::endpoint

// SPDX-License-Identifier: GPL-2.0-or-later
// The words of ping(8) in the parameter "options".
#include "agents/ocf/ping/options.hpp"

#include <gtest/gtest.h>

namespace systole::agents::ping {
namespace {

TEST(Options, are_read_apart_together_and_in_heaps) {
  for (const char* const text : {"-n -q -c 3 -W 2 -I eth1 -s 100 -t 9 -4", "-c3 -W2 -Ieth1 -s100 -t9 -4 -nq",
                                 "-4nqc3 -W 2.0 -I eth1 -s 100 -t9"}) {
    const auto options = parse_options(text);
    ASSERT_TRUE(options) << text;
    EXPECT_EQ(options->attempts, 3) << text;
    EXPECT_EQ(options->timeout, 2s) << text;
    EXPECT_EQ(options->through, "eth1") << text;
    EXPECT_EQ(options->payload_bytes, 100U) << text;
    EXPECT_EQ(options->ttl, 9) << text;
    EXPECT_EQ(options->only, icmp::Family::v4) << text;
    EXPECT_TRUE(options->unheeded.empty()) << text;
  }
}

TEST(Options, take_fractions_of_a_second) {
  EXPECT_EQ(parse_options("-W 0.25")->timeout, 250ms);
  EXPECT_EQ(parse_options("-W 1.5")->timeout, 1500ms);
  EXPECT_EQ(parse_options("-W 0.0014")->timeout, 1ms);
}

TEST(Options, that_mean_nothing_here_are_named) {
  EXPECT_EQ(parse_options("-i 0.2 -A -Q3 host --flood -")->unheeded,
            (std::vector<std::string>{"-i 0.2", "-A", "-Q 3", "host", "--flood", "-"}));
}

TEST(Options, whose_values_make_no_sense_are_refused) {
  for (const char* const text : {"-c 0", "-c", "-c x", "-W 0", "-W -1", "-W 1.x", "-t 256", "-s -1", "-s 70000", "-I"})
    EXPECT_FALSE(parse_options(text)) << text;
  EXPECT_EQ(parse_options("-t 0").error().what, "parameter 'options' holds '-t 0', which makes no sense");
}

}  // namespace
}  // namespace systole::agents::ping

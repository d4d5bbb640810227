// SPDX-License-Identifier: GPL-2.0-or-later
// From parameters to settings, and from a count of answers to score and exit code; the meta-data.
#include "agents/ocf/ping/settings.hpp"

#include <gtest/gtest.h>

#include "tests/golden/golden.hpp"

namespace systole::agents::ping {
namespace {

Result<Settings> settings(Environment env) {
  env.emplace("OCF_RESKEY_host_list", "192.0.2.1 192.0.2.2 2001:db8::1");
  return settings_from(Values(about, env), Meta(env), paths_from(env));
}

TEST(Settings, have_the_shell_agents_defaults) {
  const auto made = settings({});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->hosts.size(), 3U);
  EXPECT_EQ(made->attempts, 3);
  EXPECT_EQ(made->timeout, 2s);
  EXPECT_EQ(made->multiplier, 1);
  EXPECT_FALSE(made->failure_score);
  EXPECT_EQ(made->place.attribute, "pingd");
  EXPECT_EQ(made->place.dampening, "5s");
  EXPECT_EQ(made->place.pid_file, "/run/resource-agents/ping-pingd");
  EXPECT_EQ(made->telling, Telling::changes);
  EXPECT_TRUE(made->notices.empty());
}

TEST(Settings, take_times_with_and_without_a_unit) {
  const std::vector<std::pair<std::string, Duration>> rows{
      {"1", 1s}, {"500ms", 500ms}, {"2min", 120s}, {"0", 5s}, {"2000", 300s}};
  for (const auto& [text, expected] : rows) EXPECT_EQ(settings({{"OCF_RESKEY_timeout", text}})->timeout, expected);
  EXPECT_EQ(settings({{"OCF_RESKEY_timeout", "9"}, {"OCF_RESKEY_options", "-W 3 -c 5"}})->timeout, 3s);
  EXPECT_EQ(settings({{"OCF_RESKEY_timeout", "9"}, {"OCF_RESKEY_options", "-W 3 -c 5"}})->attempts, 5);
}

TEST(Settings, read_debug_as_the_shell_agent_does) {
  const std::vector<std::pair<std::string, Telling>> rows{{"0", Telling::changes},    {"False", Telling::changes},
                                                          {"1", Telling::all_silent}, {"TRUE", Telling::all_silent},
                                                          {"2", Telling::everything}, {"Verbose", Telling::everything}};
  for (const auto& [text, expected] : rows) EXPECT_EQ(settings({{"OCF_RESKEY_debug", text}})->telling, expected);
  const auto odd = settings({{"OCF_RESKEY_debug", "loud"}});
  EXPECT_EQ(odd->telling, Telling::changes);
  EXPECT_EQ(odd->notices.size(), 1U);
}

TEST(Settings, name_the_state_file_after_attribute_or_instance) {
  EXPECT_EQ(settings({{"OCF_RESKEY_name", "a/b"}, {"HA_RSCTMP", "/x"}})->place.pid_file, "/x/ping-a_b");
  EXPECT_EQ(
      settings({{"OCF_RESKEY_CRM_meta_globally_unique", "true"}, {"OCF_RESOURCE_INSTANCE", "net:1"}})->place.pid_file,
      "/run/resource-agents/ping-net:1");
  EXPECT_EQ(settings({{"OCF_RESKEY_pidfile", "x"}})->place.pid_file, "x");
  EXPECT_EQ(settings({{"OCF_RESKEY_pidfile", "x"}})->notices.size(), 1U);
}

TEST(Settings, refuse_hosts_that_are_none) {
  for (const char* const text : {" ", "a;b", "-n", "$(x)", "fe80::1%", "a/b"})
    EXPECT_FALSE(settings({{"OCF_RESKEY_host_list", text}})) << text;
  std::string many;
  for (int i = 0; i < 65; ++i) many += "h" + std::to_string(i) + " ";
  EXPECT_EQ(settings({{"OCF_RESKEY_host_list", many}}).error().what,
            "parameter 'host_list' names 65 hosts; at most 64");
  EXPECT_TRUE(settings({{"OCF_RESKEY_host_list", "router-1.example fe80::1%eth0 h_2"}}));
}

TEST(Verdict, is_the_number_of_answers_times_the_multiplier) {
  struct Row {
    std::string multiplier, failure_score;
    std::size_t answered;
    std::int64_t score;
    Ocf code;
  };
  const std::vector<Row> rows{
      {"1", "", 3, 3, Ocf::ok},          {"1000", "", 2, 2000, Ocf::ok},       {"1", "", 0, 0, Ocf::ok},
      {"100", "100", 1, 100, Ocf::ok},   {"100", "101", 1, 100, Ocf::generic}, {"-5", "", 2, -10, Ocf::ok},
      {"-5", "-9", 2, -10, Ocf::generic}};
  for (const Row& row : rows) {
    const auto made =
        settings({{"OCF_RESKEY_multiplier", row.multiplier}, {"OCF_RESKEY_failure_score", row.failure_score}});
    const Verdict verdict = judge(*made, row.answered);
    EXPECT_EQ(verdict.score, row.score);
    EXPECT_EQ(verdict.code, row.code);
    EXPECT_EQ(verdict.why.empty(), row.code == Ocf::ok);
  }
}

TEST(Wait, is_cut_down_to_what_is_left) {
  const auto made = settings({{"OCF_RESKEY_attempts", "4"}});
  EXPECT_EQ(wait_of_attempt(*made, 60s), 2s);
  EXPECT_EQ(wait_of_attempt(*made, 4s), 1s);
  EXPECT_EQ(wait_of_attempt(*made, 0s), 0s);
}

TEST(MetaData, is_what_the_golden_file_says) {
  systole::tests::expect_golden("tests/golden/meta-data/ping.xml", meta_data(about));
}

}  // namespace
}  // namespace systole::agents::ping

// SPDX-License-Identifier: GPL-2.0-or-later
// The environment as values: faults are sentences, fallbacks apply, and the manager's lists are read as it writes them.
#include "agents/kit/values.hpp"

#include <gtest/gtest.h>

namespace systole::agents {
namespace {

const About about{
    .name = "T",
    .version = "1",
    .brief = "t",
    .about = "t",
    .params = {{.name = "ip", .required = true, .brief = "the address"},
               {.name = "count", .type = ParamType::integer, .fallback = "5", .brief = "n", .least = 1, .greatest = 9},
               {.name = "bg", .type = ParamType::boolean, .fallback = "true", .brief = "b"},
               {.name = "wait", .type = ParamType::time, .fallback = "2s", .brief = "w"},
               {.name = "mode", .fallback = "a", .brief = "m", .choices = {"a", "b"}}},
    .actions = {}};

TEST(Values, come_from_the_environment_or_the_table) {
  const Environment env{{"OCF_RESKEY_ip", "10.0.0.1"}, {"OCF_RESKEY_count", "7"}, {"OCF_RESKEY_bg", "No"}};
  EXPECT_TRUE(Values::faults(about, env).empty());
  const Values values(about, env);
  EXPECT_EQ(values.text("ip"), "10.0.0.1");
  EXPECT_EQ(values.number("count"), 7);
  EXPECT_FALSE(values.flag("bg"));
  EXPECT_EQ(values.time("wait"), 2s);
  EXPECT_EQ(values.text("mode"), "a");
  EXPECT_TRUE(values.given("count"));
  EXPECT_FALSE(values.given("wait"));
}

TEST(Values, tell_every_fault_at_once_in_words) {
  const Environment env{{"OCF_RESKEY_ip", ""},
                        {"OCF_RESKEY_count", "0"},
                        {"OCF_RESKEY_bg", "ja"},
                        {"OCF_RESKEY_wait", "2x"},
                        {"OCF_RESKEY_mode", "c"}};
  EXPECT_EQ(Values::faults(about, env),
            (std::vector<std::string>{"parameter 'ip' is required and missing: the address",
                                      "parameter 'count' is '0' but must be at least 1",
                                      "parameter 'bg' is 'ja' but must be true or false (yes, no, on, off, 1, 0)",
                                      "parameter 'wait' is '2x' but must be a time such as 20s, 500ms or 2min",
                                      "parameter 'mode' is 'c' but must be one of: a, b"}));
}

TEST(Values, refuse_numbers_with_anything_around_them) {
  for (const char* const text : {"5x", "0x5", "5.0", "99999999999999999999", "ten", "10"}) {
    const Environment env{{"OCF_RESKEY_ip", "x"}, {"OCF_RESKEY_count", text}};
    EXPECT_EQ(Values::faults(about, env).size(), 1U) << text;
  }
}

TEST(Values, with_a_fault_count_as_not_given) {
  const Environment env{{"OCF_RESKEY_count", "many"}};
  const Values values(about, env);
  EXPECT_EQ(values.number("count"), 5);
  EXPECT_FALSE(values.given("count"));
}

const About renamed{.name = "T",
                    .version = "1",
                    .brief = "t",
                    .about = "t",
                    .params = {{.name = "count",
                                .type = ParamType::integer,
                                .fallback = "5",
                                .required = true,
                                .brief = "n",
                                .aliases = {"COUNT", "number"}}},
                    .actions = {}};

TEST(Values, under_an_older_name_are_given_with_a_notice) {
  const Environment env{{"OCF_RESKEY_number", "7"}};
  EXPECT_TRUE(Values::faults(renamed, env).empty());
  EXPECT_EQ(Values(renamed, env).number("count"), 7);
  EXPECT_TRUE(Values(renamed, env).given("count"));
  EXPECT_EQ(Values::notices(renamed, env),
            std::vector<std::string>{"parameter 'number' is the older name of 'count'; please rename it"});
  const Environment now{{"OCF_RESKEY_count", "7"}};
  EXPECT_TRUE(Values::notices(renamed, now).empty());
}

TEST(Values, under_the_newest_of_several_names_count) {
  const Environment env{{"OCF_RESKEY_number", "x"}, {"OCF_RESKEY_COUNT", "8"}, {"OCF_RESKEY_count", "9"}};
  EXPECT_TRUE(Values::faults(renamed, env).empty());
  EXPECT_EQ(Values(renamed, env).number("count"), 9);
  EXPECT_EQ(Values::notices(renamed, env),
            (std::vector<std::string>{"parameter 'COUNT' is ignored, because 'count' is given too",
                                      "parameter 'number' is ignored, because 'count' is given too"}));
  const Environment empty{{"OCF_RESKEY_count", ""}, {"OCF_RESKEY_COUNT", "8"}};
  EXPECT_EQ(Values(renamed, empty).number("count"), 8);
}

TEST(Values, that_no_row_of_the_table_knows_are_noticed) {
  const Environment env{{"OCF_RESKEY_cuont", "7"},
                        {"OCF_RESKEY_count", "7"},
                        {"OCF_RESKEY_empty", ""},
                        {"OCF_RESKEY_CRM_meta_timeout", "20000"},
                        {"OCF_RESKEY_crm_feature_set", "3.16.1"},
                        {"OCF_RESKEY", "x"},
                        {"OTHER", "x"}};
  EXPECT_EQ(Values::notices(renamed, env), std::vector<std::string>{"parameter 'cuont' is none of T's; ignoring"});
}

TEST(Values, with_a_fault_are_called_by_the_name_that_was_given) {
  const Environment env{{"OCF_RESKEY_COUNT", "many"}};
  EXPECT_EQ(Values::faults(renamed, env),
            std::vector<std::string>{"parameter 'COUNT' is 'many' but must be a whole number"});
}

TEST(Meta, reads_times_in_milliseconds) {
  const Environment env{{"OCF_RESKEY_CRM_meta_timeout", "20000"}, {"OCF_RESKEY_CRM_meta_interval", "10000"}};
  EXPECT_EQ(Meta(env).timeout(1s), 20s);
  EXPECT_EQ(Meta(env).interval(), 10s);
  const Environment broken{{"OCF_RESKEY_CRM_meta_timeout", "soon"}};
  EXPECT_EQ(Meta(broken).timeout(1s), 1s);
  EXPECT_EQ(Meta(broken).interval(), 0s);
}

TEST(Meta, reads_an_empty_list_that_is_written_as_one_blank) {
  const Environment env{{"OCF_RESKEY_CRM_meta_notify_start_uname", "n1 n2"},
                        {"OCF_RESKEY_CRM_meta_notify_start_resource", "db db"},
                        {"OCF_RESKEY_CRM_meta_notify_stop_uname", " "}};
  EXPECT_EQ(Meta(env).notify_nodes("start"), (std::vector<std::string>{"n1", "n2"}));
  EXPECT_EQ(Meta(env).notify_resources("start"), (std::vector<std::string>{"db", "db"}));
  EXPECT_TRUE(Meta(env).notify_nodes("stop").empty());
}

TEST(Meta, understands_the_older_words_for_promoted) {
  const Environment env{{"OCF_RESKEY_CRM_meta_notify_master_uname", "n1"}, {"OCF_RESKEY_CRM_meta_master_max", "1"}};
  EXPECT_EQ(Meta(env).notify_nodes("promoted"), std::vector<std::string>{"n1"});
  EXPECT_TRUE(Meta(env).is_promotable());
  EXPECT_FALSE(Meta(Environment{}).is_promotable());
}

}  // namespace
}  // namespace systole::agents

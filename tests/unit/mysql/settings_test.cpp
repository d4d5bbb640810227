// SPDX-License-Identifier: GPL-2.0-or-later
// Parameters become settings; the memo on /run survives any damage.
#include "agents/ocf/mysql/settings.hpp"

#include <gtest/gtest.h>

#include "agents/ocf/mysql/cluster.hpp"
#include "tests/golden/golden.hpp"

namespace systole::mysql {
namespace {

Settings settings_of(const agents::Environment& env) {
  return settings_from(agents::Values(about_mysql(), env));
}

TEST(MysqlSettings, have_the_defaults_that_people_know) {
  const Settings settings = settings_of({});
  EXPECT_EQ(settings.datadir, "/var/lib/mysql");
  EXPECT_EQ(settings.user, "mysql");
  EXPECT_EQ(settings.control.user, "root");
  EXPECT_EQ(settings.replication_port, 3306U);
  EXPECT_EQ(settings.max_slave_lag_s, 3600);
  EXPECT_EQ(settings.reader_attribute, "readable");
  EXPECT_TRUE(settings.semi_sync);
  EXPECT_EQ(settings.semi_sync_timeout_ms, 1000);
}

TEST(MysqlSettings, replace_mysqld_safe_by_the_server) {
  const Settings settings = settings_of({{"OCF_RESKEY_binary", "/usr/bin/mysqld_safe"}});
  EXPECT_TRUE(settings.binary_was_wrapper);
  EXPECT_EQ(settings.binary.find("safe"), std::string::npos);
}

TEST(MysqlSettings, split_additional_parameters_into_words) {
  const Settings settings = settings_of({{"OCF_RESKEY_additional_parameters", " --a=1  --b "}});
  EXPECT_EQ(settings.additional, (std::vector<std::string>{"--a=1", "--b"}));
}

TEST(MysqlSettings, semi_sync_can_be_switched_off) {
  EXPECT_FALSE(settings_of({{"OCF_RESKEY_semi_sync", "off"}}).semi_sync);
}

TEST(MysqlSettings, know_all_parameters_of_the_shell_agents) {
  agents::Environment env;
  for (const char* const name : {"binary",
                                 "client_binary",
                                 "config",
                                 "datadir",
                                 "user",
                                 "group",
                                 "log",
                                 "pid",
                                 "socket",
                                 "test_table",
                                 "test_user",
                                 "test_passwd",
                                 "enable_creation",
                                 "additional_parameters",
                                 "replication_user",
                                 "replication_passwd",
                                 "replication_port",
                                 "replication_require_ssl",
                                 "replication_master_ssl_ca",
                                 "replication_master_ssl_cert",
                                 "replication_master_ssl_key",
                                 "max_slave_lag",
                                 "evict_outdated_slaves",
                                 "reader_attribute",
                                 "node_list"})
    env.emplace(std::string("OCF_RESKEY_") + name, "1");
  EXPECT_EQ(agents::Values::notices(about_mysql(), env), std::vector<std::string>{});
  EXPECT_EQ(agents::Values::faults(about_mysql(), env), std::vector<std::string>{});
  EXPECT_TRUE(settings_of(env).enable_creation);
  EXPECT_TRUE(settings_of(env).evict_outdated);
}

TEST(MysqlSettings, that_are_wrong_everywhere_are_named) {
  const auto faults = [](const agents::Environment& env) {
    const agents::Values values(about_mysql(), env);
    return value_faults(settings_from(values), values);
  };
  EXPECT_EQ(faults({}), std::vector<std::string>{});
  EXPECT_EQ(faults({{"OCF_RESKEY_test_table", "`my db`.t"}}), std::vector<std::string>{});
  const std::string huge(100'000, 'x');
  const std::vector<std::pair<std::string, std::string>> rows{
      {"datadir", "var/lib/mysql"}, {"datadir", "/" + huge},     {"socket", "/" + std::string(200, 's')},
      {"pid", "/run/a\nb"},         {"log", "error.log"},        {"config", "my.cnf"},
      {"user", "my\nsql"},          {"test_user", huge},         {"replication_user", huge},
      {"test_table", "t; DROP"},    {"test_table", "a.b.c"},     {"test_table", "`a`b`.t"},
      {"reader_attribute", "a b"},  {"reader_attribute", "--x"}, {"additional_parameters", "--a\n--b"},
      {"credentials", "/etc/x\n"}};
  for (const auto& [name, value] : rows) {
    const auto found = faults({{"OCF_RESKEY_" + name, value}});
    ASSERT_FALSE(found.empty()) << name;
    EXPECT_TRUE(found.front().starts_with("parameter '" + name + "'")) << found.front();
    EXPECT_LT(found.front().size(), 300U) << name;
  }
}

TEST(MysqlMetaData, is_the_golden_one) {
  tests::expect_golden("tests/golden/meta-data/mysql.xml", agents::meta_data(about_mysql()));
}

TEST(MysqlMetaData, describes_each_parameter_once) {
  const std::string text = agents::meta_data(about_mysql());
  for (const char* const name : {"binary", "datadir", "replication_passwd", "reader_attribute", "semi_sync_timeout"}) {
    const std::string mark = std::string("<parameter name=\"") + name + "\"";
    const std::size_t first = text.find(mark);
    ASSERT_NE(first, std::string::npos) << name;
    EXPECT_EQ(text.find(mark, first + 1), std::string::npos) << name;
  }
}

TEST(Memo, comes_back_as_it_was_written) {
  const Memo memo{.score = "100",
                  .readable = "1",
                  .published = "10.0.0.1",
                  .takeover = "10.0.0.1|mysql-bin.000001|4",
                  .sent_s = 77,
                  .primary_host = "n1",
                  .primary_port = 3306};
  EXPECT_EQ(to_text(parse_memo(to_text(memo))), to_text(memo));
}

TEST(Memo, that_is_damaged_is_as_good_as_none) {
  EXPECT_EQ(to_text(parse_memo("sco\1re\nsent=x\nprimary_port=-1\n=\n")), to_text(Memo{}));
}

TEST(Settings, by_file_and_position_go_with_no_promise_but_available) {
  for (const auto& [durability, count] :
       {std::pair{"available", 0U}, std::pair{"auto", 1U}, std::pair{"lossless", 1U}, std::pair{"crash-safe", 1U}}) {
    const agents::Environment env{{"OCF_RESKEY_replicate_by", "file"}, {"OCF_RESKEY_durability", durability}};
    const agents::Values values(about_mysql(), env);
    EXPECT_EQ(value_faults(settings_from(values), values).size(), count) << durability;
  }
}

}  // namespace
}  // namespace systole::mysql

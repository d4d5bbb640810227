// SPDX-License-Identifier: GPL-2.0-or-later
// Parameters become settings; the memo on /run survives any damage.
#include "agents/ocf/mysql/settings.hpp"

#include <gtest/gtest.h>

#include "agents/ocf/mysql/cluster.hpp"

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
                  .sent_s = 77,
                  .primary_host = "n1",
                  .primary_port = 3306};
  EXPECT_EQ(to_text(parse_memo(to_text(memo))), to_text(memo));
}

TEST(Memo, that_is_damaged_is_as_good_as_none) {
  EXPECT_EQ(to_text(parse_memo("sco\1re\nsent=x\nprimary_port=-1\n=\n")), to_text(Memo{}));
}

}  // namespace
}  // namespace systole::mysql

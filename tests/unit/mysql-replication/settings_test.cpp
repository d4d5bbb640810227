// SPDX-License-Identifier: GPL-2.0-or-later
// Parameters become settings; what is wrong with them is said; the meta-data; what a status row means.
#include "agents/ocf/mysql-replication/settings.hpp"

#include <gtest/gtest.h>

#include "agents/ocf/mysql-replication/look.hpp"
#include "tests/golden/golden.hpp"

namespace systole::mysql_replication {
namespace {

Settings settings(const agents::Environment& env) {
  const agents::Call call(about_replication(), env, "monitor", Time{});
  return settings_of(call);
}

std::vector<std::string> faults(const std::string& name, const std::string& value, agents::Environment env = {}) {
  env["OCF_RESKEY_" + name] = value;
  return value_faults(settings(env));
}

TEST(ReplicationSettings, have_the_defaults_that_people_know) {
  const Settings all = settings({{"OCF_RESOURCE_INSTANCE", "watch:0"}, {"HA_RSCTMP", "/x"}});
  EXPECT_EQ(all.reader_attribute, "readable");
  EXPECT_EQ(all.writer_attribute, "writable");
  EXPECT_EQ(all.reader_failcount, 1);
  EXPECT_EQ(all.max_lag, 3600s);
  EXPECT_EQ(all.return_lag, 2880s);
  EXPECT_EQ(all.type, ClusterType::replication);
  EXPECT_EQ(all.server.control.user, "root");
  EXPECT_EQ(all.state, "/x/systole-mysql-replication-watch.state");
  EXPECT_EQ(all.repair, RepairMode::reconnect);
  EXPECT_EQ(all.fault_code, agents::Ocf::degraded);
  EXPECT_FALSE(all.heartbeat);
  EXPECT_FALSE(all.has_account);
  EXPECT_TRUE(all.score_of.empty());
  EXPECT_TRUE(value_faults(all).empty());
}

TEST(ReplicationSettings, understand_every_parameter_of_mysql_monitor) {
  const agents::Environment env{{"OCF_RESKEY_state", "/run/s"},
                                {"OCF_RESKEY_user", "u"},
                                {"OCF_RESKEY_password", "p"},
                                {"OCF_RESKEY_client_binary", "/usr/bin/mysql"},
                                {"OCF_RESKEY_pid", "/run/p"},
                                {"OCF_RESKEY_socket", "/run/x"},
                                {"OCF_RESKEY_reader_attribute", "r"},
                                {"OCF_RESKEY_reader_failcount", "3"},
                                {"OCF_RESKEY_writer_attribute", "w"},
                                {"OCF_RESKEY_max_slave_lag", "60"},
                                {"OCF_RESKEY_cluster_type", "read-only"}};
  EXPECT_TRUE(agents::Values::faults(about_replication(), env).empty());
  EXPECT_TRUE(agents::Values::notices(about_replication(), env).empty());
  const Settings all = settings(env);
  EXPECT_EQ(all.state, "/run/s");
  EXPECT_EQ(all.max_lag, 60s);
  EXPECT_EQ(all.type, ClusterType::read_only);
  EXPECT_TRUE(value_faults(all).empty());
}

TEST(ReplicationSettings, refuse_what_would_become_something_else_in_a_statement_or_a_command) {
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"socket", "x"},
                                                        {"socket", "/" + std::string(200, 'x')},
                                                        {"state", "s"},
                                                        {"state", "/a\nb"},
                                                        {"reader_attribute", "-r"},
                                                        {"reader_attribute", "a b"},
                                                        {"reader_attribute", "writable"},
                                                        {"promotion_score_of", "a;b"},
                                                        {"primary_from", "-x"},
                                                        {"partners", "192.0.2.1 'x'"},
                                                        {"heartbeat_table", "t"},
                                                        {"heartbeat_table", "a.b.c"},
                                                        {"heartbeat_table", "a.`b`"},
                                                        {"heartbeat_table", "a.b; DROP TABLE x"},
                                                        {"return_slave_lag", "3601"},
                                                        {"max_slave_lag", "500ms"},
                                                        {"replication_user", std::string(200, 'u')}})
    EXPECT_EQ(faults(name, value).size(), 1U) << name << "=" << value;
  EXPECT_EQ(faults("repair", "setup").size(), 2U);
  EXPECT_EQ(faults("heartbeat", "true", {{"OCF_RESKEY_heartbeat_interval", "10ms"}}).size(), 1U);
  EXPECT_EQ(faults("heartbeat", "true", {{"OCF_RESKEY_max_slave_lag", "900ms"}}).size(), 1U);
  EXPECT_TRUE(faults("heartbeat", "true", {{"OCF_RESKEY_max_slave_lag", "1000ms"}}).empty());
}

TEST(ReplicationSettings, never_try_an_account_without_a_name) {
  EXPECT_EQ(settings({{"OCF_RESKEY_user", "watcher"}}).server.replication.user, "watcher");
  const Settings all = settings({{"OCF_RESKEY_replication_user", "repl"}});
  EXPECT_TRUE(all.has_account);
  EXPECT_EQ(all.server.replication.user, "repl");
}

TEST(ReplicationSettings, are_told_as_meta_data) {
  tests::expect_golden("tests/golden/meta-data/mysql-replication.xml", agents::meta_data(about_replication()));
}

TEST(Status, is_that_of_the_connection_without_a_name) {
  sql::Table table{.columns = {"Connection_name", "Master_Host", "Slave_IO_Running", "Slave_SQL_Running", "Using_Gtid"},
                   .rows = {{"other", "n9", "Yes", "Yes", "No"}, {"", "n1", "Connecting", "No", "Slave_Pos"}}};
  const mysql::Dialect dialect = mysql::Dialect::usual();
  const auto channel = channel_in(table, dialect, {});
  ASSERT_TRUE(channel);
  EXPECT_EQ(channel->host, "n1");
  EXPECT_EQ(channel->io, mysql::IoThread::connecting);
  EXPECT_TRUE(channel->by_gtid);
  table.rows.pop_back();
  EXPECT_EQ(channel_in(table, dialect, {})->name, "other");
  table.rows.clear();
  EXPECT_FALSE(channel_in(table, dialect, {}));
}

}  // namespace
}  // namespace systole::mysql_replication

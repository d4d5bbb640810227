// SPDX-License-Identifier: GPL-2.0-or-later
// What is said to which server. The versions of MySQL are those at which its manual says that a word changed.
#include "agents/ocf/mysql/dialect.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace systole::mysql {
namespace {

Dialect dialect(std::string_view version, std::string_view comment = {}) {
  const auto found = Dialect::of(version, comment);
  EXPECT_TRUE(found) << version;
  return found ? *found : Dialect::usual();
}

struct Row {
  Phrase phrase;
  std::string_view mariadb, mysql_5_7, mysql_8_0, mysql_8_4;
};

/// 8.0 here is 8.0.36, as distributions had it last.
const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      {Phrase::show_replication, "SHOW SLAVE STATUS", "SHOW SLAVE STATUS", "SHOW REPLICA STATUS",
       "SHOW REPLICA STATUS"},
      {Phrase::start_both, "START SLAVE", "START SLAVE", "START REPLICA", "START REPLICA"},
      {Phrase::stop_receiver, "STOP SLAVE IO_THREAD", "STOP SLAVE IO_THREAD", "STOP REPLICA IO_THREAD",
       "STOP REPLICA IO_THREAD"},
      {Phrase::forget_replication, "RESET SLAVE ALL", "RESET SLAVE ALL", "RESET REPLICA ALL", "RESET REPLICA ALL"},
      {Phrase::change_primary, "CHANGE MASTER TO", "CHANGE MASTER TO", "CHANGE REPLICATION SOURCE TO",
       "CHANGE REPLICATION SOURCE TO"},
      {Phrase::by_gtid, "MASTER_USE_GTID=slave_pos", "MASTER_AUTO_POSITION=1", "SOURCE_AUTO_POSITION=1",
       "SOURCE_AUTO_POSITION=1"},
      {Phrase::ask_public_key, "", "", "GET_SOURCE_PUBLIC_KEY=1", "GET_SOURCE_PUBLIC_KEY=1"},
      {Phrase::show_log_position, "SHOW MASTER STATUS", "SHOW MASTER STATUS", "SHOW MASTER STATUS",
       "SHOW BINARY LOG STATUS"},
      {Phrase::set_read_only, "SET GLOBAL read_only=ON", "SET GLOBAL super_read_only=ON",
       "SET GLOBAL super_read_only=ON", "SET GLOBAL super_read_only=ON"},
      {Phrase::host, "Master_Host", "Master_Host", "Source_Host", "Source_Host"},
      {Phrase::receiver_runs, "Slave_IO_Running", "Slave_IO_Running", "Replica_IO_Running", "Replica_IO_Running"},
      {Phrase::behind, "Seconds_Behind_Master", "Seconds_Behind_Master", "Seconds_Behind_Source",
       "Seconds_Behind_Source"},
      {Phrase::received_gtids, "Gtid_IO_Pos", "Retrieved_Gtid_Set", "Retrieved_Gtid_Set", "Retrieved_Gtid_Set"},
      {Phrase::semi_sync_source, "rpl_semi_sync_master", "rpl_semi_sync_master", "rpl_semi_sync_source",
       "rpl_semi_sync_source"},
      {Phrase::skip_start, "skip-slave-start", "skip-slave-start", "skip-replica-start", "skip-replica-start"},
      {Phrase::may_see_replication, "SLAVE MONITOR", "REPLICATION CLIENT", "REPLICATION CLIENT", "REPLICATION CLIENT"},
  };
  return all;
}

TEST(Dialect, has_its_words_for_each_series) {
  for (const Row& row : rows()) {
    EXPECT_EQ(dialect("10.11.19-MariaDB-0+deb12u1")[row.phrase], row.mariadb);
    EXPECT_EQ(dialect("5.7.44-log")[row.phrase], row.mysql_5_7);
    EXPECT_EQ(dialect("8.0.36")[row.phrase], row.mysql_8_0);
    EXPECT_EQ(dialect("8.4.3")[row.phrase], row.mysql_8_4);
  }
}

struct Turn {
  Phrase phrase;
  std::string_view before, word_before, since, word_since;
};

TEST(Dialect, changes_at_the_release_that_the_manual_names) {
  const Turn turns[] = {
      {Phrase::show_replication, "8.0.21", "SHOW SLAVE STATUS", "8.0.22", "SHOW REPLICA STATUS"},
      {Phrase::change_primary, "8.0.22", "CHANGE MASTER TO", "8.0.23", "CHANGE REPLICATION SOURCE TO"},
      {Phrase::option_prefix, "8.0.22", "MASTER_", "8.0.23", "SOURCE_"},
      {Phrase::ask_public_key, "8.0.3", "", "8.0.4", "GET_MASTER_PUBLIC_KEY=1"},
      {Phrase::semi_sync_source, "8.0.25", "rpl_semi_sync_master", "8.0.26", "rpl_semi_sync_source"},
      {Phrase::waits_for_replica, "8.0.25", "Waiting for semi-sync ACK from slave", "8.0.26",
       "Waiting for semi-sync ACK from replica"},
      {Phrase::show_log_position, "8.1.0", "SHOW MASTER STATUS", "8.2.0", "SHOW BINARY LOG STATUS"},
      {Phrase::may_see_replication, "10.5.8-MariaDB", "REPLICATION SLAVE ADMIN", "10.5.9-MariaDB", "SLAVE MONITOR"},
  };
  for (const Turn& turn : turns) {
    EXPECT_EQ(dialect(turn.before)[turn.phrase], turn.word_before) << turn.before;
    EXPECT_EQ(dialect(turn.since)[turn.phrase], turn.word_since) << turn.since;
  }
}

TEST(Dialect, of_mariadb_is_one_from_10_5_to_the_newest) {
  for (int phrase = 0; phrase <= static_cast<int>(Phrase::last); ++phrase) {
    const auto each = static_cast<Phrase>(phrase);
    for (const char* const version : {"10.5.29-MariaDB", "10.6.20-MariaDB", "11.4.5-MariaDB-log", "12.1.2-MariaDB"}) {
      EXPECT_EQ(dialect(version)[each], Dialect::usual()[each]) << version << " " << phrase;
    }
  }
}

TEST(Dialect, of_mysql_8_4_has_no_word_that_it_refuses) {
  const Dialect newest = dialect("8.4.0");
  for (int phrase = 0; phrase <= static_cast<int>(Phrase::last); ++phrase) {
    const std::string text(newest[static_cast<Phrase>(phrase)]);
    EXPECT_EQ(text.find("SLAVE "), std::string::npos) << text;
    EXPECT_EQ(text.find("MASTER"), std::string::npos) << text;
    EXPECT_EQ(text.find("Slave"), std::string::npos) << text;
  }
}

TEST(Dialect, knows_servers_by_what_they_say) {
  EXPECT_FALSE(dialect("10.11.19-MariaDB-0+deb12u1-log").is_mysql());
  EXPECT_FALSE(dialect("5.5.5-10.6.22-MariaDB").is_mysql()) << "as the greeting has it";
  EXPECT_FALSE(dialect("11.4.2").is_mysql()) << "its configuration hides the name";
  EXPECT_FALSE(dialect("8.0.99", "MariaDB Server").is_mysql()) << "its configuration lies";
  EXPECT_TRUE(dialect("5.7.44-48-log", "Percona Server (GPL), Release 48").is_mysql());
  EXPECT_TRUE(dialect("8.4.3", "MySQL Community Server - GPL").is_mysql());
  EXPECT_TRUE(dialect("9.5.0", "MySQL Community Server - GPL").is_mysql());
  EXPECT_TRUE(dialect("26.10.0", "MySQL Community Server - GPL").is_mysql()) << "numbered by years one day";
  EXPECT_EQ(to_string(dialect("8.0.36-28.1").version()), "8.0.36");
  const auto program =
      Dialect::of_program("/usr/sbin/mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server)\n");
  ASSERT_TRUE(program);
  EXPECT_EQ(*program, dialect("8.0.36"));
  const auto debian =
      Dialect::of_program("mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu (Debian 12)\n");
  ASSERT_TRUE(debian);
  EXPECT_FALSE(debian->is_mysql());
  EXPECT_EQ(series_of(debian->version()), "10.11");
}

TEST(Dialect, is_refused_for_what_is_too_old_or_no_version) {
  for (const char* const text : {"", "x", "8", "8.0", "8.0.", "-8.0.1", "99999999999.1.1", "10.4.34-MariaDB", "5.6.51"})
    EXPECT_FALSE(Dialect::of(text)) << text;
  EXPECT_NE(Dialect::of("5.6.51").error().what.find("the oldest that is supported is 5.7"), std::string::npos);
  EXPECT_FALSE(Dialect::of_program("bash: mysqld: command not found"));
}

}  // namespace
}  // namespace systole::mysql

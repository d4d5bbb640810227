// SPDX-License-Identifier: GPL-2.0-or-later
// A server that has more than its primary follows it again, and what it had more is kept.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agents/kit/process.hpp"
#include "tests/agents/mysql/rejoin_rig.hpp"

namespace systole::mysql {
namespace {

/// n1 goes on alone and then stops; n2 is promoted with what it had, and goes on in its own way.
void part(Rig& rig, const std::vector<std::string>& alone) {
  rig.kill_server("n2");
  ASSERT_NO_FATAL_FAILURE(run_each(rig, "n1", alone));
  ASSERT_EQ(rig.call("n1", "stop").code, 0);  // cleanly, so that nothing is cut off
  ASSERT_EQ(rig.call("n2", "start", {{"CRM_meta_notify_start_uname", "n2"}}).code, 0);
  ASSERT_EQ(rig.call("n2", "promote", Rig::promotion("n2", "n2")).code, 0);
  ASSERT_NO_FATAL_FAILURE(
      run_each(rig, "n2", {"INSERT INTO d.t VALUES (500)", "UPDATE d.wide SET v = 5 WHERE id = 1"}));
}

TEST(MysqlRejoin, undoes_what_the_primary_does_not_have_and_keeps_it) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  ASSERT_NO_FATAL_FAILURE(part(rig, changes));
  const Answer joined = rig.call("n1", "start", joining("n2"));
  ASSERT_EQ(joined.code, 0) << joined.err;
  ASSERT_TRUE(eventually([&] { return flows(rig, "n1") && checksums(rig, "n1") == checksums(rig, "n2"); }));
  EXPECT_TRUE(eventually([&] { return rig.call("n1", "monitor").code == 0; }));
  EXPECT_EQ(rig.attribute("n1", "readable"), "1");
  EXPECT_EQ(rig.sql("n1", "SELECT @@read_only"), "1");
  EXPECT_EQ(rig.sql("n1", "SHOW TABLES IN systole LIKE 'rejoin'"), "");

  ASSERT_EQ(receipts(rig, "n1").size(), 1U);
  const std::filesystem::path folder = receipts(rig, "n1").front();
  const std::string receipt = text_of(folder / "receipt");
  EXPECT_NE(receipt.find("9 transactions"), std::string::npos) << receipt;
  EXPECT_NE(receipt.find("`d`.`t`  3 rows inserted, 3 updated, 1 deleted"), std::string::npos) << receipt;
  EXPECT_NE(receipt.find("UPDATE d.keyless SET a = 7"), std::string::npos) << receipt;

  // Whoever wants the changes again can have them.
  ASSERT_EQ(rig.sql("n2", "DELETE FROM d.t WHERE k = 500"), "");
  ASSERT_EQ(rig.sql("n2", "UPDATE d.wide SET v = 1 WHERE id = 1"), "");
  const auto again = agents::run_program(
      {"sh", "-c",
       fmt::format(
           "mariadb-binlog --no-defaults {}/tail.binlog | grep -vE '@@session.(gtid_seq_no|server_id)=' | mariadb "
           "--no-defaults --socket={}/run/socket",
           folder.string(), rig.folder("n2"))},
      {{"PATH", "/usr/bin:/bin"}}, agents::boot_now() + 20s);
  ASSERT_TRUE(again && again->code == 0) << again->err;
  EXPECT_EQ(rig.sql("n2", "SELECT COUNT(*) FROM d.t WHERE k > 1000"), "3");
  EXPECT_TRUE(eventually([&] { return checksums(rig, "n1") == checksums(rig, "n2"); }));
}

Extra without_copy(Extra extra = {}) {
  extra["reseed"] = "never";
  return extra;
}

TEST(MysqlRejoin, leaves_a_server_alone_whose_transactions_are_no_changes_of_rows) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  ASSERT_NO_FATAL_FAILURE(part(
      rig, {"INSERT INTO d.t VALUES (100)", "ALTER TABLE d.t ADD COLUMN c INT", "INSERT INTO d.t VALUES (101, 1)"}));
  ASSERT_EQ(rig.call("n1", "start", without_copy(joining("n2"))).code, 0);
  Answer seen;
  ASSERT_TRUE(eventually([&] {
    seen = rig.call("n1", "monitor", without_copy());
    return seen.err.find("new copy") != std::string::npos;
  })) << seen.err;
  EXPECT_EQ(seen.code, 190);
  EXPECT_NE(seen.err.find("ALTER TABLE d.t"), std::string::npos) << seen.err;
  EXPECT_EQ(rig.sql("n1", "SELECT COUNT(*) FROM d.t WHERE k >= 100"), "2") << "nothing is undone";
  EXPECT_EQ(rig.attribute("n1", "readable"), "0");
  EXPECT_EQ(rig.attribute("n1", "master-db"), "");
  EXPECT_EQ(rig.call("n1", "promote", Rig::promotion("n1", "n1")).code, 1);
}

TEST(MysqlRejoin, by_a_copy_is_answered_by_the_primarys_monitor_where_no_helper_runs) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  ASSERT_NO_FATAL_FAILURE(part(rig, {"INSERT INTO d.t VALUES (100)", "ALTER TABLE d.t ADD COLUMN c INT"}));
  ASSERT_EQ(rig.call("n1", "start", joining("n2")).code, 0);
  ASSERT_TRUE(eventually([&] { return rig.call("n1", "monitor").err.find("asking") != std::string::npos; }));
  ASSERT_TRUE(eventually([&] { return rig.call("n2", "monitor").code == 8 && !rig.server("n1"); }))
      << "the copy is there: a start has the word";
  ASSERT_EQ(rig.call("n1", "start", joining("n2")).code, 0);
  EXPECT_TRUE(eventually([&] { return rig.call("n1", "monitor").code == 0; }));
  EXPECT_TRUE(eventually([&] { return checksums(rig, "n1") == checksums(rig, "n2"); }));
  const std::size_t calls = rig.tool_calls();
  EXPECT_EQ(rig.call("n2", "monitor").code, 8);
  EXPECT_EQ(rig.tool_calls(), calls) << "nobody is missed any more";
}

TEST(MysqlRejoin, knows_what_the_server_changed_along_with_the_rows) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  ASSERT_NO_FATAL_FAILURE(run_each(rig, "n1",
                                   {"CREATE TABLE d.parent (id INT PRIMARY KEY) ENGINE=InnoDB",
                                    "CREATE TABLE d.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES "
                                    "d.parent (id) ON DELETE CASCADE) ENGINE=InnoDB",
                                    "INSERT INTO d.parent VALUES (1)", "INSERT INTO d.child VALUES (1, 1)"}));
  ASSERT_TRUE(eventually([&] { return rig.sql("n2", "SELECT COUNT(*) FROM d.child") == "1"; }));
  ASSERT_NO_FATAL_FAILURE(part(rig, {"DELETE FROM d.parent"}));
  ASSERT_EQ(rig.call("n1", "start", without_copy(joining("n2"))).code, 0);
  EXPECT_TRUE(eventually(
      [&] { return rig.call("n1", "monitor", without_copy()).err.find("foreign key") != std::string::npos; }));
}

TEST(MysqlRejoin, of_a_replica_that_was_written_to_while_it_replicates) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  ASSERT_NO_FATAL_FAILURE(run_each(rig, "n2", {"INSERT INTO d.t VALUES (900)", "DELETE FROM d.t WHERE k = 2"}));
  ASSERT_NO_FATAL_FAILURE(run_each(rig, "n1", {"INSERT INTO d.t VALUES (900)", "UPDATE d.t SET k = 22 WHERE k = 2"}));
  ASSERT_TRUE(eventually([&] { return rig.slave("n2", "Last_SQL_Errno") == "1950"; }));
  EXPECT_EQ(rig.call("n2", "monitor").code, 190);
  EXPECT_TRUE(eventually([&] { return flows(rig, "n2") && checksums(rig, "n1") == checksums(rig, "n2"); }));
  EXPECT_TRUE(eventually([&] { return rig.call("n2", "monitor").code == 0; }));
  EXPECT_EQ(receipts(rig, "n2").size(), 1U);
}

TEST(MysqlRejoin, keeps_what_a_replica_received_and_the_new_primary_never_had) {
  Rig rig({"n1", "n2", "n3"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  ASSERT_EQ(rig.call("n3", "start", joining("n1")).code, 0);
  ASSERT_TRUE(eventually([&] { return checksums(rig, "n1") == checksums(rig, "n3"); }));
  ASSERT_NO_FATAL_FAILURE(run_each(rig, "n3", {"STOP SLAVE"}));
  ASSERT_NO_FATAL_FAILURE(run_each(rig, "n2", {"STOP SLAVE SQL_THREAD"}));
  ASSERT_NO_FATAL_FAILURE(
      run_each(rig, "n1", {"INSERT INTO d.t VALUES (700), (701)", "FLUSH BINARY LOGS", "CREATE TABLE d.late (a INT)"}));
  ASSERT_TRUE(eventually([&] { return rig.slave("n2", "Gtid_IO_Pos") == rig.sql("n1", "SELECT @@gtid_binlog_pos"); }));
  rig.kill_server("n1");
  ASSERT_EQ(rig.call("n3", "promote", Rig::promotion("n3", "n3")).code, 0);
  ASSERT_EQ(rig.sql("n3", "INSERT INTO d.t VALUES (800)"), "");
  ASSERT_EQ(rig.call("n2", "notify", Rig::after_promotion("n3", "n2 n3")).code, 0);
  EXPECT_TRUE(eventually([&] { return flows(rig, "n2") && checksums(rig, "n2") == checksums(rig, "n3"); }));
  ASSERT_EQ(receipts(rig, "n2").size(), 1U);
  const std::string receipt = text_of(receipts(rig, "n2").front() / "receipt");
  for (const char* const part : {"2 transactions", "received, never applied", "`d`.`t`  2 rows inserted", "d.late"})
    EXPECT_NE(receipt.find(part), std::string::npos) << part << " in\n" << receipt;
}

TEST(MysqlRejoin, of_a_running_replica_that_was_written_to_needs_no_restart) {
  Rig rig({"n1", "n2"});
  ASSERT_NO_FATAL_FAILURE(make_pair_with_tables(rig));
  const pid_t before = rig.server("n2")->pid();
  ASSERT_EQ(rig.sql("n2", "INSERT INTO d.t VALUES (900)"), "") << "root may, read-only or not";
  ASSERT_EQ(rig.sql("n2", "STOP SLAVE"), "");
  ASSERT_EQ(rig.sql("n1", "INSERT INTO d.t VALUES (901)"), "");
  EXPECT_EQ(rig.call("n2", "monitor").code, 190);
  EXPECT_TRUE(eventually([&] { return flows(rig, "n2") && checksums(rig, "n1") == checksums(rig, "n2"); }));
  EXPECT_TRUE(eventually([&] { return rig.call("n2", "monitor").code == 0; }));
  EXPECT_EQ(rig.server("n2")->pid(), before);
}

}  // namespace
}  // namespace systole::mysql

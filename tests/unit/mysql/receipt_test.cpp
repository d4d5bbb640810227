// SPDX-License-Identifier: GPL-2.0-or-later
// What was taken out of a database, in words; and what undoes it, read back.
#include "agents/ocf/mysql/receipt.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "agents/ocf/mysql/undo_file.hpp"

namespace systole::mysql {
namespace {

TEST(Receipt, counts_rows_by_table_and_kind) {
  std::istringstream text(
      "# at 4\n### INSERT INTO `d`.`t`\n### SET\n###   @1=4\n### UPDATE `d`.`t`\n### WHERE\n### DELETE FROM `d`.`u`\n"
      "#Q> INSERT INTO `d`.`t`\n");
  const RowCounts counts = count_rows(text);
  EXPECT_EQ(counts.at("`d`.`t`"), (RowCount{.inserted = 1, .updated = 1, .deleted = 0}));
  EXPECT_EQ(counts.at("`d`.`u`"), (RowCount{.inserted = 0, .updated = 0, .deleted = 1}));
}

TEST(Receipt, says_who_what_and_when_and_has_a_headline) {
  const Receipt receipt{.resource = "db",
                        .node = "n1",
                        .primary = "192.0.2.2",
                        .when = utc(0),
                        .base = {{.domain = 0, .server = 7, .sequence = 1}},
                        .transactions = {{.gtid = {.domain = 0, .server = 9, .sequence = 2},
                                          .time_s = 60,
                                          .thread = 0,
                                          .tables = {{"d", "t"}},
                                          .sql = {"INSERT INTO d.t VALUES (1)"}}},
                        .rows = {{"`d`.`t`", {.inserted = 1, .updated = 0, .deleted = 0}}}};
  const std::string text = to_text(receipt);
  for (const char* const part : {"1970-01-01T00:00:00Z", "0-7-1", "0-9-2", "1970-01-01T00:01:00Z", "thread unknown",
                                 "INSERT INTO d.t VALUES (1)", "1 row inserted, 0 updated, 0 deleted"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  EXPECT_EQ(receipt_headline(text),
            "1 transaction of database db on n1 taken out: the primary 192.0.2.2 does not have it");
  EXPECT_EQ(receipt_headline("something else\n"), "");
  EXPECT_EQ(receipt_headline(""), "");
}

TEST(Receipt, says_what_became_of_the_transactions_and_why) {
  Receipt receipt{.resource = "db",
                  .node = "n1",
                  .primary = "p",
                  .when = utc(0),
                  .fate = Fate::replaced,
                  .why = "it drops a table",
                  .base = {},
                  .transactions = {{.gtid = {.domain = 0, .server = 9, .sequence = 2}},
                                   {.gtid = {.domain = 0, .server = 9, .sequence = 3}}},
                  .rows = {}};
  const std::string replaced = to_text(receipt);
  EXPECT_EQ(receipt_headline(replaced),
            "2 transactions of database db on n1 given up with the database, which a copy replaces: the primary p does "
            "not have them");
  EXPECT_NE(replaced.find("It could not be undone: it drops a table"), std::string::npos) << replaced;
  EXPECT_NE(replaced.find("shows no row"), std::string::npos) << replaced;
  receipt.fate = Fate::dropped;
  EXPECT_NE(receipt_headline(to_text(receipt)).find("received, never applied"), std::string::npos);
}

std::vector<std::string> statements(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> all;
  for (;;) {
    const auto next = next_undo_statement(stream);
    if (!next) return {"error: " + next.error().what};
    if (!*next) return all;
    all.push_back(**next);
  }
}

TEST(UndoFile, is_read_as_the_changes_alone) {
  EXPECT_EQ(
      statements("# note\nBINLOG '\nAAAA\nBB==\n'/*!*/;\nSTART TRANSACTION/*!*/;\nBINLOG '\nCC==\n'/*!*/;\nCOMMIT\n"),
      (std::vector<std::string>{"BINLOG '\nAAAA\nBB=='", "BINLOG '\nCC=='"}));
  EXPECT_TRUE(statements("").empty());
}

TEST(UndoFile, that_is_torn_or_holds_more_than_changes_is_refused) {
  for (const char* const text : {"BINLOG '\nAAAA\n", "BINLOG '\nA'; DROP TABLE t;\n'/*!*/;\n", "BINLOG '",
                                 "SET @binlog_fragment_0='AAAA'/*!*/;\n", "BINLOG @binlog_fragment_0\n"})
    EXPECT_TRUE(statements(text).at(0).starts_with("error: ")) << text;
}

}  // namespace
}  // namespace systole::mysql

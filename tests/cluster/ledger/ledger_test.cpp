// SPDX-License-Identifier: GPL-2.0-or-later
// The ledger is the judge of every failure test, so it is shown here to find each kind of fault.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/cluster/ledger/book.hpp"

namespace systole::ledger {
namespace {

Row row(Key key) {
  return {key, mark_of(key)};
}

class LedgerFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "ledger.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = name + "/ledger";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(LedgerFile, what_was_entered_is_read_back) {
  {
    auto book = Book::open(path_);
    ASSERT_TRUE(book);
    (*book)->enter(Outcome::acknowledged, {1, 1});
    (*book)->enter(Outcome::unknown, {1, 2});
    (*book)->enter(Outcome::acknowledged, {2, 1});
    EXPECT_EQ((*book)->acknowledged(), 2u);
    EXPECT_TRUE((*book)->close());
  }
  const auto account = read_account(path_);
  ASSERT_TRUE(account);
  EXPECT_EQ(account->acknowledged, (std::set<Key>{{1, 1}, {2, 1}}));
  EXPECT_EQ(account->unknown, (std::set<Key>{{1, 2}}));
}

TEST_F(LedgerFile, a_line_that_is_no_entry_is_named_with_its_number) {
  std::ofstream{path_} << "A 1 1 5\nB 1 2 6\n";
  const auto account = read_account(path_);
  ASSERT_FALSE(account);
  EXPECT_EQ(account.error().code, Errc::corrupt);
  EXPECT_NE(account.error().what.find("line 2"), std::string::npos);
}

TEST_F(LedgerFile, a_ledger_that_cannot_be_opened_is_an_error) {
  EXPECT_FALSE(Book::open(path_ + "/no/such/folder"));
  EXPECT_FALSE(read_account(path_));
}

TEST(LedgerAudit, a_database_that_holds_what_was_acknowledged_is_sound) {
  const Account account{{{1, 1}, {1, 2}}, {}};
  const Findings found = compare(account, {row({1, 1}), row({1, 2})});
  EXPECT_TRUE(found.sound());
  EXPECT_EQ(found.acknowledged, 2u);
}

TEST(LedgerAudit, an_acknowledged_row_that_is_missing_is_lost_and_named) {
  const Findings found = compare({{{1, 1}, {1, 2}}, {}}, {row({1, 1})});
  EXPECT_EQ(found.lost, 1u);
  EXPECT_EQ(found.lost_keys, (std::vector<Key>{{1, 2}}));
  EXPECT_FALSE(found.sound());
}

TEST(LedgerAudit, a_row_that_is_there_twice_is_duplicated) {
  const Findings found = compare({{{1, 1}}, {}}, {row({1, 1}), row({1, 1})});
  EXPECT_EQ(found.duplicated, 1u);
  EXPECT_FALSE(found.sound());
}

TEST(LedgerAudit, a_row_that_nobody_tried_is_extra) {
  const Findings found = compare({{{1, 1}}, {}}, {row({1, 1}), row({9, 9})});
  EXPECT_EQ(found.extra, 1u);
  EXPECT_FALSE(found.sound());
}

TEST(LedgerAudit, a_row_with_other_content_is_altered) {
  const Findings found = compare({{{1, 1}}, {}}, {{{1, 1}, mark_of({1, 2})}});
  EXPECT_EQ(found.altered, 1u);
  EXPECT_FALSE(found.sound());
}

TEST(LedgerAudit, a_write_of_unknown_outcome_may_be_there_or_not) {
  const Account account{{}, {{1, 1}, {1, 2}}};
  const Findings found = compare(account, {row({1, 1})});
  EXPECT_TRUE(found.sound());
  EXPECT_EQ(found.unknown_there, 1u);
}

}  // namespace
}  // namespace systole::ledger

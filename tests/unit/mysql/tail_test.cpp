// SPDX-License-Identifier: GPL-2.0-or-later
// What a former primary has and the present one has not, and whether undoing its rows undoes all of it.
#include "agents/ocf/mysql/tail.hpp"

#include <gtest/gtest.h>

#include "tests/unit/mysql/log_maker.hpp"

namespace systole::mysql {
namespace {

GtidList list(std::string_view text) {
  return parse_gtids(text).value();
}

const std::string whole(1, '\7');  // of three columns all

LogMaker& change(LogMaker& log, std::uint32_t server, std::uint64_t sequence, const std::string& table = "t",
                 std::uint32_t domain = 0) {
  return log.gtid(server, sequence, false, domain).table("d", table).rows(23, 3, whole).xid();
}

Tail tail(const std::vector<LogFile>& files, std::string_view primary) {
  const auto found = scan_tail(files, list(primary));
  EXPECT_TRUE(found) << found.error().what;
  return found ? *found : Tail{};
}

TEST(Tail, begins_with_the_first_transaction_that_the_primary_does_not_have) {
  LogMaker log;
  log.before(list(""));
  change(change(log, 7, 1), 7, 2);
  const std::size_t third = log.size();
  change(change(log, 7, 3), 7, 4, "u");
  const Tail found = tail({log.file("/d/bin.000001")}, "0-7-2,0-8-5");
  EXPECT_EQ(to_string(found.base), "0-7-2");
  EXPECT_EQ(found.begin, (LogPlace{"/d/bin.000001", third}));
  ASSERT_EQ(found.transactions.size(), 2U);
  EXPECT_EQ(to_string(found.transactions[0].gtid), "0-7-3");
  EXPECT_EQ(found.tables(), (std::set<TableName>{{"d", "t"}, {"d", "u"}}));
  EXPECT_EQ(found.obstacle, "");
}

TEST(Tail, of_a_relay_log_is_what_was_received_and_the_primary_does_not_have) {
  LogMaker first, second;
  change(change(first, 7, 1), 7, 2);
  second.gtid(7, 3, true).statement("CREATE TABLE t (a INT)");
  const std::vector<LogFile> files{first.file("r.1"), second.file("r.2")};
  const auto found = scan_received(files, list("0-7-1,0-8-2"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->begin->path, "r.1");
  ASSERT_EQ(found->transactions.size(), 2U);
  EXPECT_EQ(to_string(found->transactions[1].gtid), "0-7-3");
  const auto none = scan_received(files, list("0-7-3"));
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->begin);
}

TEST(Tail, of_a_log_that_the_primary_has_whole_is_none) {
  LogMaker log;
  log.before(list("0-6-1"));
  change(log, 7, 2);
  const Tail found = tail({log.file("b")}, "0-6-1,0-7-2,0-8-3");
  EXPECT_FALSE(found.begin);
  EXPECT_TRUE(found.transactions.empty());
  EXPECT_EQ(to_string(found.base), "0-7-2");
}

TEST(Tail, is_told_from_the_primarys_own_transaction_of_the_same_number) {
  LogMaker log;
  log.before(list("0-7-4"));
  change(log, 7, 5);
  EXPECT_EQ(tail({log.file("b")}, "0-7-4,0-8-5").transactions.size(), 1U);
}

TEST(Tail, in_a_domain_that_the_primary_does_not_know_is_found) {
  LogMaker log;
  log.before(list("0-7-4"));
  change(log, 9, 1, "t", 3);
  const Tail found = tail({log.file("b")}, "0-7-4,0-8-5");
  ASSERT_EQ(found.transactions.size(), 1U);
  EXPECT_EQ(to_string(found.base), "0-7-4");
}

TEST(Tail, is_sought_in_no_file_that_lies_wholly_before_it) {
  LogMaker old, next, newest;
  old.before(list(""));
  change(old, 7, 1);
  next.before(list("0-7-1"));
  change(change(next, 7, 2), 7, 3);
  newest.before(list("0-7-3"));
  change(newest, 7, 4);
  LogFile damaged = old.file("b.1");
  damaged.bytes = damaged.bytes.subspan(1);  // reading it would fail
  const Tail found = tail({damaged, next.file("b.2"), newest.file("b.3")}, "0-7-2,0-8-3");
  EXPECT_EQ(found.begin->path, "b.2");
  EXPECT_EQ(found.transactions.size(), 2U);
}

TEST(Tail, that_began_before_the_oldest_log_is_an_error) {
  LogMaker log;
  log.before(list("0-7-3"));
  change(log, 7, 4);
  const std::vector<LogFile> files{log.file("b.9")};
  const auto found = scan_tail(files, list("0-7-2,0-8-3"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::not_found);
}

TEST(Tail, with_transactions_of_which_a_copied_primary_does_not_know_is_not_taken_for_a_shorter_one) {
  LogMaker log;
  log.before(list(""));
  change(change(change(log, 3, 1), 5, 2), 6, 3);  // the copy was made after 0-5-2 and does not know of server 3
  const Tail found = tail({log.file("b")}, "0-5-2,0-8-3");
  EXPECT_NE(found.obstacle, "") << "0-3-1 may be the primary's; or may not";
  LogMaker later;
  later.before(list("0-3-1,0-5-2"));
  change(later, 6, 3);
  const std::vector<LogFile> files{later.file("b")};
  EXPECT_FALSE(scan_tail(files, list("0-5-2,0-8-3")));
}

TEST(Tail, behind_which_a_parallel_applier_has_written_higher_numbers_has_an_obstacle) {
  LogMaker log;
  log.before(list("0-7-1"));
  change(log, 9, 2);  // ours
  change(change(log, 7, 3), 7, 4);
  change(log, 9, 5);
  const Tail found = tail({log.file("b")}, "0-7-4");
  ASSERT_EQ(found.transactions.size(), 2U);
  EXPECT_EQ(to_string(found.transactions[0].gtid), "0-9-2");
  EXPECT_NE(found.obstacle, "");
  LogMaker next;  // and in a list
  next.before(list("0-9-2,0-7-4"));
  change(next, 9, 5);
  const std::vector<LogFile> files{next.file("b")};
  EXPECT_FALSE(scan_tail(files, list("0-7-4")));
}

TEST(Tail, with_anything_but_whole_rows_has_an_obstacle) {
  const auto obstacle = [](const std::function<void(LogMaker&)>& fill) {
    LogMaker log;
    log.before(list("0-7-1"));
    fill(log);
    return tail({log.file("b")}, "0-7-1,0-8-2").obstacle;
  };
  const auto rows = [](std::uint8_t type, unsigned columns, const std::string& bits) {
    return [=](LogMaker& log) { log.gtid(7, 2).table("d", "t").rows(type, columns, bits).xid(); };
  };
  EXPECT_EQ(obstacle(rows(23, 3, "\7")), "");
  EXPECT_EQ(obstacle(rows(24, 3, "\7\7")), "");
  EXPECT_EQ(obstacle(rows(25, 9, "\xff\1")), "");
  EXPECT_NE(obstacle(rows(23, 3, "\3")), "");
  EXPECT_NE(obstacle(rows(24, 3, "\7\3")), "") << "the image after the change";
  EXPECT_NE(obstacle(rows(25, 9, std::string("\xff\0", 2))), "");
  EXPECT_NE(obstacle(rows(166, 3, "\7")), "") << "compressed";
  EXPECT_NE(obstacle(rows(30, 3, "\7")), "") << "of another dialect";
  const std::string ddl = obstacle([](LogMaker& log) { log.gtid(7, 2, true).statement("DROP TABLE t"); });
  EXPECT_NE(ddl.find("0-7-2"), std::string::npos) << ddl;
  EXPECT_NE(ddl.find("DROP TABLE t"), std::string::npos) << ddl;
  EXPECT_NE(obstacle([](LogMaker& log) { log.gtid(7, 2).statement("INSERT INTO t SELECT 1").xid(); }), "");
  EXPECT_NE(obstacle([](LogMaker& log) { log.gtid(7, 2).table("d", "t").rows(23, 3, "\7").statement("COMMIT"); }), "")
      << "an engine without transactions";
  EXPECT_NE(obstacle([](LogMaker& log) { log.gtid(7, 2).table("mysql", "proc").rows(23, 3, "\7").xid(); }), "");
  EXPECT_NE(obstacle([](LogMaker& log) { log.gtid(7, 2).event(26, 7, "incident").xid(); }), "");
}

TEST(Tail, whose_end_was_not_written_still_counts) {
  LogMaker log;
  log.before(list("0-7-1")).gtid(7, 2).table("d", "t");
  EXPECT_EQ(tail({log.file("b")}, "0-7-1,0-8-2").transactions.size(), 1U);
}

TEST(Tail, behind_which_stand_the_primarys_own_transactions_has_an_obstacle) {
  LogMaker log;
  log.before(list("0-7-1,3-9-1"));
  change(change(log, 7, 2), 9, 2, "t", 3);
  EXPECT_NE(tail({log.file("b")}, "0-7-1,0-8-2,3-9-2").obstacle, "");
}

TEST(Tail, tells_who_and_what) {
  LogMaker log;
  log.before(list("0-7-1"));
  log.time = 1'700'000'000;
  log.gtid(7, 2).event(160, 7, "INSERT INTO t\nVALUES (1)sum!").table("d", "t").rows(23, 3, "\7").xid();
  const Tail found = tail({log.file("b")}, "0-7-1,0-8-2");
  EXPECT_EQ(found.transactions.at(0).time_s, 1'700'000'000U);
  EXPECT_EQ(found.transactions.at(0).sql, std::vector<std::string>{"INSERT INTO t VALUES (1)"});
}

TEST(Tail, of_random_bytes_never_leads_outside_the_file) {
  std::uint32_t state = 1;
  for (int round = 0; round < 3000; ++round) {
    LogMaker log;
    log.before(list("0-7-1")).gtid(7, 2).table("d", "t").rows(24, 3, "\7\7").statement("COMMIT").gtid(7, 3);
    const LogFile file = log.file("b");
    std::vector<std::byte> bytes(file.bytes.begin(), file.bytes.end());
    for (int i = 0; i < 4; ++i) {
      state = state * 1664525 + 1013904223;
      bytes[4 + (state >> 8) % (bytes.size() - 4)] = static_cast<std::byte>(state >> 24);
    }
    const std::vector<LogFile> files{{.path = "b", .bytes = bytes}};
    const auto found = scan_tail(files, list("0-7-1,0-8-2"));
    if (found) {
      EXPECT_LE(found->transactions.size(), 2U);
    }
  }
}

}  // namespace
}  // namespace systole::mysql

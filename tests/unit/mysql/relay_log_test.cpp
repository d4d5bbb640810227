// SPDX-License-Identifier: GPL-2.0-or-later
// Relay logs made by hand, byte for byte, as the format's description says.
#include "agents/ocf/mysql/relay_log.hpp"

#include <gtest/gtest.h>

#include "tests/unit/mysql/log_maker.hpp"

namespace systole::mysql {
namespace {

GtidList list(std::string_view text) {
  return parse_gtids(text).value();
}

RelayScan scan(const std::vector<LogFile>& files, std::string_view applied) {
  return scan_relay_log(files, list(applied)).value();
}

TEST(RelayLog, tells_what_was_received_and_where_the_first_unapplied_transaction_begins) {
  LogMaker log;
  log.transaction(7, 1).transaction(7, 2);
  const std::size_t third = log.size();
  log.transaction(7, 3).transaction(7, 4);
  const RelayScan found = scan({log.file("/d/relay.000001")}, "0-7-2");
  EXPECT_EQ(to_string(found.received), "0-7-4");
  EXPECT_EQ(found.resume, (LogPlace{"/d/relay.000001", third}));
  EXPECT_EQ(found.unapplied, 2U);
  EXPECT_FALSE(found.torn);
}

TEST(RelayLog, that_is_applied_wholly_has_no_place_to_resume) {
  LogMaker log;
  log.transaction(7, 1).transaction(7, 2);
  const RelayScan found = scan({log.file("r")}, "0-7-2");
  EXPECT_FALSE(found.resume);
  EXPECT_EQ(found.unapplied, 0U);
}

TEST(RelayLog, does_not_count_a_transaction_whose_end_did_not_arrive) {
  LogMaker log;
  log.transaction(7, 1).gtid(7, 2).rows();
  const RelayScan found = scan({log.file("r")}, "0-7-1");
  EXPECT_EQ(to_string(found.received), "0-7-1");
  EXPECT_FALSE(found.resume);
  EXPECT_TRUE(found.torn);
}

TEST(RelayLog, that_ends_within_an_event_is_read_up_to_there) {
  for (std::size_t cut = 1; cut < 27; ++cut) {
    LogMaker log;
    log.transaction(7, 1).transaction(7, 2).cut(cut);
    const RelayScan found = scan({log.file("r")}, "");
    EXPECT_EQ(to_string(found.received), "0-7-1") << cut;
    EXPECT_TRUE(found.torn) << cut;
  }
}

TEST(RelayLog, may_spread_one_transaction_over_two_files) {
  LogMaker first, second;
  first.transaction(7, 1);
  const std::size_t begin = first.size();
  first.gtid(7, 2).rows();
  second.rows().xid().transaction(7, 3);
  const RelayScan found = scan({first.file("r.1"), second.file("r.2")}, "0-7-1");
  EXPECT_EQ(to_string(found.received), "0-7-3");
  EXPECT_EQ(found.resume, (LogPlace{"r.1", begin}));
  EXPECT_EQ(found.unapplied, 2U);
}

TEST(RelayLog, knows_the_ends_of_transactions_without_xid) {
  LogMaker log;
  log.gtid(7, 1).statement("INSERT INTO t VALUES (1)").statement("COMMIT");
  log.gtid(7, 2, true).statement("CREATE TABLE t2 (a INT)");
  log.gtid(7, 3).statement("INSERT INTO t VALUES (2)");
  EXPECT_EQ(to_string(scan({log.file("r")}, "").received), "0-7-2");
}

TEST(RelayLog, of_several_domains_gives_the_last_of_each) {
  LogMaker log;
  log.gtid(7, 5, false, 3).rows().xid().transaction(7, 9);
  const RelayScan found = scan({log.file("r")}, "3-7-5");
  EXPECT_EQ(to_string(found.received), "0-7-9,3-7-5");
  EXPECT_EQ(found.unapplied, 1U);
}

TEST(RelayLog, that_goes_on_behind_what_is_applied_has_no_gap) {
  LogMaker log;
  log.transaction(7, 4).transaction(7, 5);
  EXPECT_FALSE(scan({log.file("r")}, "0-7-3").gap);
  EXPECT_FALSE(scan({log.file("r")}, "0-7-4").gap);
  EXPECT_FALSE(scan({log.file("r")}, "0-7-5").gap);
  EXPECT_FALSE(scan({log.file("r")}, "0-6-3").gap);  // of another primary
}

TEST(RelayLog, that_begins_later_than_what_is_applied_has_a_gap) {
  LogMaker log;
  log.transaction(7, 4).transaction(7, 5);
  const RelayScan found = scan({log.file("r")}, "0-7-2");
  ASSERT_TRUE(found.gap);
  EXPECT_EQ(to_string(found.gap->applied.value()), "0-7-2");
  EXPECT_EQ(to_string(found.gap->next), "0-7-4");
  EXPECT_EQ(to_string(found.received), "0-7-5");
  EXPECT_EQ(found.unapplied, 2U);
}

TEST(RelayLog, of_a_server_that_has_applied_nothing_must_begin_with_the_first_transaction) {
  LogMaker first, later;
  first.transaction(7, 1);
  later.transaction(7, 2);
  EXPECT_FALSE(scan({first.file("r")}, "").gap);
  const RelayScan found = scan({later.file("r")}, "");
  ASSERT_TRUE(found.gap);
  EXPECT_FALSE(found.gap->applied);
}

TEST(RelayLog, of_several_domains_may_have_a_gap_in_one) {
  LogMaker log;
  log.transaction(7, 9).gtid(7, 7, false, 3).rows().xid();
  EXPECT_FALSE(scan({log.file("r")}, "0-7-8,3-7-6").gap);
  const RelayScan found = scan({log.file("r")}, "0-7-8,3-7-5");
  ASSERT_TRUE(found.gap);
  EXPECT_EQ(to_string(found.gap->next), "3-7-7");
}

TEST(RelayLog, of_a_primary_that_left_numbers_out_has_no_gap_while_it_holds_what_came_before) {
  LogMaker log;
  log.transaction(7, 4).transaction(8, 100);
  EXPECT_FALSE(scan({log.file("r")}, "0-7-4").gap);
  EXPECT_TRUE(scan({log.file("r")}, "0-7-2").gap);
}

TEST(RelayLog, that_is_none_or_encrypted_is_an_error_with_the_files_name) {
  const std::vector<std::byte> text(100, std::byte{'x'});
  const std::vector<LogFile> foreign{{.path = "/d/foreign", .bytes = text}};
  const auto none = scan_relay_log(foreign, {});
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().what.find("/d/foreign"), std::string::npos);
  LogMaker log;
  log.event(164, 1, "key").transaction(7, 1);
  const std::vector<LogFile> encrypted{log.file("/d/secret")};
  const auto secret = scan_relay_log(encrypted, {});
  ASSERT_FALSE(secret);
  EXPECT_NE(secret.error().what.find("/d/secret"), std::string::npos);
}

TEST(RelayLog, of_random_bytes_never_leads_outside_the_file) {
  std::uint32_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    LogMaker log;
    log.transaction(7, 1).statement("COMMIT").gtid(7, 2);
    LogFile file = log.file("r");
    std::vector<std::byte> bytes(file.bytes.begin(), file.bytes.end());
    for (int i = 0; i < 4; ++i) {
      state = state * 1664525 + 1013904223;
      bytes[4 + (state >> 8) % (bytes.size() - 4)] = static_cast<std::byte>(state >> 24);
    }
    const std::vector<LogFile> files{{.path = "r", .bytes = bytes}};
    const auto found = scan_relay_log(files, {});
    if (found) {
      EXPECT_LE(found->unapplied, 2U);
    }
  }
}

TEST(RelayIndex, names_are_below_the_datadir_unless_absolute) {
  EXPECT_EQ(log_files("./relay.000001\nrelay.000002\n/other/relay.000003\n\n", "/data"),
            (std::vector<std::string>{"/data/relay.000001", "/data/relay.000002", "/other/relay.000003"}));
  EXPECT_TRUE(log_files("", "/data").empty());
}

TEST(RelayIndex, name_is_taken_from_the_file_of_positions) {
  EXPECT_EQ(relay_log_name("5\n./pid-relay-bin.000002\n303\nmysql-bin.000001\n4\n0\n"), "pid-relay-bin");
  EXPECT_EQ(relay_log_name("./host.domain-relay-bin.000012\n4\n"), "host.domain-relay-bin");
  EXPECT_EQ(relay_log_name(""), "mysql-relay-bin");
}

}  // namespace
}  // namespace systole::mysql

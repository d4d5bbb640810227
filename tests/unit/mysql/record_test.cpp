// SPDX-License-Identifier: GPL-2.0-or-later
// The record of the true database, and the notices of the helpers, as text.
#include "agents/ocf/mysql/record.hpp"

#include <gtest/gtest.h>

#include "agents/ocf/mysql/lineage.hpp"

namespace systole::mysql {
namespace {

TEST(Record, reads_what_it_writes) {
  const Record record{.epoch = 7, .sequence = 12, .primary = "n1", .in_sync = "n2"};
  EXPECT_EQ(to_string(record), "e=7 q=12 p=n1 s=n2");
  EXPECT_EQ(parse_record(to_string(record)), record);
  const Record alone{.epoch = 1, .sequence = 0, .primary = "db-1.example", .in_sync = ""};
  EXPECT_EQ(to_string(alone), "e=1 q=0 p=db-1.example s=-");
  EXPECT_EQ(parse_record(to_string(alone)), alone);
  EXPECT_EQ(parse_record("  s=- p=n1 q=0   e=1 "), (Record{.epoch = 1, .sequence = 0, .primary = "n1", .in_sync = ""}));
}

TEST(Record, nothing_is_the_record_that_does_not_exist) {
  EXPECT_EQ(parse_record(""), Record{});
  EXPECT_EQ(to_string(Record{}), "");
  EXPECT_FALSE(Record{}.exists());
}

TEST(Record, what_is_no_record_is_never_taken_for_one) {
  for (const char* const text :
       {"e=1", "e=1 q=0 p=n1", "e=0 q=0 p=n1 s=-", "e=-1 q=0 p=n1 s=-", "e=1 q=0 p= s=-", "e=1 q=0 p=- s=n1",
        "e=1 q=0 p=n1 s=n1", "e=1 e=2 q=0 p=n1 s=-", "e=1 q=0 p=n1 s=- x=1", "e=1 q=0 p=n1 s=- rest",
        "e=99999999999999999999 q=0 p=n1 s=-", "e=1q=0p=n1s=-", "10.0.0.1|binlog.000001|4"})
    EXPECT_EQ(parse_record(text), std::nullopt) << text;
}

TEST(Record, the_higher_epoch_and_then_the_higher_sequence_is_the_true_one) {
  const Record old{.epoch = 3, .sequence = 9, .primary = "n2", .in_sync = "n1"};
  const Record later{.epoch = 3, .sequence = 10, .primary = "n2", .in_sync = ""};
  const Record promoted{.epoch = 4, .sequence = 0, .primary = "n1", .in_sync = ""};
  EXPECT_TRUE(is_newer(later, old));
  EXPECT_TRUE(is_newer(promoted, later));
  EXPECT_FALSE(is_newer(old, old));
  EXPECT_EQ(newer(old, promoted), promoted);
  EXPECT_EQ(newer(old, Record{}), old);
}

TEST(Record, of_two_promotions_in_one_epoch_all_nodes_name_the_same) {
  const Record one{.epoch = 4, .sequence = 0, .primary = "n1", .in_sync = ""};
  const Record other{.epoch = 4, .sequence = 0, .primary = "n2", .in_sync = ""};
  EXPECT_EQ(newer(one, other), newer(other, one));
  // On two sides of a cut: whoever needs the other's acknowledgement has acknowledged nothing that the other lacks.
  const Record alone{.epoch = 3, .sequence = 0, .primary = "n1", .in_sync = ""};
  const Record needs_n1{.epoch = 3, .sequence = 0, .primary = "n2", .in_sync = "n1"};
  EXPECT_TRUE(is_newer(alone, needs_n1));
  EXPECT_FALSE(is_newer(needs_n1, alone));
}

TEST(Record, a_promotion_keeps_the_replica_of_the_same_primary_only) {
  const Record before{.epoch = 3, .sequence = 9, .primary = "n2", .in_sync = "n1"};
  EXPECT_EQ(to_string(after_promotion_of("n2", before)), "e=4 q=0 p=n2 s=n1");
  EXPECT_EQ(to_string(after_promotion_of("n1", before)), "e=4 q=0 p=n1 s=-");
  EXPECT_EQ(to_string(with_in_sync(before, "")), "e=3 q=10 p=n2 s=-");
}

TEST(Notice, reads_what_it_writes_and_nothing_else) {
  const Notice notice{
      .kind = Notice::Kind::primary, .streams = false, .stalled = true, .invites = "n2", .epoch = 7, .sequence = 12};
  EXPECT_EQ(to_string(notice), "primary 7.12 stalled invites=n2");
  EXPECT_EQ(parse_notice(to_string(notice)), notice);
  const Notice replica{.kind = Notice::Kind::replica, .streams = true, .epoch = 7, .sequence = 12};
  EXPECT_EQ(parse_notice(to_string(replica)), replica);
  EXPECT_EQ(parse_notice(to_string(Notice{})), Notice{});
  for (const char* const text : {"", "primary", "primary 7", "king 7.12", "primary 7.x"})
    EXPECT_EQ(parse_notice(text), std::nullopt) << text;
}

}  // namespace
}  // namespace systole::mysql

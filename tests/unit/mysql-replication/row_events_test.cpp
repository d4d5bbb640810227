// SPDX-License-Identifier: GPL-2.0-or-later
// Rows from a relay log: what can be compared is read, anything else is refused, and a cut is no crash.
#include "agents/ocf/mysql-replication/row_events.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace systole::mysql_replication {
namespace {

using Text = std::string;

Text number(std::uint64_t value, std::size_t width) {
  Text out;
  for (std::size_t i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

/// With a checksum, whose value nobody looks at.
Text event(unsigned type, const Text& body, std::uint32_t server = 1) {
  return number(0, 4) + number(type, 1) + number(server, 4) + number(19 + body.size() + 4, 4) + number(0, 4) +
         number(0, 2) + body + "CSUM";
}

Text format() {
  return event(15, number(4, 2) + Text(50, '\0') + number(0, 4) + number(19, 1) + Text(170, '\0') + number(1, 1));
}
Text gtid(std::uint64_t sequence, unsigned flags = 0) {
  return event(162, number(sequence, 8) + number(0, 4) + number(flags, 1) + Text(6, '\0'));
}
Text xid() {
  return event(16, number(7, 8));
}
/// d.t(INT, VARCHAR(10)) unless told otherwise.
Text table(const Text& types = "\x03\x0f", const Text& metadata = number(10, 2)) {
  return event(19, number(5, 6) + number(1, 2) + number(1, 1) + "d" + Text(1, '\0') + number(1, 1) + "t" +
                       Text(1, '\0') + number(types.size(), 1) + types + number(metadata.size(), 1) + metadata +
                       number(0, 1));
}
Text rows(unsigned type, const Text& values, unsigned present = 3, unsigned columns = 2) {
  return event(type, number(5, 6) + number(1, 2) + number(columns, 1) + number(present, 1) + values);
}
Text row(std::uint64_t key, const Text& word) {
  return number(0, 1) + number(key, 4) + number(word.size(), 1) + word;
}
Text file(const Text& events) {
  return "\xfe\x62\x69\x6e" + format() + events;
}

Result<RowTransaction> read(const Text& bytes, const Text& applied = "0-1-4") {
  const std::vector<char> exact(bytes.begin(), bytes.end());  // so that a read past the end is noticed
  return first_unapplied(std::as_bytes(std::span(exact)), *mysql::parse_gtids(applied));
}

TEST(RowEvents, of_the_first_transaction_that_is_not_applied_are_read) {
  const Text one = gtid(4) + table() + rows(23, row(1, "old")) + xid();
  const Text two = gtid(5) + event(160, "INSERT …") + table() + rows(23, row(0xffffffff, "") + row(7, "word")) + xid();
  const auto found = read(file(one + two + gtid(6)));
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(mysql::to_string(found->gtid), "0-1-5");
  EXPECT_TRUE(found->inserts);
  ASSERT_EQ(found->rows.size(), 2U);
  EXPECT_EQ(found->tables[found->rows[0].table].name, "t");
  EXPECT_EQ(number_text(found->rows[0].values[0], false), "-1");
  EXPECT_EQ(number_text(found->rows[0].values[0], true), "4294967295");
  EXPECT_EQ(found->rows[1].values[1].bytes, "word");
  EXPECT_FALSE(found->rows[1].values[1].number);
}

TEST(RowEvents, know_null_every_width_and_every_kind_of_string) {
  const Text types = "\x01\x02\x09\x08\x0f\xfc\xfe";
  const Text metadata = number(300, 2) + number(2, 1) + "\xfe\x09";
  const Text values = number(0x40, 1) + number(0x80, 1) + number(0x7fff, 2) + number(0x800000, 3) +
                      number(0x8000000000000000, 8) + number(3, 2) + "abc" + number(1, 2) + "x";
  const auto found = read(file(gtid(5) + table(types, metadata) + rows(25, values, 0x7f, 7) + xid()));
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_FALSE(found->inserts);
  const std::vector<RowValue>& all = found->rows[0].values;
  EXPECT_EQ(number_text(all[0], false), "-128");
  EXPECT_EQ(number_text(all[1], false), "32767");
  EXPECT_EQ(number_text(all[2], false), "-8388608");
  EXPECT_EQ(number_text(all[3], false), "-9223372036854775808");
  EXPECT_EQ(number_text(all[3], true), "9223372036854775808");
  EXPECT_EQ(all[4].bytes, "abc");
  EXPECT_EQ(all[5].bytes, "x");
  EXPECT_TRUE(all[6].null);
}

TEST(RowEvents, that_cannot_be_compared_beyond_doubt_are_refused) {
  const Text insert = rows(23, row(1, "a")), remove = rows(25, row(1, "a"));
  const std::vector<std::pair<const char*, Text>> all{
      {"nothing", ""},
      {"all applied", gtid(4) + table() + insert + xid()},
      {"a statement of its own", gtid(5, 1) + event(2, "CREATE TABLE")},
      {"a statement among the rows", gtid(5) + table() + insert + event(2, "INSERT") + xid()},
      {"an update", gtid(5) + table() + rows(24, row(1, "a") + row(1, "b")) + xid()},
      {"inserts and deletes", gtid(5) + table() + insert + remove + xid()},
      {"an incomplete row", gtid(5) + table() + rows(23, number(0, 1) + number(1, 4), 1) + xid()},
      {"a row of another table", gtid(5) + insert + xid()},
      {"a compressed row", gtid(5) + table() + rows(169, row(1, "a")) + xid()},
      {"a double", gtid(5) + table("\x03\x05", number(8, 1)) + insert + xid()},
      {"a set", gtid(5) + table("\x03\xfe", "\xf8\x01") + insert + xid()},
      {"no end", gtid(5) + table() + insert},
      {"another begins before its end", gtid(5) + table() + insert + gtid(6)},
      {"no rows", gtid(5) + xid()},
      {"too many rows", [] {
         Text many;
         for (unsigned i = 0; i < 1001; ++i) many += row(i, "");
         return gtid(5) + table() + rows(23, many) + xid();
       }()}};
  for (const auto& [name, events] : all) EXPECT_FALSE(read(file(events))) << name;
}

TEST(RowEvents, of_a_file_that_is_cut_or_damaged_anywhere_are_no_crash_and_never_others) {
  const Text whole = file(gtid(5) + table() + rows(23, row(9, "word")) + xid());
  ASSERT_TRUE(read(whole));
  for (std::size_t length = 0; length < whole.size(); ++length) EXPECT_FALSE(read(whole.substr(0, length))) << length;
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const char byte : {'\0', '\x01', '\x7f', '\xff'}) {
      Text damaged = whole;
      damaged[at] = byte;
      static_cast<void>(read(damaged));
    }
}

}  // namespace
}  // namespace systole::mysql_replication

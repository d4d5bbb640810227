// SPDX-License-Identifier: GPL-2.0-or-later
// MySQL's GTID sets: forms and examples as in its reference manual, "GTID Format and Storage" and "GTID Functions".
#include "agents/ocf/mysql/gtid_set.hpp"

#include <gtest/gtest.h>

namespace systole::mysql {
namespace {

const std::string one = "3e11fa47-71ca-11e1-9e33-c80aa9429562", two = "2174b383-5441-11e8-b90a-c80aa9429562";

GtidSet set(const std::string& text) {
  const auto parsed = GtidSet::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(GtidSet{});
}

TEST(GtidSets, are_read_in_each_form_and_written_in_one) {
  EXPECT_EQ(to_string(set("")), "");
  EXPECT_EQ(to_string(set(one + ":23")), one + ":23");
  EXPECT_EQ(to_string(set(one + ":1-3:11:47-49")), one + ":1-3:11:47-49");
  EXPECT_EQ(to_string(set("3E11FA47-71CA-11E1-9E33-C80AA9429562:1-5")), one + ":1-5");
  EXPECT_EQ(to_string(set(one + ":6-9:1-5,\n" + two + ":1-27")), two + ":1-27," + one + ":1-9");
  EXPECT_EQ(to_string(set(one + ":1-5:3-7:9," + one + ":8")), one + ":1-9") << "one server twice, overlapping";
  EXPECT_EQ(to_string(set(one + ":5-3")), "") << "an interval that runs backwards is empty";
}

TEST(GtidSets, of_any_other_form_are_refused) {
  for (const std::string& text :
       {std::string("x"), one, one + ":", one + ":0", one + ":0-5", one + ":1-", one + ":-1", one + ":1-2-3",
        one + ":9223372036854775807", one + ":99999999999999999999", one + ":tag", one + ":ta-g:1", one + ":1 2",
        std::string("0-1-5"), "g" + one.substr(1) + ":1", one.substr(1) + ":1",
        one + ":a23456789012345678901234567890123:1"})
    EXPECT_FALSE(GtidSet::parse(text)) << text;
}

TEST(GtidSets, with_tags_are_sets_of_their_own) {
  EXPECT_EQ(to_string(set(one + ":1-3:Admin:4-5:7")), one + ":1-3," + one + ":admin:4-5:7");
  EXPECT_FALSE(set(one + ":1-9").contains(set(one + ":admin:4")));
  EXPECT_TRUE(set(one + ":1-9:admin:1-5").contains(set(one + ":admin:4")));
}

TEST(GtidSets, tell_what_one_has_and_the_other_has_not) {
  const GtidSet primary = set(one + ":1-10," + two + ":1-4");
  EXPECT_TRUE(primary.contains(set(one + ":3-5")));
  EXPECT_TRUE(primary.contains(set("")));
  EXPECT_FALSE(primary.contains(set(two + ":5"))) << "the former primary has one more";
  EXPECT_EQ(to_string(set(two + ":1-7").without(primary)), two + ":5-7");
  EXPECT_EQ(to_string(primary.without(set(one + ":1-2:5:9-12"))), two + ":1-4," + one + ":3-4:6-8");
  EXPECT_EQ(to_string(primary.without(primary)), "");
  EXPECT_EQ(to_string(set(one + ":1-3").with(set(one + ":4-6," + two + ":1"))), two + ":1," + one + ":1-6");
  EXPECT_EQ(primary.count(), 14U);
  EXPECT_EQ(set("").count(), 0U);
}

TEST(GtidSets, are_counted_to_the_greatest_number_and_no_further) {
  const std::string whole = ":1-9223372036854775806";
  std::string text = one + whole + "," + two + whole + "," + one + ":a" + whole;
  EXPECT_EQ(set(text).count(), std::numeric_limits<std::uint64_t>::max());
}

}  // namespace
}  // namespace systole::mysql

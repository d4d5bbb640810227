// SPDX-License-Identifier: GPL-2.0-or-later
// GTID lists: the examples come from real servers.
#include "agents/ocf/mysql/gtid.hpp"

#include <gtest/gtest.h>

namespace systole::mysql {
namespace {

GtidList list(std::string_view text) {
  return parse_gtids(text).value();
}

TEST(Gtids, are_read_and_written_as_the_server_does) {
  EXPECT_EQ(to_string(list("0-131-3,9-131-1")), "0-131-3,9-131-1");
  EXPECT_EQ(to_string(list(" 0-131-3 , 9-131-1\n")), "0-131-3,9-131-1");
  EXPECT_TRUE(list("").empty());
  EXPECT_EQ(list("4294967295-4294967295-18446744073709551615").front().sequence, 18446744073709551615ULL);
}

TEST(Gtids, of_any_other_form_are_refused) {
  for (const char* const text :
       {"x", "0-1", "0-1-2-3", "0-1-2,", ",", "0--2", "4294967296-1-1", "0-1-18446744073709551616"})
    EXPECT_FALSE(parse_gtids(text)) << text;
}

TEST(Gtids, make_a_position_of_the_last_of_each_domain) {
  EXPECT_EQ(to_string(position_of(list("7-131-1,0-132-5,0-131-4"))), "0-132-5,7-131-1");
  EXPECT_EQ(to_string(merged(list("0-1-5"), list("0-2-7,3-1-1"))), "0-2-7,3-1-1");
}

TEST(Gtids, of_a_position_contain_all_before_them) {
  EXPECT_TRUE(contains(list("0-302-5,5-301-1"), list("0-301-3")));
  EXPECT_FALSE(contains(list("0-302-5,5-301-1"), list("7-1-1")));
  EXPECT_TRUE(contains(list("0-1-1"), {}));
  EXPECT_FALSE(contains({}, list("0-1-1")));
  EXPECT_TRUE(contains(list("7-131-1,0-132-5"), list("0-132-5,7-131-1"))) << "the order of domains means nothing";
  EXPECT_EQ(missing(list("0-1-3"), list("0-1-5,2-1-4")), 6U);
}

struct DivergenceCase {
  const char* own;
  const char* primary_state;
  const char* errant;  // "" none
  const char* why;
};

TEST(Divergence, is_seen_by_who_wrote_what_not_by_numbers_alone) {
  const DivergenceCase cases[] = {
      {"", "", "", "two new servers"},
      {"0-131-3", "0-131-3,0-132-5", "", "the former primary, all of whose transactions arrived"},
      {"0-131-4", "0-131-3,0-132-5", "0-131-4", "higher numbers, but this transaction never arrived"},
      {"0-131-6", "0-131-3,0-132-5", "0-131-6", "more than the primary has"},
      {"0-131-3,9-131-1", "0-131-3,0-132-5", "9-131-1",
       "a domain that the primary has never seen: the server says nothing"},
      {"0-131-3", "", "0-131-3", "an empty primary"},
      {"0-132-2", "0-132-5", "", "a replica that is behind"},
      {"0-7-4", "0-132-5", "0-7-4", "written by a server unknown to the primary"},
      {"0-132-5", "0-900-9,0-132-5", "", "the primary was restored from a copy and knows it by gtid_slave_pos"},
  };
  for (const DivergenceCase& row : cases) {
    const auto errant = diverged(list(row.own), list(row.primary_state));
    EXPECT_EQ(errant ? to_string(*errant) : "", row.errant) << row.why;
  }
}

TEST(Gtids, of_a_state_end_where_the_position_does) {
  EXPECT_EQ(to_string(state_up_to(list("0-9-150,1-3-7"), list("0-7-60,0-8-100,0-9-200,0-4-160,1-3-9,0-8-100"))),
            "0-7-60,0-8-100,0-9-150,1-3-7");
  EXPECT_EQ(to_string(state_up_to(list("0-9-150"), {})), "0-9-150");
}

TEST(ServerIds, of_a_new_primary_are_never_zero_and_never_used_before) {
  std::vector<std::uint32_t> drawn{0, 131, 132, 133};
  std::size_t next = 0;
  const auto draw = [&] { return drawn.at(next++); };
  EXPECT_EQ(fresh_server_id(list("0-131-4,5-132-1"), draw), 133U);
}

}  // namespace
}  // namespace systole::mysql

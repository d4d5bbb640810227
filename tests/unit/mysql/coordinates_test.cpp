// SPDX-License-Identifier: GPL-2.0-or-later
// Following by file and position: who may begin where.
#include "agents/ocf/mysql/coordinates.hpp"

#include <gtest/gtest.h>

namespace systole::mysql {
namespace {

TEST(CoordinatesOfALog, are_read_as_the_shell_agents_publish_them) {
  const auto place = parse_coordinates("10.0.0.1|mysql-bin.000003|1234");
  ASSERT_TRUE(place);
  EXPECT_EQ(to_string(*place), "10.0.0.1 mysql-bin.000003:1234");
  EXPECT_EQ(to_text(*place), "10.0.0.1|mysql-bin.000003|1234");
  for (const char* const text : {"", "10.0.0.1", "h|f|1", "h|f.1|x", "h|f.1|", "|f.1|4", "h|../f.1|4", "h|f'.1|4",
                                 "h x|f.1|4", "h|f.1|4|", "h|f.1|4|h"})
    EXPECT_FALSE(parse_coordinates(text)) << text;
}

TEST(CoordinatesOfALog, of_one_log_are_in_the_order_of_files_then_bytes) {
  const Coordinates early{.host = "a", .file = "log.999999", .position = 900};
  const Coordinates late{.host = "a", .file = "log.1000000", .position = 4};
  EXPECT_TRUE(is_after(late, early)) << "by number, not by letters";
  EXPECT_FALSE(is_after(early, late));
  EXPECT_FALSE(is_after(early, early));
}

TEST(Takeovers, hold_both_places_or_are_of_a_first_primary) {
  const auto first = parse_takeover("n1|log.000001|328");
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->former);
  const std::string text = "n2|log.000007|500|n1|log.000001|9000";
  const auto second = parse_takeover(text);
  ASSERT_TRUE(second && second->former);
  EXPECT_EQ(second->former->host, "n1");
  EXPECT_EQ(to_text(*second), text);
  EXPECT_FALSE(parse_takeover("n1"));
  EXPECT_FALSE(parse_takeover("n1|log.1|4|n2|log|4")) << "a former primary that is not understood is not none";
}

struct EntryCase {
  const char* name;
  const char* published;
  Follower follower;
  Entry::Kind kind;
  const char* at_or_why;
};

Follower following(const char* place) {
  return {.self = "n3", .applied = parse_coordinates(place), .surplus = {}};
}

std::vector<EntryCase> entries() {
  const char* const took_over = "n2|log.000007|500|n1|log.000001|9000";
  const char* const first = "n2|log.000001|328";
  using enum Entry::Kind;
  return {
      {"follows it already", took_over, following("n2|log.000007|700"), keep, ""},
      {"follows it already, and nothing is published", "", following("n2|log.000007|700"), keep, ""},
      {"nothing is published", "", following("n1|log.000001|9000"), later, "has not published"},
      {"somebody else has published", "n1|log.000001|328", following("n1|log.000001|9000"), later, "REPL_INFO"},
      {"an address alone is published", "n2", {.self = "n3"}, later, "has not published"},
      {"a new server beside the first primary", first, {.self = "n3"}, at, "n2 log.000001:328"},
      {"stands where the takeover was", took_over, following("n1|log.000001|9000"), at, "n2 log.000007:500"},
      {"is behind it", took_over, following("n1|log.000001|8999"), refuse, "lacks what came between"},
      {"is ahead of it", took_over, following("n1|log.000002|4"), refuse, "has applied more"},
      {"followed a third one", took_over, following("n9|log.000001|9000"), refuse, "was promoted after n1"},
      {"a shell agent says nothing of the former", first, following("n1|log.000001|9000"), refuse, "never known"},
      {"the former primary, which has no more", took_over, {.self = "n1"}, at, "n2 log.000007:500"},
      {"the former primary, which has more",
       took_over,
       {.self = "n1", .applied = {}, .surplus = "its log has a transaction"},
       refuse,
       "its log has a transaction"},
      {"follows nobody, and is not the former primary", took_over, {.self = "n3"}, refuse, "follows nobody"},
  };
}

TEST(EntryPoints, are_where_the_takeover_was_and_nowhere_else) {
  for (const EntryCase& row : entries()) {
    const Entry entry = entry_point("n2", parse_takeover(row.published), row.follower);
    EXPECT_EQ(entry.kind, row.kind) << row.name << ": " << entry.why;
    const std::string said = entry.kind == Entry::Kind::at ? to_string(entry.from) : entry.why;
    EXPECT_NE(said.find(row.at_or_why), std::string::npos) << row.name << ": " << said;
    if (entry.kind == Entry::Kind::refuse) {
      EXPECT_NE(said.find("new copy"), std::string::npos) << "what helps is said";
    }
  }
}

TEST(CandidatesByCoordinates, give_way_to_whoever_received_more_of_the_same_log) {
  const auto candidate = [](const char* node, const char* place) {
    return CoordinateCandidate{.node = node, .received = parse_coordinates(place).value()};
  };
  const CoordinateCandidate self = candidate("n2", "n1|log.000001|500");
  EXPECT_EQ(better_candidate(self, {}), "");
  EXPECT_EQ(better_candidate(self, {candidate("n3", "n1|log.000001|500")}), "") << "equal";
  EXPECT_EQ(better_candidate(self, {candidate("n3", "n1|log.000001|501"), candidate("n4", "n1|log.000002|4")}), "n4");
  EXPECT_EQ(better_candidate(self, {candidate("n3", "n9|log.000009|501")}), "") << "another log says nothing";
}

}  // namespace
}  // namespace systole::mysql

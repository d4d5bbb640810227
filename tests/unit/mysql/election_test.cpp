// SPDX-License-Identifier: GPL-2.0-or-later
// Who received most?
#include "agents/ocf/mysql/election.hpp"

#include <gtest/gtest.h>

namespace systole::mysql {
namespace {

Candidate candidate(const char* node, const char* received) {
  return {.node = node, .received = parse_gtids(received).value()};
}

struct Case {
  const char* own;
  std::vector<Candidate> others;
  const char* better;  // "": we may
  std::uint64_t missing;
  const char* why;
};

TEST(Election, is_won_by_who_received_most) {
  const Case cases[] = {
      {"0-1-5", {}, "", 0, "nobody else lives"},
      {"0-1-5", {candidate("n3", "0-1-5")}, "", 0, "equal"},
      {"0-1-5", {candidate("n3", "0-1-4")}, "", 0, "ahead"},
      {"0-1-5", {candidate("n3", "0-1-7")}, "n3", 2, "behind one"},
      {"0-1-5", {candidate("n3", "0-1-7"), candidate("n4", "0-1-9")}, "n4", 4, "behind two: the greater lead"},
      {"0-1-5",
       {candidate("n4", "0-1-7"), candidate("n3", "0-1-7")},
       "n3",
       2,
       "a tie goes by name, the same on every node"},
      {"", {candidate("n3", "")}, "", 0, "a new cluster"},
      {"0-1-5", {candidate("n3", "0-1-4,2-1-1")}, "n3", 1, "a domain that we have not"},
      {"0-1-5", {candidate("n3", "")}, "", 0, "one that must not be promoted publishes nothing"},
  };
  for (const Case& row : cases) {
    const Election election = elect(candidate("n2", row.own), row.others);
    EXPECT_EQ(election.better, row.better) << row.why;
    EXPECT_EQ(election.may_promote, election.better.empty()) << row.why;
    EXPECT_EQ(election.missing, row.missing) << row.why;
  }
}

}  // namespace
}  // namespace systole::mysql

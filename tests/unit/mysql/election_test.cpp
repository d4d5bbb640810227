// SPDX-License-Identifier: GPL-2.0-or-later
// Who received most?
#include "agents/ocf/mysql/election.hpp"

#include <gtest/gtest.h>

namespace systole::mysql {
namespace {

Candidate candidate(const char* node, const char* history) {
  return {.node = node, .history = parse_gtids(history).value()};
}

struct Case {
  const char* own;
  std::vector<Candidate> others;
  const char* better;    // "": nobody
  const char* conflict;  // "": none
  std::uint64_t missing;
  const char* why;
};

TEST(Election, is_won_by_who_received_most_and_by_nobody_when_histories_differ) {
  const Case cases[] = {
      {"0-1-5", {}, "", "", 0, "nobody else lives"},
      {"0-1-5", {candidate("n3", "0-1-5")}, "", "", 0, "equal"},
      {"0-1-5", {candidate("n3", "0-1-4")}, "", "", 0, "ahead"},
      {"0-1-5", {candidate("n3", "0-1-7")}, "n3", "", 2, "behind one"},
      {"0-1-5", {candidate("n3", "0-1-7"), candidate("n4", "0-1-9")}, "n4", "", 4, "behind two: the greater lead"},
      {"0-1-5",
       {candidate("n4", "0-1-7"), candidate("n3", "0-1-7")},
       "n3",
       "",
       2,
       "a tie goes by name, the same everywhere"},
      {"", {candidate("n3", "")}, "", "", 0, "a new cluster"},
      {"", {candidate("n3", "0-1-2")}, "n3", "", 2, "a new node beside one with data"},
      {"0-1-5", {candidate("n3", "0-1-4,0-1-5,2-1-1")}, "n3", "", 1, "a domain that we have not"},
      {"0-1-5", {candidate("n3", "")}, "", "", 0, "one that must not be promoted publishes nothing"},
      {"0-1-5", {candidate("n3", "0-1-5,0-2-7")}, "n3", "", 2, "it was the primary after the one we followed"},
      {"0-1-5", {candidate("n3", "0-1-4,0-2-7")}, "", "n3", 0, "it has more, but our last transaction it never had"},
      {"0-1-5,0-2-9", {candidate("n3", "0-1-6")}, "", "n3", 0, "we have more, but not its last transaction"},
      {"0-1-5", {candidate("n3", "0-2-5")}, "", "n3", 0, "equal numbers of different transactions"},
  };
  for (const Case& row : cases) {
    const Election election = elect(candidate("n2", row.own), row.others);
    EXPECT_EQ(election.better, row.better) << row.why;
    EXPECT_EQ(election.conflict, row.conflict) << row.why;
    EXPECT_EQ(election.may_promote, election.better.empty() && election.conflict.empty()) << row.why;
    EXPECT_EQ(election.missing, row.missing) << row.why;
  }
}

}  // namespace
}  // namespace systole::mysql

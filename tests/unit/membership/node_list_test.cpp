// SPDX-License-Identifier: GPL-2.0-or-later
// Nodes that come and go while the cluster runs: what is refused, and that the others do not notice.
#include "crmd/membership/node_list.hpp"

#include <gtest/gtest.h>

#include "tests/unit/membership/cluster.hpp"

namespace systole::membership {
namespace {

std::vector<Member> list(std::size_t nodes) {
  std::vector<Member> members;
  for (std::uint32_t id = 1; id <= nodes; ++id) members.push_back({NodeId{id}, fmt::format("n{}", id)});
  return members;
}

struct NodeListTest : testing::Test {
  NodeListTest() { all_up(3); }
  void all_up(std::uint32_t nodes) {
    present.self = NodeId{1};
    present.nodes = list(nodes);
    presence.up.clear();
    for (std::uint32_t id = 1; id <= nodes; ++id) presence.up.insert(NodeId{id});
    presence.quorate = true;
  }
  std::string hindrance(const std::vector<Member>& wanted) const {
    return hinders_change(present, wanted, presence).value_or("");
  }
  Config present;
  Presence presence;
};

TEST_F(NodeListTest, one_node_more_may_come_and_one_that_is_off_may_go) {
  EXPECT_EQ(hindrance(list(3)), "");
  EXPECT_EQ(hindrance(list(4)), "");
  presence.up.erase(NodeId{3});
  EXPECT_EQ(hindrance(list(2)), "");
}

TEST_F(NodeListTest, a_member_is_not_removed_nor_is_one_that_may_still_run_something) {
  EXPECT_NE(hindrance(list(2)).find("stop crmd there first"), std::string::npos);
  presence.up.erase(NodeId{3});
  presence.held.insert(NodeId{3});
  EXPECT_NE(hindrance(list(2)).find("may still run"), std::string::npos);
}

TEST_F(NodeListTest, two_lists_without_a_common_majority_are_never_neighbours) {
  EXPECT_NE(hindrance(list(5)).find("one node at a time"), std::string::npos);
  for (std::uint32_t before = 1; before <= 8; ++before)
    for (std::uint32_t after = before; after <= 8; ++after) {
      all_up(before);
      presence.quorate = false;
      if (hindrance(list(after)).empty()) {
        EXPECT_GT(before / 2 + 1 + after / 2 + 1, after) << before << " then " << after;
      }
    }
  presence.up = {NodeId{1}};
  std::vector<Member> others = list(3);
  others[1].id = NodeId{8};
  others[2].id = NodeId{9};
  present.nodes = list(3);
  EXPECT_NE(hindrance(others).find("one node at a time"), std::string::npos);
}

TEST_F(NodeListTest, a_list_that_would_end_the_quorum_is_refused) {
  all_up(1);
  EXPECT_NE(hindrance(list(2)).find("would stop what it runs"), std::string::npos);
  all_up(3);
  presence.up.erase(NodeId{3});
  EXPECT_NE(hindrance(list(4)).find("only 2 are"), std::string::npos);
}

TEST_F(NodeListTest, two_nodes_without_votes_stay_two_and_nobody_changes_his_part) {
  all_up(2);
  present.mode = Mode::none;
  EXPECT_NE(hindrance(list(3)), "");
  EXPECT_EQ(hindrance(list(2)), "");
  present.mode = Mode::majority;
  std::vector<Member> other = list(2);
  other[1].witness = true;
  EXPECT_NE(hindrance(other), "");
}

// ---- in a cluster

TEST(Reconfigure, a_third_node_joins_two_that_run_and_its_vote_counts) {
  Cluster cluster(2);
  cluster.start_all();
  cluster.run(4s);
  const std::uint32_t leader = cluster.leader();
  ASSERT_NE(leader, 0U);
  cluster.told.clear();
  cluster.config().nodes = list(3);
  cluster.votes.resize(4);
  cluster.documents.resize(4);
  for (std::uint32_t id = 1; id <= 2; ++id) {
    EXPECT_EQ(cluster.node(id).hinders({cluster.now, 0}, list(3)), std::nullopt);
    cluster.step(id, Reconfigure{list(3)});
    cluster.run(500ms);
  }
  cluster.start(3);
  cluster.run(3s);
  EXPECT_EQ(cluster.leader(), leader) << "nobody was upset";
  EXPECT_FALSE(cluster.when<PeerLost>(1) || cluster.when<PeerLost>(2));
  for (std::uint32_t id = 1; id <= 3; ++id) EXPECT_EQ(cluster.node(id).up().size(), 3U) << id;
  cluster.power_off(leader);
  cluster.run(10s);
  EXPECT_NE(cluster.leader(), 0U) << "two of three are a majority";
  EXPECT_NE(cluster.leader(), leader);
}

TEST(Reconfigure, a_node_that_is_off_is_removed_and_the_majority_is_that_of_the_rest) {
  Cluster cluster(4);
  cluster.start_all();
  cluster.run(4s);
  cluster.power_off(4);
  cluster.run(4s);
  for (std::uint32_t id = 1; id <= 3; ++id) {
    ASSERT_EQ(cluster.node(id).hinders({cluster.now, 0}, list(3)), std::nullopt);
    cluster.step(id, Reconfigure{list(3)});
  }
  cluster.run(1s);
  const std::uint32_t leader = cluster.leader();
  ASSERT_NE(leader, 0U);
  cluster.power_off(leader);
  cluster.run(10s);
  EXPECT_NE(cluster.leader(), 0U) << "two of three lead; of four they would not";
}

TEST(Reconfigure, a_new_node_is_taken_to_run_something_until_it_surely_does_not) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(4s);
  cluster.step(1, Reconfigure{list(4)});
  EXPECT_EQ(cluster.node(1).released_at(NodeId{4}), cluster.now + 1s);
}

}  // namespace
}  // namespace systole::membership

// SPDX-License-Identifier: GPL-2.0-or-later
// A node whose store was damaged, and what it may decide until a leader has sent it the configuration.
#include <gtest/gtest.h>

#include "tests/unit/membership/cluster.hpp"

namespace systole::membership {
namespace {

const Stamp old_one{{4, NodeId{1}}, 10}, newer{{4, NodeId{1}}, 11};

/// All nodes have the newer document but those that are damaged: these have what was left.
Cluster cluster_of(std::size_t nodes, Mode mode, std::set<std::uint32_t> damaged) {
  Cluster cluster(nodes, mode);
  for (std::uint32_t id = 1; id <= nodes; ++id) cluster.documents[id] = damaged.contains(id) ? old_one : newer;
  cluster.damaged = std::move(damaged);
  return cluster;
}

TEST(DamagedStore, keeps_its_node_from_voting_for_a_document_that_is_older_than_what_it_acknowledged) {
  Cluster cluster = cluster_of(3, Mode::majority, {2});
  cluster.documents[3] = old_one;  // node 1 alone still has the newer one, and is off
  cluster.start(2);
  cluster.start(3);
  cluster.run(1min);
  EXPECT_EQ(cluster.leader(), 0U);
  cluster.start(1);
  cluster.run(5s);
  EXPECT_EQ(cluster.leader(), 1U);
}

TEST(DamagedStore, does_not_keep_the_sound_majority_from_electing_a_leader) {
  Cluster cluster = cluster_of(3, Mode::majority, {2});
  cluster.start_all();
  cluster.run(3s);
  EXPECT_NE(cluster.leader(), 0U);
  EXPECT_NE(cluster.leader(), 2U);
}

TEST(DamagedStore, is_mended_by_a_document_from_a_leader) {
  Cluster cluster = cluster_of(3, Mode::majority, {2});
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader();
  ASSERT_NE(leader, 0U);
  const Stamp present{cluster.node(leader).term(), 12};
  for (std::uint32_t id = 1; id <= 3; ++id) cluster.node(id).set_document(present);
  cluster.power_off(leader);
  cluster.run(5s);
  EXPECT_NE(cluster.leader(), 0U) << "its vote is needed now";
}

TEST(DamagedStore, that_holds_just_what_the_leader_sends_is_mended_by_that) {
  Cluster cluster = cluster_of(3, Mode::majority, {2});
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader();
  cluster.documents[2] = {cluster.node(leader).term(), 12};
  cluster.power_off(2);
  cluster.start(2);
  cluster.run(3s);
  cluster.node(2).set_document(cluster.documents[2]);
  cluster.node(6 - 2 - leader).set_document(cluster.documents[2]);
  cluster.power_off(leader);
  cluster.run(5s);
  EXPECT_NE(cluster.leader(), 0U);
}

TEST(DamagedStore, on_all_nodes_lets_nobody_lead_and_says_what_to_do) {
  for (const Mode mode : {Mode::majority, Mode::none}) {
    Cluster cluster = cluster_of(2, mode, {1, 2});
    cluster.start_all();
    cluster.run(5min);
    EXPECT_EQ(cluster.leader(), 0U);
    EXPECT_NE(cluster.notes(1).find("crmd --accept-loss"), std::string::npos);
  }
}

TEST(DamagedStore, of_a_single_node_lets_it_wait_for_its_operator) {
  Cluster cluster = cluster_of(1, Mode::majority, {1});
  cluster.start(1);
  cluster.run(5min);
  EXPECT_EQ(cluster.leader(), 0U);
  EXPECT_NE(cluster.notes(1).find("crmd --accept-loss"), std::string::npos);
}

TEST(DamagedStore, without_a_tie_break_never_leads_alone_and_says_what_to_do) {
  Cluster cluster = cluster_of(2, Mode::none, {1});
  cluster.start(1);
  cluster.run(5min);
  EXPECT_EQ(cluster.leader(), 0U);
  EXPECT_NE(cluster.notes(1).find("crmd --accept-loss"), std::string::npos);
  cluster.start(2);
  cluster.run(5s);
  EXPECT_EQ(cluster.leader(), 2U);
}

TEST(DamagedStore, without_a_tie_break_does_not_stop_the_healthy_node) {
  for (const std::uint32_t damaged : {1U, 2U}) {
    Cluster cluster = cluster_of(2, Mode::none, {damaged});
    cluster.start_all();
    cluster.run(3s);
    EXPECT_EQ(cluster.leader(), 3 - damaged);
    cluster.power_off(damaged);
    cluster.run(3s);
    EXPECT_EQ(cluster.leader(), 3 - damaged);
  }
}

TEST(DamagedStore, without_a_tie_break_still_wins_over_an_older_document_once_both_are_there) {
  Cluster cluster = cluster_of(2, Mode::none, {1});
  cluster.documents[2] = {{3, NodeId{2}}, 4};
  cluster.start_all();
  cluster.run(5s);
  EXPECT_EQ(cluster.leader(), 1U);
}

TEST(DamagedStore, without_a_tie_break_takes_over_after_it_was_mended) {
  Cluster cluster = cluster_of(2, Mode::none, {1});
  cluster.start_all();
  cluster.run(3s);
  ASSERT_EQ(cluster.leader(), 2U);
  cluster.node(1).set_document({cluster.node(2).term(), 12});
  cluster.power_off(2);
  cluster.run(3s);
  EXPECT_EQ(cluster.leader(), 1U);
}

TEST(DamagedStore, without_a_tie_break_lost_its_whole_peer_before_it_was_mended_and_waits) {
  Cluster cluster = cluster_of(2, Mode::none, {1});
  cluster.start_all();
  cluster.run(3s);
  ASSERT_EQ(cluster.leader(), 2U);
  cluster.power_off(2);
  cluster.run(5min);
  EXPECT_EQ(cluster.leader(), 0U);
}

TEST(DamagedStore, without_a_tie_break_does_not_take_a_peer_for_whole_because_it_once_was) {
  Cluster cluster = cluster_of(2, Mode::none, {1});
  cluster.start_all();
  cluster.run(3s);
  ASSERT_EQ(cluster.leader(), 2U);
  cluster.power_off(2);
  cluster.run(3s);
  cluster.damaged = {1, 2};
  cluster.start(2);
  cluster.run(1min);
  EXPECT_EQ(cluster.leader(), 0U);
}

}  // namespace
}  // namespace systole::membership

// SPDX-License-Identifier: GPL-2.0-or-later
// Stories of whole cores that a seed of the simulator told first.
#include <gtest/gtest.h>

#include "tests/unit/controller/cores.hpp"

namespace systole::controller {
namespace {

/// The leader's answer to the killed daemon's request must not reach the request that its successor passes on.
TEST(Core, an_answer_for_the_daemon_before_a_restart_answers_nobody_after_it) {
  Cores cluster(3);
  cluster.run(3s);
  ASSERT_NE(cluster.leader(), 0U);
  const std::uint32_t other = cluster.leader() % 3 + 1;
  cluster.hold_disks();
  cluster.change(other, 1, "first");
  cluster.run(50ms);
  cluster.kill(other);
  cluster.start(other);
  cluster.run(500ms);
  cluster.change(other, 2, "second");
  cluster.run(50ms);
  ASSERT_FALSE(cluster.replies.contains(2));
  cluster.store_oldest();
  cluster.run(50ms);
  EXPECT_FALSE(cluster.replies.contains(2)) << "only the first change is stored";
  cluster.release_disks();
  cluster.run(50ms);
  EXPECT_EQ(cluster.replies[2].exit_code, 0);
}

/// It was stopped for longer than a deadtime, and what it reads first is old or has nothing to do with its peers.
TEST(Core, that_did_not_run_for_long_gives_its_leadership_up_before_it_does_anything) {
  Cores cluster(3);
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader();
  ASSERT_TRUE(cluster.core(leader).membership().leads());
  cluster.now += 1500ms;
  cluster.step(leader, ClientRequest{1, wire::ipc::QueryAttribute{}, "root"});
  EXPECT_FALSE(cluster.core(leader).membership().leads());
}

/// Nobody else's word is needed there: waiting for the next heartbeat would make each fail-over longer by as much.
TEST(Core, that_leads_alone_in_mode_none_acts_at_once_on_the_loss_of_the_other) {
  Cores cluster(2, membership::Mode::none);
  cib::Primitive vip;
  vip.id = ResourceId{"vip"};
  cluster.configuration.resources.emplace_back(vip);
  cluster.configuration.cluster_properties.push_back({"options", {}, {}, {{"stonith-enabled", "false"}}});
  cluster.nothing_runs = true;
  cluster.run(5s);
  const std::uint32_t leader = cluster.leader(), other = 3 - leader;
  ASSERT_NE(leader, 0U);
  cluster.change(leader, 1, "a");
  cluster.run(1s);
  cluster.kill(leader);
  const auto told = [&](const char* what) { return cluster.told[other].find(what) != std::string::npos; };
  for (int ms = 0; ms < 3000 && !told("leads alone"); ++ms) cluster.run(1ms);
  ASSERT_TRUE(told("leads alone"));
  ASSERT_FALSE(told("start vip"));
  cluster.run(10ms);  // a keepalive has 200
  EXPECT_TRUE(told("start vip")) << cluster.told[other];
}

/// Without it a disk that hangs on one of two nodes stops every change for ever.
TEST(Core, a_member_that_does_not_store_is_given_up_after_five_seconds_and_taken_back_when_it_does) {
  Cores cluster(2, membership::Mode::none);
  cluster.run(5s);
  const std::uint32_t leader = cluster.leader(), other = 3 - leader;
  ASSERT_NE(leader, 0U);
  const auto joined = [&](std::uint32_t id) {
    return cluster.core(leader).status().nodes.at(NodeName{fmt::format("n{}", id)}).online;
  };
  ASSERT_TRUE(joined(other));
  cluster.hold_disk(other);
  cluster.change(leader, 1, "a");
  cluster.run(4900ms);
  EXPECT_FALSE(cluster.replies.contains(1));
  EXPECT_TRUE(joined(other));
  cluster.run(400ms);
  EXPECT_EQ(cluster.replies[1].exit_code, 0);
  EXPECT_FALSE(joined(other));
  EXPECT_NE(cluster.told[leader].find("has not stored the configuration for 5"), std::string::npos);
  EXPECT_NE(cluster.told[other].find("the leader gave this node up"), std::string::npos);
  cluster.step(leader, ClientRequest{2, wire::ipc::QueryCluster{}, "root"});
  const auto& problems = cluster.replies[2].cluster->problems;
  ASSERT_FALSE(problems.empty());
  EXPECT_NE(problems.back().find("does not store the configuration"), std::string::npos) << problems.back();
  cluster.run(10s);
  EXPECT_FALSE(joined(other)) << "its disk still hangs";
  cluster.release_disks();
  cluster.run(2s);
  EXPECT_TRUE(joined(other));
  cluster.step(leader, ClientRequest{3, wire::ipc::QueryCluster{}, "root"});
  EXPECT_LT(cluster.replies[3].cluster->problems.size(), problems.size()) << "it is no problem any more";
}

/// A leader may have to wait for the very witness that it has given up by then.
TEST(Core, a_witness_that_stores_too_late_for_a_new_leader_is_told_the_status_all_the_same) {
  constexpr std::uint32_t witness = 3;
  Cores cluster(3, membership::Mode::majority, witness);
  cluster.hold_disks();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader();
  ASSERT_NE(leader, 0U);
  cluster.release_disk(leader);
  cluster.run(6s);
  ASSERT_EQ(cluster.leader(), leader);
  ASSERT_NE(cluster.told[leader].find("witness n3 has not stored the configuration for 5"), std::string::npos);
  cluster.release_disk(witness);
  cluster.run(1s);
  EXPECT_TRUE(cluster.core(leader).replica().ready());
  EXPECT_NE(cluster.told[leader].find("witness n3 joined"), std::string::npos);
  EXPECT_EQ(cluster.core(witness).status(), cluster.core(leader).status());
}

/// The news of a renewed lease and the end of the old one may cross on the way to the guardian.
TEST(Core, whose_guardian_has_dropped_all_lets_go_and_joins_again_with_nothing) {
  Cores cluster(3);
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader(), other = leader % 3 + 1;
  cluster.step(other, Inherited{{{ResourceId{"vip"}, {"192.0.2.9"}}}, cluster.now + 300ms});
  ASSERT_FALSE(cluster.core(other).executor().holdings().empty());
  cluster.step(other, Dropped{"dropped 192.0.2.9"});
  EXPECT_TRUE(cluster.core(other).executor().holdings().empty());
  EXPECT_NE(cluster.told[other].find("this node's lease is over (the guardian says so)"), std::string::npos);
  EXPECT_NE(cluster.told[other].find("it joins again with nothing"), std::string::npos);
}

/// kill -9 of crmd must cost nothing when it is back in time: the lease of its earlier life goes on.
TEST(Core, that_is_back_before_the_old_lease_ends_keeps_what_it_inherits) {
  Cores cluster(3);
  cluster.run(3s);
  const std::uint32_t other = cluster.leader() % 3 + 1;
  cluster.kill(other);
  cluster.start(other);
  cluster.step(other, Inherited{{{ResourceId{"vip"}, {"192.0.2.9"}}}, cluster.now + 300ms});
  cluster.run(2s);
  EXPECT_FALSE(cluster.core(other).executor().holdings().empty());
  EXPECT_EQ(cluster.told[other].find("lease is over"), std::string::npos) << cluster.told[other];
}

TEST(Core, that_is_to_begin_again_hands_its_leadership_over_first) {
  Cores cluster(3);
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader();
  cluster.step(leader, ClientRequest{1, wire::ipc::Reexec{}, "root"});
  EXPECT_FALSE(cluster.began_again.contains(leader));
  cluster.run(2900ms);
  EXPECT_NE(cluster.leader(), leader);
  EXPECT_TRUE(cluster.began_again.contains(leader));
  EXPECT_EQ(cluster.began_again.size(), 1U);
}

TEST(Core, that_is_to_begin_again_and_runs_something_waits_until_all_members_hold_it) {
  Cores cluster(3);
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader(), other = leader % 3 + 1, third = 6 - leader - other;
  cluster.step(other, Inherited{{{ResourceId{"vip"}, {"192.0.2.9"}}}, cluster.now + 300ms});
  cluster.run(100ms);
  cluster.kill(third);
  cluster.step(other, ClientRequest{1, wire::ipc::Reexec{}, "root"});
  cluster.run(400ms);
  EXPECT_FALSE(cluster.began_again.contains(other)) << "one member has not answered";
  for (int i = 0; i < 150 && !cluster.began_again.contains(other); ++i) cluster.run(10ms);
  ASSERT_TRUE(cluster.began_again.contains(other)) << "that one is no member any more";
  EXPECT_GT(cluster.core(other).membership().lease_until(), cluster.now + 500ms);
}

TEST(Core, a_leader_whose_own_disk_hangs_leads_no_more) {
  Cores cluster(3);
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader();
  cluster.hold_disk(leader);
  cluster.change(leader, 1, "a");
  cluster.run(8s);
  EXPECT_NE(cluster.leader(), 0U);
  EXPECT_NE(cluster.leader(), leader);
  EXPECT_EQ(cluster.replies[1].exit_code, 0) << "the other two had it on disk";
}

/// A leader that gave a member up may lead again while its session with that member goes on.
TEST(Core, a_member_that_was_given_up_gets_a_lease_of_the_same_node_when_that_leads_again) {
  Cores cluster(3);
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader(), other = leader % 3 + 1;
  cluster.hold_disk(other);
  cluster.change(leader, 1, "a");
  cluster.run(5500ms);
  ASSERT_NE(cluster.told[other].find("the leader gave this node up"), std::string::npos);
  const auto resigns = [&] {
    const Stamp failed = cluster.core(cluster.leader()).replica().head().stamp;
    cluster.step(cluster.leader(), DocumentStoreFailed{failed, "the disk is full"});
    cluster.run(3s);
  };
  resigns();
  for (int tries = 0; tries < 10 && cluster.leader() != leader; ++tries) resigns();
  ASSERT_EQ(cluster.leader(), leader);
  cluster.release_disks();
  cluster.run(2s);
  EXPECT_GT(cluster.core(other).membership().lease_until(), cluster.now);
}

/// Of {1, 2, 3} two have a change on disk. A fourth comes, one of the two goes: the rest must not be a majority without
/// it.
TEST(Core, takes_no_other_list_of_nodes_over_before_it_has_what_its_leader_has) {
  Cores cluster(3);
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader(), slow = leader % 3 + 1;
  std::vector<membership::Member> more;
  for (std::uint32_t id = 1; id <= 4; ++id) more.push_back({NodeId{id}, fmt::format("n{}", id), 1});
  cluster.hold_disk(slow);
  cluster.change(leader, 1, "a");
  cluster.run(1s);
  ASSERT_EQ(cluster.replies[1].exit_code, 0);
  cluster.step(slow, Reconfigure{more});
  ASSERT_TRUE(cluster.refused[slow]);
  EXPECT_NE(cluster.refused[slow]->find("has not stored the leader's configuration"), std::string::npos);
  cluster.release_disks();
  cluster.run(100ms);
  cluster.step(slow, Reconfigure{more});
  EXPECT_FALSE(cluster.refused[slow]) << *cluster.refused[slow];
}

TEST(Core, takes_no_other_list_of_nodes_over_while_nobody_leads) {
  Cores cluster(3);
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader(), gone = leader % 3 + 1, rest = gone % 3 + 1;
  cluster.kill(leader);
  cluster.kill(gone);
  cluster.run(5s);
  cluster.step(rest, Reconfigure{{{NodeId{rest}, fmt::format("n{}", rest), 1},
                                  {NodeId{leader}, fmt::format("n{}", leader), 1}}});
  ASSERT_TRUE(cluster.refused[rest]);
  EXPECT_NE(cluster.refused[rest]->find("nobody leads"), std::string::npos) << *cluster.refused[rest];
}

}  // namespace
}  // namespace systole::controller

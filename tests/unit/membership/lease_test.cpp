// SPDX-License-Identifier: GPL-2.0-or-later
// Leases: who renews whose, when they end, and that nobody is taken for gone before its own has ended.
#include <gtest/gtest.h>

#include "tests/unit/membership/cluster.hpp"

namespace systole::membership {
namespace {

std::uint32_t other_than(std::uint32_t id, std::uint32_t nodes) {
  return id % nodes + 1;
}

TEST(Lease, a_connected_node_renews_its_lease_long_before_it_ends) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  for (int i = 0; i < 100; ++i) {
    cluster.run(50ms);
    for (std::uint32_t id = 1; id <= 3; ++id)
      EXPECT_GT(cluster.node(id).lease_until(), cluster.now + 400ms) << "node " << id << ", look " << i;
  }
}

TEST(Lease, hearing_alone_renews_nothing) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t follower = other_than(cluster.leader(), 3);
  for (std::uint32_t id = 1; id <= 3; ++id) cluster.cut(follower, id);  // it hears all, nobody hears it
  cluster.run(250ms);  // what it said before comes back with the leader's next heartbeat
  const Time until = cluster.node(follower).lease_until();
  cluster.run(2s);
  EXPECT_EQ(cluster.node(follower).lease_until(), until);
  EXPECT_LT(until, cluster.now);
}

TEST(Lease, of_a_leader_that_nobody_hears_ends_and_its_term_with_it_before_the_others_elect) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t old = cluster.leader(), other = other_than(old, 3);
  for (std::uint32_t id = 1; id <= 3; ++id) cluster.cut(old, id);
  Time gave_up{}, elected{};
  for (int i = 0; i < 3000 && elected == Time{}; ++i) {
    cluster.run(1ms);
    if (gave_up == Time{} && !cluster.node(old).leads()) gave_up = cluster.now;
    if (elected == Time{} && cluster.node(other).leader() != NodeId{old} && cluster.node(other).leader())
      elected = cluster.now;
  }
  ASSERT_NE(gave_up, Time{});
  ASSERT_NE(elected, Time{});
  EXPECT_LT(gave_up, elected);
  EXPECT_LT(cluster.node(old).lease_until(), elected);
}

TEST(Lease, is_not_renewed_by_a_leader_that_withholds_it) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader(), follower = other_than(leader, 3);
  cluster.node(leader).grant(NodeId{follower}, false);
  cluster.run(50ms);
  const Time until = cluster.node(follower).lease_until();
  cluster.run(1500ms);
  EXPECT_EQ(cluster.node(follower).lease_until(), until);
  EXPECT_EQ(cluster.leader(), leader) << "it is still a member, and votes";
  cluster.node(leader).grant(NodeId{follower}, true);
  cluster.run(500ms);
  EXPECT_GT(cluster.node(follower).lease_until(), cluster.now);
}

TEST(Lease, survives_a_cable_that_loses_every_third_packet) {
  Cluster cluster(2, Mode::majority);
  cluster.start_all();
  cluster.run(3s);
  Dice dice(7);
  cluster.lose = [&](const Transmit&) { return dice.chance(1, 3); };
  for (int i = 0; i < 600; ++i) {
    cluster.run(50ms);
    for (std::uint32_t id = 1; id <= 2; ++id) ASSERT_GT(cluster.node(id).lease_until(), cluster.now) << i;
  }
}

/// Votes may have come late, and somebody else may lead a later term already.
TEST(Lease, is_granted_by_a_new_leader_only_when_a_majority_has_said_that_it_follows) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const auto leads = [](const Transmit& transmit) { return transmit.packet.role == wire::Role::leader; };
  const auto first = std::ranges::find_if(cluster.on_wire, leads);
  ASSERT_NE(first, cluster.on_wire.end());
  EXPECT_FALSE(first->packet.grants);
  EXPECT_TRUE(std::find_if(cluster.on_wire.rbegin(), cluster.on_wire.rend(), leads)->packet.grants);
}

TEST(Lease, of_a_leader_is_not_renewed_by_nodes_that_do_not_follow_it) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader();
  cluster.lose = [&](const Transmit& transmit) {
    // They hear it, and answer; but what they answer is of another term's follower.
    if (transmit.to == NodeId{leader}) const_cast<wire::Packet&>(transmit.packet).term.node = NodeId{};
    return false;
  };
  cluster.run(50ms);
  const Time until = cluster.node(leader).lease_until();
  cluster.run(500ms);
  EXPECT_EQ(cluster.node(leader).lease_until(), until);
}

TEST(Lease, in_mode_none_runs_from_the_last_heartbeat) {
  Cluster cluster(2, Mode::none);
  cluster.start_all();
  cluster.run(3s);
  Time until = cluster.node(1).lease_until();
  int renewed = 0;
  for (int i = 0; i < 40; ++i) {
    cluster.run(10ms);
    renewed += std::exchange(until, cluster.node(1).lease_until()) != until ? 1 : 0;
  }
  EXPECT_EQ(renewed, 2) << "a daemon that dies just before a heartbeat was heard a keepalive ago";
}

TEST(Lease, in_mode_none_lasts_as_long_as_the_daemon_runs) {
  Cluster cluster(2, Mode::none);
  cluster.start_all();
  cluster.run(3s);
  cluster.isolate(1);
  cluster.run(5s);
  EXPECT_GT(cluster.node(1).lease_until(), cluster.now);
  EXPECT_TRUE(cluster.node(1).leads());
}

TEST(Lease, a_silent_node_is_released_when_it_is_lost_and_a_restarted_one_only_when_its_lease_must_be_over) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader(), follower = other_than(leader, 3);
  cluster.told.clear();
  cluster.power_off(follower);
  cluster.run(20ms);
  cluster.start(follower);
  cluster.run(20ms);
  const auto restarted = cluster.when<PeerLost>(leader, [&](const PeerLost& lost) {
    return lost.peer == NodeId{follower} && lost.released > cluster.now + 900ms;
  });
  EXPECT_TRUE(restarted.has_value());
  cluster.told.clear();
  cluster.power_off(follower);
  cluster.run(1200ms);
  const auto silent = cluster.when<PeerLost>(
      leader, [&](const PeerLost& lost) { return lost.peer == NodeId{follower} && lost.released <= cluster.now; });
  EXPECT_TRUE(silent.has_value());
}

/// Of three: the leader resigns, and one of the others leads.
std::uint32_t next_after(Cluster& cluster, std::uint32_t leader) {
  const std::uint32_t one = other_than(leader, 3), two = 6 - leader - one;
  cluster.node(leader).resign();
  cluster.step(leader, Tick{});
  for (int i = 0; i < 50 && !cluster.node(one).leads() && !cluster.node(two).leads(); ++i) cluster.run(2ms);
  return cluster.node(one).leads() ? one : two;
}

/// The leader before heard the silent node when the new one did not, and renewed its lease until it resigned.
TEST(Lease, of_the_leader_before_is_waited_for_though_the_new_leader_has_not_heard_the_node_for_long) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader(), one = other_than(leader, 3), two = 6 - leader - one;
  cluster.cut(one, two);
  cluster.cut(two, one);
  cluster.run(800ms);
  const std::uint32_t next = next_after(cluster, leader), silent = 6 - leader - next;
  ASSERT_TRUE(cluster.node(next).leads());
  const Time until = cluster.node(silent).lease_until();
  ASSERT_GT(until, cluster.now + 500ms);
  cluster.isolate(silent);
  cluster.run(300ms);
  ASSERT_FALSE(cluster.node(next).up().contains(NodeId{silent}));
  EXPECT_GE(cluster.node(next).released_at(NodeId{silent}), until);
}

/// The same for one that is still counted when the next leader begins, and lost by it a moment later.
TEST(Lease, of_the_leader_before_is_waited_for_when_the_new_leader_loses_the_node) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader(), one = other_than(leader, 3), two = 6 - leader - one;
  cluster.cut(one, two);
  cluster.cut(two, one);
  cluster.run(300ms);
  const std::uint32_t next = next_after(cluster, leader), silent = 6 - leader - next;
  ASSERT_TRUE(cluster.node(next).leads());
  ASSERT_TRUE(cluster.node(next).up().contains(NodeId{silent}));
  const Time until = cluster.node(silent).lease_until();
  cluster.isolate(silent);
  cluster.told.clear();
  while (cluster.now < until && cluster.node(next).up().contains(NodeId{silent})) cluster.run(1ms);
  ASSERT_LT(cluster.now, until);
  EXPECT_TRUE(cluster
                  .when<PeerLost>(
                      next, [&](const PeerLost& lost) { return lost.peer == NodeId{silent} && lost.released >= until; })
                  .has_value());
}

/// Whoever resigns has a lease that nobody has waited for: it counts like the others', not as over.
TEST(Lease, of_a_leader_that_resigned_is_waited_for_as_the_others_are) {
  Cluster cluster(3);
  cluster.documents[1] = cluster.documents[2] = {Term{1, NodeId{1}}, 5};  // so that node 3 is never elected
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader(), next = 3 - leader;
  ASSERT_TRUE(leader == 1 || leader == 2);
  cluster.cut(leader, next), cluster.cut(next, leader);
  cluster.run(800ms);
  cluster.node(leader).resign();
  cluster.step(leader, Tick{});
  const Time until = cluster.node(leader).lease_until();
  ASSERT_GT(until, cluster.now + 500ms);
  cluster.run(3ms);
  cluster.isolate(leader);
  for (int i = 0; i < 600 && !cluster.node(next).leads(); ++i) cluster.run(1ms);
  ASSERT_TRUE(cluster.node(next).leads());
  cluster.run(200ms);
  ASSERT_FALSE(cluster.node(next).up().contains(NodeId{leader}));
  ASSERT_LT(cluster.now, until);
  EXPECT_GE(cluster.node(next).released_at(NodeId{leader}), until);
}

TEST(Lease, of_a_leader_is_not_renewed_by_followers_that_have_turned_away_from_it) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader();
  const Term before = cluster.node(leader).term();
  cluster.isolate(leader);
  cluster.run(660ms);
  cluster.mend();
  const Time back = cluster.now;
  int packets = 0;
  cluster.lose = [&](const Transmit& transmit) {
    packets += transmit.to == NodeId{leader} && transmit.packet.term == before && transmit.packet.deserts;
    return false;
  };
  for (int i = 0; i < 1000 && cluster.node(leader).term() == before; ++i) {
    cluster.run(1ms);
    ASSERT_LT(cluster.node(leader).confirmed_at(), back) << i << " ms after it was back";
  }
  EXPECT_GT(packets, 0) << "they did answer";
}

TEST(Lease, of_a_node_whose_daemon_begins_again_is_longer_once_and_nobody_takes_over_or_votes_meanwhile) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader(), node = other_than(leader, 3), third = 6 - leader - node;
  const Time asked = cluster.now;
  for (const std::uint32_t holder : {leader, third}) cluster.node(holder).hold({asked, 0}, NodeId{node});
  cluster.node(node).held(asked);
  const Time until = cluster.node(node).lease_until();
  EXPECT_GT(until, asked + 1400ms);
  cluster.power_off(node);
  cluster.run(1900ms);
  EXPECT_TRUE(cluster.node(leader).up().contains(NodeId{node})) << "it is only silent";
  EXPECT_LT(until, cluster.now);
  cluster.node(leader).resign();
  cluster.step(leader, Tick{});
  cluster.run(90ms);
  EXPECT_EQ(cluster.leader(), third) << "both hold it";
  EXPECT_TRUE(cluster.node(third).up().contains(NodeId{node}));
  cluster.run(1s);
  EXPECT_FALSE(cluster.node(third).up().contains(NodeId{node}));
}

TEST(Lease, of_healthy_nodes_outlives_their_leader_until_the_next_one_leads) {
  for (const std::uint32_t nodes : {3U, 5U}) {
    Cluster cluster(nodes);
    cluster.start_all();
    cluster.run(3s);
    const std::uint32_t leader = cluster.leader();
    cluster.power_off(leader);
    for (int i = 0; i < 300; ++i) {
      cluster.run(10ms);
      for (std::uint32_t id = 1; id <= nodes; ++id) {
        if (id == leader) continue;
        ASSERT_GT(cluster.node(id).lease_until(), cluster.now) << nodes << " nodes, node " << id;
      }
    }
    EXPECT_NE(cluster.leader(), 0U);
  }
}

TEST(Lease, of_a_node_that_alone_cannot_hear_the_leader_is_renewed_by_nobody) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader(), one = other_than(leader, 3);
  cluster.cut(leader, one);
  cluster.cut(one, leader);
  for (int i = 0; i < 1100 && cluster.node(leader).up().contains(NodeId{one}); ++i) cluster.run(1ms);
  EXPECT_FALSE(cluster.node(leader).up().contains(NodeId{one}));
  EXPECT_LT(cluster.node(one).lease_until(), cluster.now);
  EXPECT_TRUE(cluster.node(leader).leads());
}

/// A cut that reaches the third node a moment after the second: both renew each other's leases, while this leader's
/// authority lasts a moment longer than its patience with the second.
TEST(Lease, of_a_lost_node_counts_as_over_only_for_a_leader_that_was_confirmed_since) {
  for (const bool too : {false, true}) {
    Cluster cluster(3);
    cluster.start_all();
    cluster.run(3s);
    const std::uint32_t leader = cluster.leader(), one = other_than(leader, 3), third = 6 - leader - one;
    cluster.cut(leader, one), cluster.cut(one, leader);
    for (int i = 0; i < 1100 && cluster.node(leader).up().contains(NodeId{one}); ++i) {
      cluster.run(1ms);
      if (too && i == 300) cluster.cut(leader, third), cluster.cut(third, leader);
    }
    ASSERT_FALSE(cluster.node(leader).up().contains(NodeId{one}));
    const Time released = cluster.node(leader).released_at(NodeId{one});
    EXPECT_LT(cluster.node(leader).confirmed_at(), released);
    cluster.run(10ms);
    EXPECT_EQ(cluster.node(leader).confirmed_at() >= released, !too);
  }
}

TEST(Lease, of_a_leader_is_not_renewed_by_a_daemon_that_may_have_turned_away_before_it_restarted) {
  for (const Duration away : {100ms, 850ms}) {
    Cluster cluster(3);
    cluster.start_all();
    cluster.run(3s);
    const std::uint32_t leader = cluster.leader(), one = other_than(leader, 3), third = 6 - leader - one;
    cluster.cut(leader, one), cluster.cut(one, leader);
    cluster.run(away);
    cluster.power_off(one);
    cluster.power_off(third);
    cluster.mend();
    cluster.start(one);
    const Time alone = cluster.now;
    cluster.run(600ms);
    EXPECT_EQ(cluster.node(leader).confirmed_at() > alone, away < 500ms) << "away for " << to_text(away);
  }
}

TEST(Lease, of_a_leader_whose_followers_all_turned_away_is_taken_up_again_in_the_next_term) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader();
  const Term before = cluster.node(leader).term();
  cluster.isolate(leader);
  cluster.run(660ms);
  cluster.mend();
  cluster.run(1s);
  EXPECT_EQ(cluster.leader(), leader) << "it was not lost yet, so nobody else was elected";
  EXPECT_GT(cluster.node(leader).term(), before);
}

TEST(Lease, of_a_node_that_is_held_is_safe_from_a_leader_who_does_not_hold_it) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader(), node = other_than(leader, 3), third = 6 - leader - node;
  cluster.node(leader).hold({cluster.now, 0}, NodeId{node});
  cluster.power_off(node);
  cluster.node(leader).resign();
  cluster.step(leader, Tick{});
  for (int i = 0; i < 19; ++i) {
    cluster.run(100ms);
    ASSERT_FALSE(cluster.node(third).leads()) << "it does not know of the promise; after " << i;
  }
}

TEST(PingMode, a_node_that_is_alone_leads_only_while_the_target_answers_and_no_address_of_the_peer_does) {
  Cluster cluster(2, Mode::ping);
  cluster.start_all();
  cluster.run(5s);
  ASSERT_NE(cluster.leader(), 0U);
  cluster.isolate(1);
  cluster.run(3s);
  EXPECT_FALSE(cluster.node(1).leads()) << "without any answer it may be the one that is cut off";
  EXPECT_LT(cluster.node(1).lease_until(), cluster.now);
  cluster.step(1, PingAnswered{cluster.now - 1ms, true});
  cluster.step(1, PingAnswered{cluster.now - 1ms, false});
  cluster.run(100ms);
  EXPECT_FALSE(cluster.node(1).leads()) << "the other one answers at its address";
  const auto target_answers = [&](int times) {
    for (int i = 0; i < times; ++i) {
      cluster.run(200ms);
      cluster.step(1, PingAnswered{cluster.now - 1ms, false});
    }
    cluster.run(50ms);
  };
  target_answers(3);
  EXPECT_FALSE(cluster.node(1).leads()) << "it may just have come back, and the peer will be heard in a moment";
  target_answers(3);
  EXPECT_TRUE(cluster.node(1).leads());
  EXPECT_GT(cluster.node(1).lease_until(), cluster.now);
  cluster.run(2s);
  EXPECT_FALSE(cluster.node(1).leads()) << "the target has not answered for longer than a lease";
}

TEST(Alone, with_wait_for_all_a_cold_start_waits_until_a_person_confirms_the_loss) {
  Cluster cluster(2, Mode::none);
  cluster.config().wait_for_all = true;
  cluster.start(1);
  cluster.run(60s);
  EXPECT_FALSE(cluster.node(1).leads());
  cluster.node(1).confirm_lost();
  cluster.step(1, Tick{});
  cluster.run(50ms);
  EXPECT_TRUE(cluster.node(1).leads());
}

TEST(Witness, lets_the_nodes_that_run_something_lead) {
  Cluster cluster(3);
  cluster.config().nodes[2].witness = true;
  cluster.start_all();
  cluster.run(5s);
  EXPECT_NE(cluster.leader(), 0U);
  EXPECT_NE(cluster.leader(), 3U);
}

}  // namespace
}  // namespace systole::membership

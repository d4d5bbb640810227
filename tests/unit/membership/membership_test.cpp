// SPDX-License-Identifier: GPL-2.0-or-later
// Sessions, links and what is dropped: who is there, who is not, and what an eavesdropper cannot do.
#include <gtest/gtest.h>

#include "tests/unit/membership/cluster.hpp"

namespace systole::membership {
namespace {

TEST(Membership, nodes_that_hear_each_other_are_up_within_three_flights) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(4ms);
  for (std::uint32_t id = 1; id <= 3; ++id) EXPECT_EQ(cluster.node(id).up().size(), 3U) << id;
}

TEST(Membership, a_peer_that_falls_silent_is_lost_exactly_deadtime_after_its_last_packet) {
  Cluster cluster(2, Mode::none);
  cluster.start_all();
  cluster.run(3050ms);
  cluster.told.clear();
  Time last{};
  cluster.lose = [&](const Transmit& transmit) {
    if (transmit.to == NodeId{2}) last = cluster.now + Cluster::flight;
    return false;
  };
  cluster.run(500ms);
  cluster.lose = {};
  cluster.power_off(1);
  cluster.run(3s);
  ASSERT_TRUE(cluster.when<PeerLost>(2).has_value());
  EXPECT_EQ(*cluster.when<PeerLost>(2), last + 1s);
}

TEST(Membership, a_peer_that_does_not_hear_us_is_no_peer_however_well_we_hear_it) {
  Cluster cluster(2);
  cluster.cut(1, 2);
  cluster.start_all();
  cluster.run(5s);
  EXPECT_EQ(cluster.node(1).up().size(), 1U);
  EXPECT_EQ(cluster.node(2).up().size(), 1U);
}

TEST(Membership, a_restarted_daemon_is_noticed_at_once_and_named) {
  Cluster cluster(2);
  cluster.start_all();
  cluster.run(3s);
  cluster.power_off(1);
  cluster.run(50ms);
  cluster.told.clear();
  cluster.start(1);
  cluster.run(10ms);
  const auto lost =
      cluster.when<PeerLost>(2, [](const PeerLost& peer) { return peer.reason == "its daemon restarted"; });
  EXPECT_TRUE(lost.has_value());
  EXPECT_EQ(cluster.node(2).up().size(), 2U);
}

TEST(Membership, packets_played_back_are_counted_and_neither_end_a_session_nor_keep_a_peer_alive) {
  Cluster cluster(2);
  cluster.start_all();
  cluster.run(3s);
  const std::vector<Transmit> overheard = cluster.on_wire;
  cluster.power_off(1);
  cluster.told.clear();
  for (int i = 0; i < 30; ++i) {
    cluster.run(50ms);
    for (const Transmit& transmit : overheard)
      if (transmit.to == NodeId{2}) cluster.step(2, PacketIn{0, transmit.packet});
  }
  EXPECT_TRUE(cluster.when<PeerLost>(2).has_value());
  EXPECT_FALSE(cluster.when<PeerUp>(2).has_value());
  EXPECT_GT(cluster.node(2).counters().replayed, 0U);
}

TEST(Membership, an_old_hello_played_back_cannot_tear_a_living_session_down) {
  Cluster cluster(2);
  cluster.start_all();
  cluster.run(3s);
  const wire::Packet hello = cluster.on_wire.front().packet;
  ASSERT_EQ(hello.to_session, 0U);
  cluster.power_off(1);
  cluster.start(1);
  cluster.run(3s);
  cluster.told.clear();
  cluster.step(2, PacketIn{0, hello});
  cluster.run(2s);
  EXPECT_FALSE(cluster.when<PeerLost>(2).has_value());
}

TEST(Membership, packets_of_a_session_that_is_over_are_counted_and_dropped) {
  Cluster cluster(2);
  cluster.start_all();
  cluster.run(1s);
  const std::vector<Transmit> overheard = cluster.on_wire;
  cluster.power_off(1);
  cluster.start(1);
  cluster.run(1s);
  cluster.step(2, PacketIn{0, std::ranges::find_if(overheard, [](const Transmit& transmit) {
                                return transmit.to == NodeId{2} && transmit.packet.to_session != 0;
                              })->packet});
  EXPECT_EQ(cluster.node(2).counters().old_session, 1U);
}

TEST(Membership, strangers_are_counted_by_kind_and_named_once_a_minute) {
  Cluster cluster(2);
  cluster.start_all();
  wire::Packet packet;
  packet.cluster = "other";
  packet.from = NodeId{2};
  packet.session = 5;
  cluster.step(1, PacketIn{0, packet});
  cluster.step(1, PacketIn{0, packet});
  EXPECT_EQ(cluster.node(1).counters().foreign_cluster, 2U);
  packet.cluster = "test";
  packet.from = NodeId{9};
  cluster.step(1, PacketIn{0, packet});
  EXPECT_EQ(cluster.node(1).counters().unknown_node, 1U);
  packet.from = NodeId{2};
  cluster.step(1, PacketIn{7, packet});  // a link that node 2 does not have
  EXPECT_EQ(cluster.node(1).counters().malformed, 1U);
  const std::string notes = cluster.notes(1);
  EXPECT_EQ(notes.find("cluster \"other\""), notes.rfind("cluster \"other\"")) << notes;
  EXPECT_NE(notes.find("nodeid 9"), std::string::npos) << notes;
}

TEST(Membership, two_machines_with_our_own_nodeid_are_told_loudly) {
  Cluster cluster(2);
  cluster.start_all();
  wire::Packet packet;
  packet.cluster = "test";
  packet.from = NodeId{1};
  packet.boot = 424242;
  packet.session = 5;
  cluster.step(1, PacketIn{0, packet});
  EXPECT_EQ(cluster.node(1).counters().same_node_id, 1U);
  EXPECT_NE(cluster.notes(1).find("another machine runs with nodeid 1"), std::string::npos);
}

TEST(Membership, two_machines_with_one_peers_nodeid_are_found_out_and_the_living_session_stays) {
  // Node 1 is watched by hand: two daemons answer it as node 2.
  Cluster cluster(2);
  cluster.start(1);
  std::map<std::uint64_t, std::uint64_t> seq;
  const auto speak = [&](std::uint64_t boot, std::uint64_t session, std::uint64_t to) {
    wire::Packet packet;
    packet.cluster = "test";
    packet.from = NodeId{2};
    packet.boot = boot;
    packet.session = session;
    packet.to_session = to;
    packet.seq = ++seq[boot];
    cluster.step(1, PacketIn{0, packet});
    return cluster.on_wire.back().packet.session;
  };
  const auto join = [&](std::uint64_t boot, std::uint64_t session) { speak(boot, session, speak(boot, session, 0)); };
  join(71, 5001);
  join(72, 6001);  // looks like a restart
  EXPECT_EQ(cluster.node(1).counters().same_node_id, 0U);
  join(71, 5002);  // but the first one lives
  EXPECT_EQ(cluster.node(1).counters().same_node_id, 1U);
  EXPECT_NE(cluster.notes(1).find("two machines run with nodeid 2"), std::string::npos);
}

TEST(Membership, what_a_group_hears_and_is_meant_for_another_node_is_passed_over_and_no_fault) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const auto before = cluster.node(3).counters();
  const auto heard = cluster.on_wire;
  for (const Transmit& transmit : heard)
    if (transmit.to == NodeId{2}) cluster.step(3, PacketIn{0, transmit.packet});
  const auto after = cluster.node(3).counters();
  EXPECT_EQ(after.replayed + after.old_session + after.malformed + after.same_node_id,
            before.replayed + before.old_session + before.malformed + before.same_node_id);
  cluster.run(1s);
  EXPECT_EQ(cluster.node(3).up().size(), 3U);
}

TEST(Membership, a_dead_link_is_named_and_the_other_one_carries_on) {
  Cluster cluster(2, Mode::majority, 200ms, 1s, 2);
  cluster.start_all();
  cluster.run(3s);
  cluster.cut_links = {1};
  cluster.run(2s);
  EXPECT_EQ(cluster.node(1).up().size(), 2U);
  const auto views = cluster.node(1).peers(cluster.now);
  EXPECT_EQ(views.at(0).links.at(0).state, LinkState::up);
  EXPECT_EQ(views.at(0).links.at(1).state, LinkState::dead);
  EXPECT_NE(cluster.notes(1).find("link 1 to n2 is dead"), std::string::npos);
  cluster.node(1).send(NodeId{2}, "over one link");
  cluster.run(200ms);
  EXPECT_EQ(cluster.delivered(2), std::vector<std::string>{"over one link"});
  cluster.cut_links = {};
  cluster.run(1s);
  EXPECT_NE(cluster.notes(1).find("link 1 to n2 is back"), std::string::npos);
}

TEST(Membership, a_link_that_missed_a_few_keepalives_is_late) {
  Cluster cluster(2, Mode::majority, 200ms, 1s, 2);
  cluster.start_all();
  cluster.run(3s);
  cluster.cut_links = {1};
  cluster.run(700ms);
  EXPECT_EQ(cluster.node(1).peers(cluster.now).at(0).links.at(1).state, LinkState::late);
}

TEST(Membership, two_nodes_whose_daemon_was_stopped_give_the_other_time_to_be_heard_before_they_take_over) {
  Cluster cluster(2, Mode::none);
  cluster.start_all();
  cluster.run(4s);
  const std::uint32_t leader = cluster.leader();
  ASSERT_NE(leader, 0U);
  const std::uint32_t follower = 3 - leader;
  cluster.stopped = {follower};
  cluster.lose = [&](const Transmit& transmit) { return transmit.to.value == follower; };  // a full socket
  cluster.run(3s);
  cluster.stopped = {};
  cluster.lose = {};
  cluster.told.clear();
  cluster.run(1s);
  EXPECT_EQ(cluster.leader(), leader);
  EXPECT_NE(cluster.notes(follower).find("did not run for"), std::string::npos);
}

}  // namespace
}  // namespace systole::membership

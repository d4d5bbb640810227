// SPDX-License-Identifier: GPL-2.0-or-later
// What is said of a link, and when it may carry messages again.
#include "crmd/membership/link_health.hpp"

#include <gtest/gtest.h>

#include "tests/unit/membership/cluster.hpp"

namespace systole::membership {
namespace {

constexpr Duration keepalive = 200ms, deadtime = 1s;

struct OneLink : testing::Test {
  void hear_for(Duration how_long, Duration every = keepalive) {
    for (const Time end = now + how_long; now < end; now += every) link.heard(now);
  }
  LinkView view() const { return link.view(now, Time{}, {}); }

  Time now{1h};
  LinkHealth link{keepalive, deadtime};
};

TEST_F(OneLink, silence_makes_it_late_and_then_dead_and_says_since_when) {
  hear_for(2s);  // the last one was a keepalive ago
  EXPECT_EQ(view().state, LinkState::up);
  EXPECT_EQ(view().lasts, 2s);
  now += 400ms;
  EXPECT_EQ(view().state, LinkState::late);
  EXPECT_EQ(view().lasts, 100ms);
  now += 500ms;
  EXPECT_EQ(view().state, LinkState::dead);
  EXPECT_EQ(view().lasts, 100ms);
  EXPECT_EQ(view().trouble, "nothing heard for 1.1 s");
}

TEST_F(OneLink, the_first_packet_ever_is_no_return) {
  EXPECT_EQ(view().trouble, "never heard");
  link.heard(now);
  EXPECT_TRUE(link.carries(now));
  EXPECT_EQ(link.flaps(), 0U);
}

TEST_F(OneLink, each_return_must_prove_itself_for_twice_as_long_up_to_a_bound) {
  hear_for(2s);
  Duration expected = 2 * keepalive;
  for (int flap = 0; flap < 9; ++flap) {
    now += 2s;
    link.heard(now);
    EXPECT_EQ(link.state(now), LinkState::up);
    EXPECT_EQ(link.probation(now), expected) << flap;
    EXPECT_FALSE(link.carries(now));
    hear_for(expected);
    EXPECT_TRUE(link.carries(now));
    expected = std::min<Duration>(2 * expected, 64 * keepalive);
  }
  EXPECT_EQ(link.flaps(), 9U);
}

TEST_F(OneLink, being_late_on_probation_begins_it_anew_and_being_late_afterwards_does_not) {
  hear_for(2s);
  now += 2s;
  hear_for(200ms);
  now += 500ms;
  link.heard(now);
  EXPECT_EQ(link.probation(now), 2 * keepalive);
  hear_for(600ms);
  EXPECT_TRUE(link.carries(now));
  now += 500ms;
  link.heard(now);
  EXPECT_TRUE(link.carries(now));
  EXPECT_EQ(link.flaps(), 1U);
}

TEST_F(OneLink, a_minute_of_steadiness_makes_good_for_earlier_returns) {
  for (int flap = 0; flap < 4; ++flap) {
    hear_for(2s);
    now += 2s;
  }
  hear_for(5min);
  now += 2s;
  link.heard(now);
  EXPECT_EQ(link.probation(now), 2 * keepalive);
}

TEST_F(OneLink, a_peer_that_was_rebooted_is_no_fault_of_the_cable) {
  hear_for(2s);
  now += 30s;
  link.session_begins(now, false);
  link.heard(now);
  EXPECT_EQ(link.flaps(), 0U);
  EXPECT_TRUE(link.carries(now));
}

TEST_F(OneLink, round_trips_are_kept_for_a_window_and_a_slow_link_is_named) {
  for (int i = 0; i < 100; ++i) link.round_trip(1s);
  hear_for(2s);
  EXPECT_EQ(view().trouble, "slow: 1000 ms there and back, with a keepalive of 200 ms");
  for (int i = 1; i <= 100; ++i) link.round_trip(i * 1ms);
  ASSERT_TRUE(view().round_trip);
  EXPECT_EQ(view().round_trip->least, 1ms);
  EXPECT_EQ(view().round_trip->most, 100ms);
  EXPECT_EQ(view().round_trip->average, 50500us);
  EXPECT_EQ(view().trouble, "");
}

TEST(Arrivals, what_the_other_link_brought_is_missing_here) {
  Arrivals arrivals;
  for (std::uint64_t seq = 1000; seq < 1200; ++seq) {
    arrivals.came(seq, 0, false);
    if (seq % 4 != 0) arrivals.came(seq, 1, false);
  }
  EXPECT_EQ(arrivals.loss(0).lost, 0U);
  EXPECT_EQ(arrivals.loss(0).expected, Arrivals::window);
  EXPECT_EQ(arrivals.loss(1).lost, 25U);
}

TEST(Arrivals, a_number_that_no_link_brought_is_lost_on_all) {
  Arrivals arrivals;
  for (std::uint64_t seq = 1; seq <= 200; seq += 2) arrivals.came(seq, 0, false);
  EXPECT_EQ(arrivals.loss(0).lost, 50U);
}

TEST(Arrivals, packets_with_pieces_of_messages_prove_nothing_because_they_spare_some_links) {
  Arrivals arrivals;
  for (std::uint64_t seq = 1; seq <= 300; ++seq) {
    arrivals.came(seq, 0, seq % 3 != 0);
    if (seq % 3 == 0) arrivals.came(seq, 1, false);
  }
  EXPECT_EQ(arrivals.loss(1).lost, 0U);
  EXPECT_GT(arrivals.loss(1).expected, 90U);
}

TEST(Arrivals, the_copy_that_is_still_under_way_is_not_yet_missed) {
  Arrivals arrivals;
  for (std::uint64_t seq = 1; seq <= 50; ++seq) {
    arrivals.came(seq, 0, false);
    if (seq <= 47) arrivals.came(seq, 1, false);
  }
  EXPECT_EQ(arrivals.loss(1).lost, 0U);
}

TEST(Arrivals, before_the_first_number_nothing_was_expected) {
  Arrivals arrivals;
  EXPECT_EQ(arrivals.loss(0).expected, 0U);
  arrivals.came(5'000'000'000, 0, false);
  arrivals.came(5'000'000'010, 0, false);
  EXPECT_EQ(arrivals.loss(0).expected, 7U);
}

// ---- in a cluster

TEST(LinkHealth, a_cluster_measures_loss_and_round_trip_per_link) {
  Cluster cluster(2, Mode::majority, keepalive, deadtime, 2);
  cluster.start_all();
  cluster.lose = [](const Transmit& transmit) { return transmit.link == 1 && transmit.packet.seq % 5 == 0; };
  cluster.run(40s);
  const PeerView peer = cluster.node(1).peers(cluster.now).at(0);
  EXPECT_EQ(peer.links.at(0).lost, 0U);
  EXPECT_EQ(peer.links.at(1).expected, Arrivals::window);
  EXPECT_EQ(peer.links.at(1).lost, 20U);
  EXPECT_EQ(peer.links.at(1).trouble, "loses 20 % of the packets");
  ASSERT_TRUE(peer.links.at(0).round_trip);
  EXPECT_EQ(peer.links.at(0).round_trip->average, 2 * Cluster::flight);
}

TEST(LinkHealth, a_link_that_came_back_carries_no_message_at_first_but_every_heartbeat) {
  Cluster cluster(2, Mode::majority, keepalive, deadtime, 2);
  cluster.start_all();
  cluster.run(3s);
  for (int flap = 0; flap < 3; ++flap) {
    cluster.cut_links = {1};
    cluster.run(2s);
    cluster.cut_links = {};
    cluster.run(500ms);
  }
  EXPECT_NE(cluster.notes(1).find("link 1 to n2 is back for the 3. time; it carries messages again once it was steady"),
            std::string::npos)
      << cluster.notes(1);
  cluster.on_wire.clear();
  cluster.node(1).send(NodeId{2}, "a message");
  cluster.run(500ms);
  EXPECT_EQ(cluster.delivered(2), std::vector<std::string>{"a message"});
  bool heartbeat = false;
  for (const Transmit& transmit : cluster.on_wire)
    if (transmit.to == NodeId{2} && transmit.link == 1) {
      EXPECT_TRUE(transmit.packet.fragments.empty());
      heartbeat = true;
    }
  EXPECT_TRUE(heartbeat);
}

TEST(LinkHealth, a_link_on_probation_is_all_there_is_and_carries_both) {
  Cluster cluster(2, Mode::majority, keepalive, deadtime, 2);
  cluster.start_all();
  cluster.run(3s);
  cluster.cut_links = {1};
  cluster.run(2s);
  cluster.cut_links = {0};
  cluster.run(900ms);
  cluster.node(1).send(NodeId{2}, "by the new cable");
  cluster.run(400ms);
  EXPECT_EQ(cluster.node(1).up().size(), 2U);
  EXPECT_EQ(cluster.delivered(2), std::vector<std::string>{"by the new cable"});
}

}  // namespace
}  // namespace systole::membership

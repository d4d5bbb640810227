// SPDX-License-Identifier: GPL-2.0-or-later
// Who leads: votes, terms, solo terms.
#include <gtest/gtest.h>

#include "tests/unit/membership/cluster.hpp"

namespace systole::membership {
namespace {

std::size_t granted_votes(const Cluster& cluster) {
  return static_cast<std::size_t>(std::ranges::count_if(cluster.on_wire, [](const Transmit& transmit) {
    const auto& ballot = transmit.packet.ballot;
    return ballot && ballot->kind == wire::Ballot::Kind::vote_reply && ballot->granted;
  }));
}

TEST(Election, three_nodes_elect_one_leader_and_all_know_it) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  EXPECT_NE(cluster.leader(), 0U);
  for (std::uint32_t id = 1; id <= 3; ++id) EXPECT_TRUE(cluster.node(id).quorate());
}

TEST(Election, a_voter_just_started_grants_nothing_in_its_first_deadtime) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(990ms);
  EXPECT_EQ(granted_votes(cluster), 0U);
  EXPECT_EQ(cluster.leader(), 0U);
}

TEST(Election, a_vote_is_on_disk_before_it_is_sent) {
  Cluster cluster(3);
  cluster.start_all();
  for (int i = 0; i < 3'000; ++i) {
    const std::size_t before = cluster.on_wire.size();
    cluster.run(1ms);
    for (std::size_t n = before; n < cluster.on_wire.size(); ++n) {
      const wire::Packet& packet = cluster.on_wire[n].packet;
      if (!packet.ballot || packet.ballot->kind != wire::Ballot::Kind::vote_reply || !packet.ballot->granted) continue;
      EXPECT_EQ(cluster.votes[packet.from.value], (Vote{packet.ballot->number, packet.ballot->candidate}));
    }
  }
  EXPECT_GT(granted_votes(cluster), 0U);
}

TEST(Election, a_node_votes_once_in_a_term_even_after_a_restart) {
  Cluster alone(3);
  alone.votes[1] = {7, NodeId{2}};
  alone.start(1);
  alone.run(1500ms);
  const auto ask = [&](std::uint32_t candidate) {
    wire::Packet packet;
    packet.cluster = "test";
    packet.from = NodeId{candidate};
    packet.boot = packet.session = 900 + candidate;
    packet.seq = 1;
    alone.step(1, PacketIn{0, packet});
    packet.to_session = alone.on_wire.back().packet.session;
    packet.seq = 2;
    packet.term = {7, {}};
    packet.ballot = wire::Ballot{wire::Ballot::Kind::vote, 7, NodeId{candidate}, {}, false};
    alone.step(1, PacketIn{0, packet});
    alone.run(5ms);
    const auto reply = std::ranges::find_if(alone.on_wire, [&](const Transmit& transmit) {
      return transmit.to.value == candidate && transmit.packet.ballot &&
             transmit.packet.ballot->kind == wire::Ballot::Kind::vote_reply;
    });
    return reply != alone.on_wire.end() && reply->packet.ballot->granted;
  };
  EXPECT_FALSE(ask(3));
  EXPECT_TRUE(ask(2));  // the same vote, said again
}

TEST(Election, the_node_with_the_newest_document_is_elected_and_no_other) {
  for (std::uint32_t newest = 1; newest <= 3; ++newest) {
    Cluster cluster(3);
    for (std::uint32_t id = 1; id <= 3; ++id) cluster.documents[id] = {{4, NodeId{1}}, 10};
    cluster.documents[newest].index = 11;
    cluster.start(newest);  // the third stays off: both votes are needed
    cluster.start(newest % 3 + 1);
    cluster.run(5s);
    EXPECT_EQ(cluster.leader(), newest);
  }
}

TEST(Election, the_leaders_power_off_costs_a_deadtime_and_little_more) {
  for (const Duration deadtime : {Duration{200ms}, Duration{1s}}) {
    Cluster cluster(3, Mode::majority, deadtime / 5, deadtime);
    cluster.start_all();
    cluster.run(3 * deadtime);
    const std::uint32_t old = cluster.leader();
    ASSERT_NE(old, 0U);
    cluster.power_off(old);
    cluster.run(deadtime * 3 / 2);
    EXPECT_NE(cluster.leader(), 0U);
    EXPECT_NE(cluster.leader(), old);
  }
}

TEST(Election, a_minority_never_leads_and_a_leader_cut_off_gives_up_within_deadtime) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t old = cluster.leader();
  cluster.isolate(old);
  cluster.run(1010ms);
  EXPECT_FALSE(cluster.node(old).leads());
  EXPECT_FALSE(cluster.node(old).quorate());
  EXPECT_NE(cluster.notes(old).find("its lease ran out"), std::string::npos);
  cluster.run(1s);
  const std::uint32_t other = old % 3 + 1;
  EXPECT_NE(cluster.node(other).leader().value, 0U);
  cluster.mend();
  cluster.run(1s);
  EXPECT_NE(cluster.leader(), 0U);
  EXPECT_NE(cluster.leader(), old);
}

TEST(Election, a_node_that_comes_back_from_a_cut_does_not_disturb_the_leader) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const Term before = cluster.node(1).term();
  const std::uint32_t restless = cluster.leader() % 3 + 1;
  cluster.isolate(restless);
  cluster.run(10s);
  cluster.mend();
  cluster.run(2s);
  for (std::uint32_t id = 1; id <= 3; ++id) EXPECT_EQ(cluster.node(id).term(), before) << id;
}

TEST(Election, a_vote_request_that_comes_when_its_sender_leads_already_changes_nothing) {
  Cluster cluster(3);
  std::optional<Transmit> late;
  cluster.lose = [&](const Transmit& transmit) {
    const auto& ballot = transmit.packet.ballot;
    if (transmit.to != NodeId{1} || !ballot || ballot->kind != wire::Ballot::Kind::vote) return false;
    late = transmit;
    return true;
  };
  cluster.start_all();
  cluster.run(2s);
  ASSERT_TRUE(late);
  ASSERT_EQ(cluster.leader(), late->packet.from.value);
  ASSERT_EQ(cluster.node(1).term(), (Term{late->packet.ballot->number, late->packet.from}));
  const auto changes = [&] {
    return std::ranges::count_if(cluster.told[1],
                                 [](const auto& one) { return std::holds_alternative<LeaderChanged>(one.second); });
  };
  const auto before = changes();
  cluster.step(1, PacketIn{late->link, late->packet});
  cluster.run(1s);
  EXPECT_EQ(changes(), before);
}

TEST(Election, after_resign_another_node_leads_long_before_deadtime) {
  Cluster cluster(3);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t old = cluster.leader();
  cluster.node(old).resign();
  cluster.step(old, Tick{});
  cluster.run(300ms);
  EXPECT_NE(cluster.leader(), 0U);
  EXPECT_NE(cluster.leader(), old);
}

TEST(Election, a_single_node_leads_at_once) {
  Cluster cluster(1);
  cluster.start(1);
  cluster.run(10ms);
  EXPECT_EQ(cluster.leader(), 1U);
}

TEST(Election, without_a_tie_break_two_nodes_that_are_both_there_still_need_both_votes) {
  Cluster cluster(2, Mode::none);
  cluster.start_all();
  cluster.run(3s);
  EXPECT_NE(cluster.leader(), 0U);
  EXPECT_EQ(cluster.node(1).term().number, 1U);
  EXPECT_GT(granted_votes(cluster), 0U);
}

TEST(Election, without_a_tie_break_the_survivor_leads_as_soon_as_its_vote_is_stored) {
  Cluster cluster(2, Mode::none);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t old = cluster.leader(), survivor = 3 - old;
  cluster.told.clear();
  cluster.power_off(old);
  cluster.run(2s);
  const auto lost = cluster.when<PeerLost>(survivor);
  const auto leads = cluster.when<LeaderChanged>(
      survivor, [&](const LeaderChanged& changed) { return changed.leader.value == survivor; });
  ASSERT_TRUE(lost && leads);
  EXPECT_EQ(*leads - *lost, Cluster::disk);
  EXPECT_EQ(cluster.node(survivor).term(), (Term{2, NodeId{survivor}}));
  EXPECT_TRUE(cluster.node(survivor).quorate());
}

TEST(Election, without_a_tie_break_a_node_alone_from_a_cold_start_waits_for_initdead) {
  Cluster cluster(2, Mode::none);
  cluster.start(1);
  cluster.run(3990ms);
  EXPECT_EQ(cluster.leader(), 0U);
  cluster.run(20ms);
  EXPECT_EQ(cluster.leader(), 1U);
}

TEST(Election, without_a_tie_break_a_leader_left_alone_leads_on_in_its_term) {
  Cluster cluster(2, Mode::none);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t leader = cluster.leader();
  const Term term = cluster.node(leader).term();
  cluster.power_off(3 - leader);
  cluster.run(5s);
  EXPECT_EQ(cluster.node(leader).term(), term);
  EXPECT_TRUE(cluster.node(leader).leads());
}

TEST(Election, when_two_that_led_alone_meet_the_later_term_goes_on) {
  Cluster cluster(2, Mode::none);
  cluster.start_all();
  cluster.run(3s);
  const std::uint32_t old = cluster.leader(), other = 3 - old;
  cluster.isolate(old);
  cluster.run(2s);
  EXPECT_TRUE(cluster.node(old).leads());
  EXPECT_TRUE(cluster.node(other).leads());
  cluster.mend();
  cluster.run(1s);
  EXPECT_EQ(cluster.leader(), other);  // it took the solo term, the other one kept its old term
  EXPECT_NE(cluster.notes(old).find("leads the later term"), std::string::npos);
}

TEST(Election, two_solo_terms_of_one_number_are_settled_by_the_node_id) {
  Cluster cluster(2, Mode::none);
  cluster.isolate(1);
  cluster.start_all();
  cluster.run(5s);
  ASSERT_TRUE(cluster.node(1).leads() && cluster.node(2).leads());
  ASSERT_EQ(cluster.node(1).term().number, cluster.node(2).term().number);
  cluster.mend();
  cluster.run(1s);
  EXPECT_EQ(cluster.leader(), 2U);
}

TEST(Election, a_term_learnt_from_the_stored_document_is_not_taken_again) {
  Cluster cluster(2, Mode::none);
  cluster.documents[1] = {{6, NodeId{2}}, 3};
  cluster.start(1);
  cluster.run(5s);
  EXPECT_EQ(cluster.node(1).term(), (Term{7, NodeId{1}}));
}

}  // namespace
}  // namespace systole::membership

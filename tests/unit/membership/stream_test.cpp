// SPDX-License-Identifier: GPL-2.0-or-later
// Messages between members: complete, in order, once, whatever the network does; and bounded.
#include "crmd/membership/stream.hpp"

#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "common/base/window.hpp"
#include "tests/unit/membership/cluster.hpp"

namespace systole::membership {
namespace {

TEST(Stream, messages_of_all_sizes_arrive_complete_and_in_order_over_a_network_that_loses_every_fifth_packet) {
  Cluster cluster(2);
  cluster.start_all();
  cluster.run(3s);
  Dice dice(5);
  cluster.lose = [&](const Transmit&) { return dice.chance(1, 5); };
  std::vector<std::string> sent;
  for (const std::size_t size : {0UL, 1UL, 1'200UL, 1'300UL, 5'000UL, 300'000UL, 3UL})
    sent.push_back(std::string(size, static_cast<char>('a' + sent.size())));
  for (const std::string& message : sent) cluster.node(1).send(NodeId{2}, message);
  cluster.step(1, Tick{});
  cluster.run(20s);
  EXPECT_TRUE(cluster.delivered(2) == sent);
}

TEST(Stream, over_two_links_each_message_is_delivered_once) {
  Cluster cluster(2, Mode::majority, 200ms, 1s, 2);
  cluster.start_all();
  cluster.run(3s);
  for (int i = 0; i < 20; ++i) cluster.node(1).send(NodeId{2}, std::to_string(i));
  cluster.step(1, Tick{});
  cluster.run(100ms);
  EXPECT_EQ(cluster.delivered(2).size(), 20U);
}

TEST(Stream, an_acknowledgement_comes_back_at_once) {
  Cluster cluster(2);
  cluster.start_all();
  cluster.run(3s);
  cluster.on_wire.clear();
  cluster.node(1).send(NodeId{2}, "hello");
  cluster.step(1, Tick{});
  cluster.run(3ms);
  const bool acknowledged = std::ranges::any_of(cluster.on_wire, [](const Transmit& transmit) {
    return transmit.packet.from == NodeId{2} && transmit.packet.ack.all == 1;
  });
  EXPECT_TRUE(acknowledged);
}

TEST(Stream, a_megabyte_crosses_in_a_few_dozen_round_trips) {
  Cluster cluster(2);
  cluster.start_all();
  cluster.run(3s);
  cluster.node(1).send(NodeId{2}, std::string(1 << 20, 'x'));
  cluster.step(1, Tick{});
  cluster.run(60ms);  // 850 fragments, 64 per round trip of 2 ms
  ASSERT_EQ(cluster.delivered(2).size(), 1U);
  EXPECT_EQ(cluster.delivered(2).front().size(), 1U << 20);
}

TEST(Stream, a_peer_that_takes_nothing_in_is_given_up_with_the_number_of_bytes) {
  Cluster cluster(2);
  cluster.start_all();
  cluster.run(3s);
  cluster.told.clear();
  for (std::size_t queued = 0; queued <= limits::stream_backlog_bytes_max; queued += 8 << 20)
    cluster.node(1).send(NodeId{2}, std::string(8 << 20, 'x'));
  cluster.step(1, Tick{});
  const auto lost = cluster.when<PeerLost>(
      1, [](const PeerLost& peer) { return peer.reason.find("bytes wait for it") != std::string::npos; });
  EXPECT_TRUE(lost.has_value());
}

TEST(Stream, a_message_to_somebody_who_is_not_there_is_dropped) {
  Cluster cluster(2);
  cluster.start(1);
  cluster.node(1).send(NodeId{2}, "nobody hears this");
  cluster.node(1).send(NodeId{9}, "nor this");
  cluster.step(1, Tick{});
  cluster.start(2);
  cluster.run(2s);
  EXPECT_TRUE(cluster.delivered(2).empty());
}

TEST(Stream, a_lost_fragment_is_sent_again_when_three_later_ones_arrived_without_waiting_for_the_timer) {
  Outgoing out(10, 50ms);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(out.push(std::string(10, 'x')));
  wire::Packet first;
  first.cluster = "c";
  ASSERT_TRUE(out.fill(Time{}, first));
  ASSERT_EQ(first.fragments.size(), 5U);
  EXPECT_EQ(out.next_deadline(), Time{} + 50ms);
  out.acknowledged({.all = 0, .further = 0b1110});  // 2, 3 and 4 came, 1 did not
  wire::Packet again;
  again.cluster = "c";
  ASSERT_TRUE(out.fill(Time{} + 1ms, again));
  ASSERT_EQ(again.fragments.size(), 1U);
  EXPECT_EQ(again.fragments[0].seq, 1U);
}

TEST(Stream, fragments_far_outside_the_window_are_dropped) {
  Incoming in;
  EXPECT_TRUE(in.take({1'000, true, "x"}).empty());
  EXPECT_EQ(in.ack(), (wire::Ack{0, 0}));
}

TEST(Window, tells_newest_overtaken_and_known_apart) {
  Window window;
  EXPECT_EQ(window.take(5), Window::Verdict::newest);
  EXPECT_EQ(window.take(5), Window::Verdict::known);
  EXPECT_EQ(window.take(3), Window::Verdict::overtaken);
  EXPECT_EQ(window.take(3), Window::Verdict::known);
  EXPECT_EQ(window.take(900), Window::Verdict::newest);
  EXPECT_EQ(window.take(4), Window::Verdict::overtaken);
  EXPECT_EQ(window.take(5'000), Window::Verdict::newest);
  EXPECT_EQ(window.take(900), Window::Verdict::known);  // too long ago to tell: known
}

}  // namespace
}  // namespace systole::membership

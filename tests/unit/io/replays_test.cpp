// SPDX-License-Identifier: GPL-2.0-or-later
// Recorded packets that are played back: which ones never reach the core, and that honest ones always do.
#include "crmd/io/replays.hpp"

#include <gtest/gtest.h>

namespace systole::io {
namespace {

struct ReplaysTest : testing::Test {
  Replays replays;
  Time now = Time{} + 100s;

  bool admits(std::uint64_t boot, std::uint64_t seq, bool of_session = true, std::size_t link = 0,
              NodeId from = NodeId{2}) {
    wire::Packet packet;
    packet.from = from;
    packet.boot = boot;
    packet.seq = seq;
    return replays.admits(now, link, packet, of_session);
  }
  /// How many of so many strays, each of a life never heard of, are let through.
  int strays(int count) {
    int through = 0;
    for (int i = 0; i < count; ++i) through += admits(++boot_of_stray, 1, false) ? 1 : 0;
    return through;
  }
  std::uint64_t boot_of_stray = 1'000;
};

TEST_F(ReplaysTest, a_packet_is_let_through_once) {
  EXPECT_TRUE(admits(7, 10));
  EXPECT_FALSE(admits(7, 10));
  EXPECT_TRUE(admits(7, 11));
  EXPECT_FALSE(admits(7, 10));
}

TEST_F(ReplaysTest, one_that_was_overtaken_is_let_through_and_one_far_too_old_is_not) {
  EXPECT_TRUE(admits(7, 2'000));
  EXPECT_TRUE(admits(7, 1'998));
  EXPECT_FALSE(admits(7, 1'998));
  EXPECT_FALSE(admits(7, 5));
}

TEST_F(ReplaysTest, copies_over_several_links_and_packets_of_several_nodes_are_not_taken_for_replays) {
  EXPECT_TRUE(admits(7, 10, true, 0));
  EXPECT_TRUE(admits(7, 10, true, 3));
  EXPECT_TRUE(admits(7, 10, true, 1));
  EXPECT_TRUE(admits(7, 10, true, 0, NodeId{3}));
  EXPECT_FALSE(admits(7, 10, true, 3));
}

TEST_F(ReplaysTest, a_restarted_daemon_begins_anew_and_its_earlier_life_stays_known) {
  EXPECT_TRUE(admits(7, 5'000));
  EXPECT_TRUE(admits(8, 1, false));
  EXPECT_TRUE(admits(8, 2));
  EXPECT_FALSE(admits(7, 5'000));
  EXPECT_FALSE(admits(7, 4));
}

TEST_F(ReplaysTest, what_is_of_no_session_is_let_through_at_a_bounded_rate) {
  EXPECT_EQ(strays(100'000), 512);
  now += 100ms;
  EXPECT_EQ(strays(100'000), 100);
  now += 1h;
  EXPECT_EQ(strays(100'000), 512);
}

TEST_F(ReplaysTest, a_flood_of_old_lives_keeps_out_no_packet_of_the_session) {
  EXPECT_TRUE(admits(7, 1));
  for (std::uint64_t seq = 2; seq < 50; ++seq) {
    strays(1'000);
    EXPECT_TRUE(admits(7, seq)) << seq;
  }
}

TEST_F(ReplaysTest, packets_from_endless_nodes_take_no_endless_memory) {
  int through = 0;
  for (std::uint32_t node = 1; node < 10'000; ++node) through += admits(7, 1, true, 0, NodeId{node}) ? 1 : 0;
  EXPECT_LT(through, 1'000);
}

}  // namespace
}  // namespace systole::io

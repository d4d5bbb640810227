// SPDX-License-Identifier: GPL-2.0-or-later
// Links over the loopback interface: packets arrive, everything else is counted, what cannot be opened says why.
#include "crmd/io/links.hpp"

#include <unistd.h>

#include <atomic>
#include <thread>

#include "common/log/sinks.hpp"
#include "crmd/io/clock.hpp"
#include "tests/unit/io/scratch.hpp"

namespace systole::io {
namespace {

using boost::asio::ip::udp;

struct LinksTest : testing::Test {
  static config::Key key_of(unsigned char fill) {
    config::Key key;
    key.fill(fill);
    return key;
  }
  /// Ports of their own for each process, so that tests may run side by side.
  static std::uint16_t port() { return static_cast<std::uint16_t>(20'000 + ::getpid() % 20'000); }

  Result<std::unique_ptr<Links>> open(const std::string& address, const std::string& interface = "") {
    const std::map<NodeId, std::vector<std::string>> peers{{NodeId{1}, {"127.0.0.1"}}, {NodeId{2}, {"127.0.0.2"}}};
    return Links::open(address == "127.0.0.2" ? NodeId{2} : NodeId{1}, {{address, port(), interface}}, peers,
                       Sealer({key_of(1)}), BeatTimes{}, log, [] {});
  }
  static wire::Packet packet_to_two() {
    wire::Packet packet;
    packet.from = NodeId{1};
    packet.to = NodeId{2};
    packet.session = 77;
    return packet;
  }
  /// Waits until something came or a packet could long have come.
  static std::vector<Received> taken(Links& links) {
    for (int i = 0; i < 500; ++i) {
      auto received = links.take();
      if (!received.empty()) return received;
      std::this_thread::sleep_for(2ms);
    }
    return {};
  }
  /// From 127.0.0.1, a node's address, unless told otherwise.
  void send_raw(const std::string& bytes, const char* from = "127.0.0.1") {
    udp::socket socket(context, udp::endpoint(boost::asio::ip::make_address(from), 0));
    socket.send_to(boost::asio::buffer(bytes), udp::endpoint(boost::asio::ip::make_address("127.0.0.2"), port()));
  }

  boost::asio::io_context context;
  Log log;
};

TEST_F(LinksTest, a_packet_goes_from_one_node_to_the_other) {
  const auto one = open("127.0.0.1"), two = open("127.0.0.2");
  ASSERT_TRUE(one) << one.error().what;
  ASSERT_TRUE(two) << two.error().what;
  wire::Packet packet;
  packet.cluster = "shop";
  packet.from = NodeId{1};
  packet.to = NodeId{2};
  packet.session = 77;
  const Time before = boot_time();
  (*one)->transmit(NodeId{2}, 0, packet, never);
  const auto received = taken(**two);
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(received[0].packet.cluster, "shop");
  EXPECT_EQ(received[0].packet.session, 77u);
  EXPECT_GE(received[0].packet.sent, before.time_since_epoch()) << "it is stamped when it leaves";
  EXPECT_GE(received[0].at.time_since_epoch(), received[0].packet.sent) << "and when it comes";
}

TEST_F(LinksTest, the_core_is_told_once_until_it_takes) {
  std::atomic<int> told = 0;
  const std::map<NodeId, std::vector<std::string>> peers{{NodeId{1}, {"127.0.0.1"}}};
  const auto two = Links::open(NodeId{2}, {{"127.0.0.2", port(), ""}}, peers, Sealer({key_of(1)}), BeatTimes{}, log,
                               [&] { ++told; });
  ASSERT_TRUE(two);
  const auto one = open("127.0.0.1");
  ASSERT_TRUE(one);
  wire::Packet packet = packet_to_two();
  std::size_t came = 0;
  for (int n = 1; n <= 3; ++n) {
    packet.seq = static_cast<std::uint64_t>(n);
    (*one)->transmit(NodeId{2}, 0, packet, never);
  }
  ASSERT_TRUE(test::run_until(context, [&] { return told > 0; }));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(told, 1);
  came += taken(**two).size();
  packet.seq = 4;
  (*one)->transmit(NodeId{2}, 0, packet, never);
  ASSERT_TRUE(test::run_until(context, [&] { return told == 2; }));
  EXPECT_EQ(came + taken(**two).size(), 4u);
}

TEST_F(LinksTest, the_pulse_beats_for_a_core_that_computes_and_falls_silent_when_it_hangs) {
  const auto one = open("127.0.0.1"), two = open("127.0.0.2");
  ASSERT_TRUE(one);
  ASSERT_TRUE(two);
  wire::Packet packet = packet_to_two();
  packet.to_session = 78;
  packet.seq = 1;
  const Time begin = boot_time();
  packet.echo = begin.time_since_epoch();
  (*one)->fed(begin);
  (*one)->transmit(NodeId{2}, 0, packet, never);  // a keepalive is 200 ms, its silence begins at 500 ms
  std::vector<Received> all;
  while (boot_time() < begin + 1'200ms) {
    for (Received& received : (*two)->take()) all.push_back(std::move(received));
    std::this_thread::sleep_for(5ms);
  }
  ASSERT_GE(all.size(), 2u);
  EXPECT_LE(all.size(), 3u);
  EXPECT_LT(all.back().packet.sent, (begin + 500ms).time_since_epoch());
  EXPECT_GT(all[1].packet.seq, all[0].packet.seq);
  EXPECT_EQ(all[1].packet.session, 77u);
}

TEST_F(LinksTest, what_does_not_hold_is_counted_by_kind_and_never_arrives) {
  const auto two = open("127.0.0.2");
  ASSERT_TRUE(two);
  const Sealer ours({key_of(1)}), theirs({key_of(9)});
  std::string tampered = ours.seal("x");
  tampered.back() = static_cast<char>(tampered.back() ^ 1);
  for (const std::string& bytes :
       {std::string("short"), std::string(3'000, 'x'), theirs.seal("x"), tampered, ours.seal("no packet")})
    send_raw(bytes);
  RefusedDatagrams refused;
  ASSERT_TRUE(test::run_until(context, [&] {
    refused = (*two)->refused();
    return refused.truncated + refused.oversized + refused.foreign + refused.tampered + refused.unreadable == 5;
  }));
  EXPECT_EQ(refused.truncated, 1u);
  EXPECT_EQ(refused.oversized, 1u);
  EXPECT_EQ(refused.foreign, 1u);
  EXPECT_EQ(refused.tampered, 1u);
  EXPECT_EQ(refused.unreadable, 1u);
  EXPECT_TRUE((*two)->take().empty());
}

TEST_F(LinksTest, a_packet_for_another_node_is_not_taken_for_a_recording_of_ours) {
  const auto two = open("127.0.0.2");
  ASSERT_TRUE(two);
  wire::Packet packet;
  packet.from = NodeId{1};
  packet.session = 77;
  packet.seq = 9;
  for (const NodeId to : {NodeId{3}, NodeId{2}}) {
    packet.to = to;
    send_raw(Sealer({key_of(1)}).seal(wire::encode_packet(packet)));
  }
  const auto received = taken(**two);
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(received[0].packet.to, NodeId{2});
  EXPECT_EQ((*two)->refused().replayed, 0u);
}

TEST_F(LinksTest, keys_and_peers_are_changed_while_packets_pass) {
  const auto one = open("127.0.0.1"), two = open("127.0.0.2");
  ASSERT_TRUE(one);
  ASSERT_TRUE(two);
  wire::Packet packet = packet_to_two();
  const auto arrives = [&] {
    ++packet.seq;
    (*one)->transmit(NodeId{2}, 0, packet, never);
    return taken(**two).size() == 1;
  };
  const std::map<NodeId, std::vector<std::string>> both{{NodeId{1}, {"127.0.0.1"}}, {NodeId{2}, {"127.0.0.2"}}};
  EXPECT_TRUE(arrives());
  for (const auto& keys : {std::vector{key_of(1), key_of(2)}, {key_of(2), key_of(1)}, {key_of(2)}})
    for (const auto& links : {&*one, &*two}) {
      ASSERT_TRUE((*links)->reconfigure(both, Sealer(keys)));
      std::this_thread::sleep_for(10ms);
      EXPECT_TRUE(arrives());
    }
  EXPECT_EQ((*two)->refused().foreign, 0u);
  ASSERT_TRUE((*one)->reconfigure({}, Sealer({key_of(2)})));
  (*one)->transmit(NodeId{2}, 0, packet, never);
  std::this_thread::sleep_for(50ms);
  EXPECT_TRUE((*two)->take().empty()) << "the node is no peer any more";
  EXPECT_EQ((*one)->reconfigure({{NodeId{2}, {"nowhere"}}}, Sealer({key_of(2)})).error().code, Errc::invalid);
}

TEST_F(LinksTest, a_packet_goes_by_ipv6) {
  const std::map<NodeId, std::vector<std::string>> self{{NodeId{1}, {"::1"}}};
  const auto links = Links::open(NodeId{2}, {{"::1", port(), ""}}, self, Sealer({key_of(1)}), BeatTimes{}, log, [] {});
  if (!links && links.error().code == Errc::refused) GTEST_SKIP() << links.error().what;
  ASSERT_TRUE(links) << links.error().what;
  wire::Packet packet = packet_to_two();
  packet.seq = 1;
  (*links)->transmit(NodeId{1}, 0, packet, never);
  EXPECT_EQ(taken(**links).size(), 1u);
}

TEST_F(LinksTest, a_link_local_address_needs_its_interface) {
  for (const char* const address : {"fe80::1", "fe80::1%nosuchif0"}) {
    const auto links = open(address);
    ASSERT_FALSE(links) << address;
    EXPECT_EQ(links.error().code, Errc::not_found);
    EXPECT_NE(links.error().what.find("fe80::1%eth0"), std::string::npos) << links.error().what;
  }
}

TEST_F(LinksTest, a_packet_that_is_played_back_never_arrives_again) {
  const auto two = open("127.0.0.2");
  ASSERT_TRUE(two);
  wire::Packet packet = packet_to_two();
  packet.boot = 5;
  packet.seq = 9;
  const std::string sealed = Sealer({key_of(1)}).seal(wire::encode_packet(packet));
  for (int i = 0; i < 100; ++i) send_raw(sealed);
  ASSERT_TRUE(test::run_until(context, [&] { return (*two)->refused().replayed == 99; }));
  EXPECT_EQ((*two)->take().size(), 1u);
}

TEST_F(LinksTest, what_comes_from_an_address_of_no_node_is_dropped_by_the_kernel) {
  const auto two = open("127.0.0.2");
  ASSERT_TRUE(two);
  for (int i = 0; i < 50; ++i) send_raw("garbage", "127.0.0.99");
  send_raw("garbage");
  ASSERT_TRUE(test::run_until(context, [&] { return (*two)->refused().truncated == 1; }));
  EXPECT_EQ((*two)->refused().by_kernel, 50u);
}

TEST_F(LinksTest, addresses_of_version_6_are_told_apart_whole) {
  const std::map<NodeId, std::vector<std::string>> peers{{NodeId{1}, {"::1"}}, {NodeId{2}, {"::2"}}};
  const auto open_v6 = [&] {
    return Links::open(NodeId{2}, {{"::1", port(), ""}}, peers, Sealer({key_of(1)}), BeatTimes{}, log, [] {});
  };
  const auto known = open_v6();
  if (!known) GTEST_SKIP() << "no IPv6 here: " << known.error().what;
  udp::socket socket(context, udp::v6());
  const udp::endpoint to(boost::asio::ip::make_address("::1"), port());
  socket.send_to(boost::asio::buffer("garbage", 7), to);
  EXPECT_TRUE(test::run_until(context, [&] { return (*known)->refused().truncated == 1; }));
  EXPECT_EQ((*known)->refused().by_kernel, 0u);
}

TEST_F(LinksTest, a_port_in_use_is_said_with_the_command_that_finds_the_user) {
  const auto first = open("127.0.0.1");
  ASSERT_TRUE(first);
  const auto second = open("127.0.0.1");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::exists);
  EXPECT_NE(second.error().what.find("ss -ulpn"), std::string::npos) << second.error().what;
}

TEST_F(LinksTest, an_unknown_interface_and_a_foreign_address_are_told_apart) {
  const auto unknown = open("127.0.0.1", "nosuchif0");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::not_found);
  EXPECT_NE(unknown.error().what.find("there is no interface 'nosuchif0'"), std::string::npos);
  const auto foreign = open("192.0.2.77");
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, Errc::refused);
}

}  // namespace
}  // namespace systole::io

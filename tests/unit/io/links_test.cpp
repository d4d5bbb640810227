// SPDX-License-Identifier: GPL-2.0-or-later
// Links over the loopback interface: packets arrive, everything else is counted, what cannot be opened says why.
#include "crmd/io/links.hpp"

#include <unistd.h>

#include "common/log/sinks.hpp"
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
    return Links::open(context, {{address, port(), interface}}, peers, Sealer({key_of(1)}), log,
                       [this](std::size_t, wire::Packet packet) { received.push_back(std::move(packet)); });
  }
  void send_raw(const std::string& bytes) {
    udp::socket socket(context, udp::v4());
    socket.send_to(boost::asio::buffer(bytes), udp::endpoint(boost::asio::ip::make_address("127.0.0.2"), port()));
  }

  boost::asio::io_context context;
  Log log;
  std::vector<wire::Packet> received;
};

TEST_F(LinksTest, a_packet_goes_from_one_node_to_the_other) {
  const auto one = open("127.0.0.1"), two = open("127.0.0.2");
  ASSERT_TRUE(one) << one.error().what;
  ASSERT_TRUE(two) << two.error().what;
  wire::Packet packet;
  packet.cluster = "shop";
  packet.from = NodeId{1};
  packet.session = 77;
  (*one)->transmit(NodeId{2}, 0, packet);
  ASSERT_TRUE(test::run_until(context, [&] { return !received.empty(); }));
  EXPECT_EQ(received.front(), packet);
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
  const RefusedDatagrams& refused = (*two)->refused();
  ASSERT_TRUE(test::run_until(context, [&] {
    return refused.truncated + refused.oversized + refused.foreign + refused.tampered + refused.unreadable == 5;
  }));
  EXPECT_EQ(refused.truncated, 1u);
  EXPECT_EQ(refused.oversized, 1u);
  EXPECT_EQ(refused.foreign, 1u);
  EXPECT_EQ(refused.tampered, 1u);
  EXPECT_EQ(refused.unreadable, 1u);
  EXPECT_TRUE(received.empty());
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

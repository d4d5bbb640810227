// SPDX-License-Identifier: GPL-2.0-or-later
// The list of an address's clients as text and back, when it is copied, and the packet that makes a client speak.
#include "agents/ocf/IPaddr/clients.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "common/base/checksum.hpp"
#include "common/base/dice.hpp"

namespace systole::agents::ipaddr {
namespace {

using namespace std::chrono_literals;

const Ip address4 = *parse_ip("10.0.0.9");
const Ip address6 = *parse_ip("fd00::9");

Client client(std::uint16_t service, const char* ip, std::uint16_t port) {
  return {.service = service, .ip = *parse_ip(ip), .port = port};
}

const std::vector<Client> three{client(22, "10.0.0.7", 5), client(3306, "10.0.0.7", 40112),
                                client(3306, "10.0.0.8", 35500)};

TEST(ClientList, names_each_service_once_and_its_clients_in_order) {
  auto shuffled = three;
  std::ranges::reverse(shuffled);
  EXPECT_EQ(to_text(shuffled, 1000).text, "22=10.0.0.7:5 3306=10.0.0.7:40112,10.0.0.8:35500");
  EXPECT_EQ(to_text({client(3306, "fd00::1", 7)}, 1000).text, "3306=[fd00::1]:7");
  EXPECT_EQ(to_text({}, 1000).text, "");
}

TEST(ClientList, comes_back_from_its_text) {
  EXPECT_EQ(parse_clients(to_text(three, 1000).text, IpFamily::v4), three);
  const std::vector<Client> six{client(1, "fd00::1", 2), client(3306, "fd00::1", 7), client(3306, "fd00::2", 65535)};
  EXPECT_EQ(parse_clients(to_text(six, 1000).text, IpFamily::v6), six);
}

TEST(ClientList, leaves_out_and_counts_who_finds_no_room) {
  for (std::size_t room = 0; room < 60; ++room) {
    const ClientList list = to_text(three, room);
    EXPECT_LE(list.text.size(), room);
    EXPECT_EQ(parse_clients(list.text, IpFamily::v4).size() + list.left_out, three.size()) << list.text;
  }
}

TEST(ClientList, what_is_not_understood_or_of_the_other_family_is_skipped) {
  for (const char* const text :
       {"", " ", "=", "3306", "3306=", "3306=10.0.0.7", "0=10.0.0.7:5", "70000=10.0.0.7:5", "x=10.0.0.7:5",
        "3306=10.0.0.7:0", "3306=10.0.0.7:65536", "3306=[]:5", "3306=[fd00::1]:7", "3306=10.0.0:5", "3306=224.0.0.1:5",
        "3306=0.0.0.0:5", "3306=:5", "3306==10.0.0.7:5"})
    EXPECT_TRUE(parse_clients(text, IpFamily::v4).empty()) << text;
  EXPECT_EQ(parse_clients("rubbish 3306=x,10.0.0.7:5, 22=", IpFamily::v4).size(), 1U);
}

TEST(ClientList, any_bytes_are_read_without_harm) {
  Dice dice(20261124);
  for (int turn = 0; turn < 20'000; ++turn) {
    std::string text = to_text(three, 1000).text;
    for (int i = 0; i < 3; ++i) text[dice.below(text.size())] = static_cast<char>(dice.below(256));
    for (const Client& one : parse_clients(text, IpFamily::v4)) EXPECT_FALSE(one.ip.is_v6());
  }
}

std::uint16_t u16_at(const Packet& packet, std::size_t at) {
  return static_cast<std::uint16_t>(packet[at] << 8 | packet[at + 1]);
}

/// What a receiver computes: over the whole it must be nothing.
std::uint16_t tcp_sum(const Packet& packet, std::size_t addresses) {
  return internet_checksum(std::as_bytes(std::span(packet)).subspan(addresses), 6 + 20);
}

TEST(Tickle, is_a_bare_ACK_from_the_address_to_the_client) {
  const Packet packet = tickle(address4, three[1]);
  ASSERT_EQ(packet.size(), 40U);
  EXPECT_EQ(packet[0], 0x45);
  EXPECT_EQ(packet[9], 6);
  EXPECT_TRUE(std::equal(packet.begin() + 12, packet.begin() + 16, address4.bytes.begin()));
  EXPECT_TRUE(std::equal(packet.begin() + 16, packet.begin() + 20, three[1].ip.bytes.begin()));
  EXPECT_EQ(u16_at(packet, 20), 3306);
  EXPECT_EQ(u16_at(packet, 22), 40112);
  EXPECT_EQ(packet[33], 0x10);
  EXPECT_EQ(tcp_sum(packet, 12), 0);
}

TEST(Tickle, of_IPv6_has_a_head_of_its_own_and_the_same_segment) {
  const Packet packet = tickle(address6, client(3306, "fd00::1", 7));
  ASSERT_EQ(packet.size(), 60U);
  EXPECT_EQ(packet[0], 0x60);
  EXPECT_EQ(u16_at(packet, 4), 20);
  EXPECT_EQ(packet[6], 6);
  EXPECT_TRUE(std::equal(packet.begin() + 8, packet.begin() + 24, address6.bytes.begin()));
  EXPECT_EQ(u16_at(packet, 42), 7);
  EXPECT_EQ(tcp_sum(packet, 8), 0);
}

TEST(CopyPlan, copies_what_is_new_and_now_and_then_what_is_not) {
  const Time begin = Time{} + 100s;
  CopyPlan plan;
  EXPECT_TRUE(plan.due(begin, ""));  // an older owner's list may be there
  plan.copied(begin, "");
  EXPECT_FALSE(plan.due(begin + 1s, ""));
  EXPECT_FALSE(plan.due(begin + 100s, ""));  // nobody misses an empty list
  EXPECT_TRUE(plan.due(begin + 1s, "22=10.0.0.7:5"));
  plan.copied(begin + 1s, "22=10.0.0.7:5");
  EXPECT_FALSE(plan.due(begin + 10s, "22=10.0.0.7:5"));
  EXPECT_TRUE(plan.due(begin + 11s, "22=10.0.0.7:5"));  // a node may have come back without it
}

TEST(CopyPlan, tries_again_what_failed) {
  const Time begin = Time{} + 100s;
  CopyPlan plan;
  plan.copied(begin, "22=10.0.0.7:5");
  plan.failed();
  EXPECT_TRUE(plan.due(begin + 1s, "22=10.0.0.7:5"));
}

}  // namespace
}  // namespace systole::agents::ipaddr

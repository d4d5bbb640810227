// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes: frames bit by bit, and netlink messages, whole, cut off at every length, and with rubbish in them.
#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <algorithm>

#include "agents/ocf/IPaddr/frames.hpp"
#include "agents/ocf/IPaddr/rtnl.hpp"
#include "common/base/dice.hpp"

namespace systole::agents::ipaddr {
namespace {

constexpr Mac mac{2, 0, 0, 0xaa, 0xbb, 0xcc};

constexpr Mac other_mac{2, 0, 0, 0, 0, 9};
const Ip ip4 = *parse_ip("10.0.0.9");
const Ip ip6 = *parse_ip("2001:db8::aabb:ccdd");

std::vector<std::byte> body(const Request& request) {
  const Bytes bytes = request.body();
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> link_message() {
  ifinfomsg head{};
  head.ifi_type = ARPHRD_ETHER;
  head.ifi_index = 7;
  head.ifi_flags = IFF_UP | IFF_BROADCAST;
  Request request(RTM_NEWLINK, 0);
  request.fixed(head).attribute(IFLA_IFNAME, std::string_view("eth7"));
  request.attribute(IFLA_ADDRESS, mac.data(), mac.size());
  const std::uint8_t operstate = 6;  // UP
  request.attribute(IFLA_OPERSTATE, &operstate, 1);
  return body(request);
}

std::vector<std::byte> address_message() {
  ifaddrmsg head{};
  head.ifa_family = AF_INET;
  head.ifa_prefixlen = 24;
  head.ifa_flags = IFA_F_SECONDARY;
  head.ifa_index = 7;
  Request request(RTM_NEWADDR, 0);
  request.fixed(head).attribute(IFA_LOCAL, ip4).attribute(IFA_BROADCAST, *parse_ip("10.0.0.255"));
  request.attribute(IFA_LABEL, std::string_view("eth7:db")).attribute(IFA_FLAGS, std::uint32_t{IFA_F_NOPREFIXROUTE});
  return body(request);
}

std::vector<std::byte> route_message(unsigned char table, bool gateway) {
  rtmsg head{};
  head.rtm_family = AF_INET;
  head.rtm_dst_len = 24;
  head.rtm_table = table;
  head.rtm_type = RTN_UNICAST;
  head.rtm_scope = RT_SCOPE_LINK;
  head.rtm_protocol = RTPROT_KERNEL;
  Request request(RTM_NEWROUTE, 0);
  request.fixed(head).attribute(RTA_DST, *parse_ip("10.0.0.0")).attribute(RTA_OIF, std::uint32_t{7});
  if (gateway) request.attribute(RTA_GATEWAY, *parse_ip("10.0.0.254"));
  return body(request);
}

std::vector<std::byte> ipv6_address_message(std::uint32_t flags) {
  ifaddrmsg head{};
  head.ifa_family = AF_INET6;
  head.ifa_prefixlen = 64;
  head.ifa_index = 7;
  Request request(RTM_NEWADDR, 0);
  const ifa_cacheinfo lifetimes{.ifa_prefered = 0, .ifa_valid = forever, .cstamp = 1, .tstamp = 1};
  request.fixed(head).attribute(IFA_ADDRESS, ip6).attribute(IFA_FLAGS, flags);
  return body(request.attribute(IFA_CACHEINFO, &lifetimes, sizeof lifetimes));
}

std::vector<std::byte> neighbour_message(std::uint16_t state) {
  ndmsg head{};
  head.ndm_family = AF_INET;
  head.ndm_ifindex = 7;
  head.ndm_state = state;
  Request request(RTM_NEWNEIGH, 0);
  return body(request.fixed(head).attribute(NDA_DST, ip4).attribute(NDA_LLADDR, mac.data(), mac.size()));
}

TEST(Arp, request_form_asks_everybody_for_the_own_address) {
  Frame expected{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,  0, 0, 0xaa, 0xbb, 0xcc, 8, 6,  // Ethernet
                 0,    1,    8,    0,    6,    4,    0,  1,                             // hardware, protocol, request
                 2,    0,    0,    0xaa, 0xbb, 0xcc, 10, 0, 0, 9,                       // sender
                 0,    0,    0,    0,    0,    0,    10, 0, 0, 9};                      // target
  expected.resize(60);
  EXPECT_EQ(gratuitous_arp(ArpForm::request, mac, ip4), expected);
}

TEST(Arp, reply_form_carries_the_senders_hardware_address_as_target) {
  Frame expected{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,  0, 0, 0xaa, 0xbb, 0xcc, 8, 6,    0,    1,    8,  0, 6, 4, 0, 2,
                 2,    0,    0,    0xaa, 0xbb, 0xcc, 10, 0, 0, 9,    2,    0,    0, 0xaa, 0xbb, 0xcc, 10, 0, 0, 9};
  expected.resize(60);
  EXPECT_EQ(gratuitous_arp(ArpForm::reply, mac, ip4), expected);
  std::ranges::copy(other_mac, expected.begin());
  EXPECT_EQ(gratuitous_arp_to(other_mac, mac, ip4), expected);
}

TEST(Arp, probe_teaches_nobody_anything) {
  const Frame frame = arp_probe(mac, ip4);
  EXPECT_TRUE(std::all_of(frame.begin() + 28, frame.begin() + 38, [](auto byte) { return byte == 0; }));
  EXPECT_EQ(claim_in(frame, ip4, {}), (Claim{mac, true}));
}

// A kernel's own words, recorded from a Linux that answered for 2001:db8::aabb:ccdd, would do as well: the layout is
// RFC 4861's, the checksum is verified by adding it up again.
TEST(NeighbourDiscovery, advertisement_overrides_and_its_checksum_adds_up) {
  const Frame frame = neighbour_advertisement(mac, ip6);
  ASSERT_EQ(frame.size(), 86U);
  EXPECT_EQ(Frame(frame.begin(), frame.begin() + 14),
            (Frame{0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0xaa, 0xbb, 0xcc, 0x86, 0xdd}));
  EXPECT_EQ(frame[21], 255);  // hop limit: others are ignored
  EXPECT_EQ(frame[54], 136);
  EXPECT_EQ(frame[58], 0x20);  // Override alone
  EXPECT_EQ(Frame(frame.begin() + 78, frame.end()), (Frame{2, 1, 2, 0, 0, 0xaa, 0xbb, 0xcc}));
  std::uint32_t sum = 32 + 58;  // length and next header of the pseudo-header
  for (std::size_t i = 22; i < frame.size(); i += 2) sum += static_cast<std::uint32_t>(frame[i] << 8 | frame[i + 1]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  EXPECT_EQ(sum, 0xffffU);
}

TEST(NeighbourDiscovery, probe_goes_to_the_solicited_node_group_from_nowhere) {
  const Frame frame = neighbour_probe(mac, ip6);
  EXPECT_EQ(Frame(frame.begin(), frame.begin() + 6), (Frame{0x33, 0x33, 0xff, 0xbb, 0xcc, 0xdd}));
  EXPECT_TRUE(std::all_of(frame.begin() + 22, frame.begin() + 38, [](auto byte) { return byte == 0; }));
  EXPECT_EQ(frame[54], 135);
  EXPECT_EQ(claim_in(frame, ip6, {}), (Claim{mac, true}));
}

TEST(Claims, are_heard_from_others_about_this_address_only) {
  EXPECT_EQ(claim_in(gratuitous_arp(ArpForm::request, mac, ip4), ip4, {other_mac}), (Claim{mac, false}));
  EXPECT_EQ(claim_in(gratuitous_arp(ArpForm::reply, mac, ip4), ip4, {other_mac}), (Claim{mac, false}));
  EXPECT_EQ(claim_in(neighbour_advertisement(mac, ip6), ip6, {other_mac}), (Claim{mac, false}));
  EXPECT_EQ(claim_in(gratuitous_arp(ArpForm::reply, mac, ip4), ip4, {mac}), std::nullopt);
  EXPECT_EQ(claim_in(gratuitous_arp(ArpForm::reply, mac, *parse_ip("10.0.0.8")), ip4, {}), std::nullopt);
  EXPECT_EQ(claim_in(neighbour_advertisement(mac, *parse_ip("2001:db8::1")), ip6, {}), std::nullopt);
  Frame question = arp_probe(mac, ip4);
  question[31] = 7;  // a usual question of 0.0.0.7, no probe
  EXPECT_EQ(claim_in(question, ip4, {}), std::nullopt);
}

TEST(Claims, survive_frames_cut_off_anywhere_and_rubbish) {
  Dice dice(21);
  for (const Frame& whole : {gratuitous_arp(ArpForm::reply, mac, ip4), neighbour_advertisement(mac, ip6)}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      for (const Ip& ip : {ip4, ip6}) static_cast<void>(claim_in({whole.data(), size}, ip, {}));
    for (int round = 0; round < 20'000; ++round) {
      Frame frame = whole;
      for (int i = 0; i < 4; ++i) frame[dice.below(frame.size())] = static_cast<std::uint8_t>(dice.below(256));
      for (const Ip& ip : {ip4, ip6}) static_cast<void>(claim_in(frame, ip, {}));
    }
  }
}

TEST(Netlink, reads_a_link) {
  EXPECT_EQ(parse_link(link_message()), (Interface{.index = 7,
                                                   .name = "eth7",
                                                   .mac = mac,
                                                   .admin_up = true,
                                                   .carrier = true,
                                                   .loopback = false,
                                                   .ethernet = true,
                                                   .no_arp = false}));
}

TEST(Netlink, reads_an_address) {
  EXPECT_EQ(parse_address(address_message()), (Address{.index = 7,
                                                       .ip = ip4,
                                                       .prefix = 24,
                                                       .broadcast = parse_ip("10.0.0.255"),
                                                       .label = "eth7:db",
                                                       .secondary = false,
                                                       .noprefixroute = true}));
}

TEST(Netlink, reads_an_ipv6_address_with_its_flags) {
  const Address plain = parse_address(ipv6_address_message(0)).value();
  EXPECT_EQ(plain.ip, ip6);
  EXPECT_EQ(plain.prefix, 64);
  EXPECT_EQ(plain.preferred_lft, 0U);
  EXPECT_FALSE(plain.secondary || plain.tentative || plain.dadfailed || plain.optimistic || plain.nodad);
  EXPECT_TRUE(parse_address(ipv6_address_message(IFA_F_DADFAILED | IFA_F_TENTATIVE))->dadfailed);
  EXPECT_TRUE(parse_address(ipv6_address_message(IFA_F_OPTIMISTIC))->optimistic);
}

TEST(Netlink, reads_only_routes_of_a_link_in_the_main_table) {
  EXPECT_EQ(parse_route(route_message(RT_TABLE_MAIN, false)),
            (Route{.index = 7, .network = *parse_ip("10.0.0.0"), .prefix = 24, .protocol = RTPROT_KERNEL}));
  EXPECT_EQ(parse_route(route_message(RT_TABLE_MAIN, true)), std::nullopt);
  EXPECT_EQ(parse_route(route_message(RT_TABLE_LOCAL, false)), std::nullopt);
}

TEST(Netlink, knows_neighbours_that_somebody_answered_for) {
  EXPECT_EQ(parse_neighbour(neighbour_message(NUD_STALE)), (Neighbour{.index = 7, .ip = ip4, .mac = mac}));
  EXPECT_EQ(parse_neighbour(neighbour_message(NUD_FAILED)), std::nullopt);
  EXPECT_EQ(parse_neighbour(neighbour_message(NUD_INCOMPLETE)), std::nullopt);
}

std::vector<std::vector<std::byte>> messages() {
  return {link_message(), address_message(), ipv6_address_message(IFA_F_OPTIMISTIC),
          route_message(RT_TABLE_MAIN, false), neighbour_message(NUD_STALE)};
}

void parse_all(Bytes message) {
  static_cast<void>(parse_link(message));
  static_cast<void>(parse_address(message));
  static_cast<void>(parse_route(message));
  static_cast<void>(parse_neighbour(message));
}

TEST(Netlink, survives_messages_cut_off_anywhere) {
  for (const auto& message : messages()) {
    for (std::size_t size = 0; size < message.size(); ++size) {
      // In a place of its own, so that a sanitizer sees each byte behind it.
      const std::vector<std::byte> cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
      parse_all(cut);
    }
  }
  EXPECT_EQ(parse_link({}), std::nullopt);
}

TEST(Netlink, survives_rubbish) {
  Dice dice(20);
  for (int round = 0; round < 20'000; ++round) {
    for (std::vector<std::byte> message : messages()) {
      for (int i = 0; i < 4; ++i) message[dice.below(message.size())] = static_cast<std::byte>(dice.below(256));
      parse_all(message);
    }
  }
}

TEST(MacText, makes_a_round_trip_and_refuses_what_is_none) {
  EXPECT_EQ(to_text(*parse_mac("02:00:00:aa:bb:cc")), "02:00:00:aa:bb:cc");
  for (const char* const text : {"", "02:00:00:aa:bb", "02:00:00:aa:bb:cg", "02.00.00.aa.bb.cc", "2:0:0:aa:bb:cc:dd"})
    EXPECT_EQ(parse_mac(text), std::nullopt) << text;
}

}  // namespace
}  // namespace systole::agents::ipaddr

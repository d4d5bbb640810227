// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes: ARP frames bit by bit, and netlink messages, whole, cut off at every length, and with rubbish in them.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <algorithm>
#include <cstring>

#include "agents/ocf/IPaddr/arp.hpp"
#include "agents/ocf/IPaddr/netlink.hpp"
#include "common/base/dice.hpp"

namespace systole::agents::ipaddr {
namespace {

constexpr Mac mac{2, 0, 0, 0xaa, 0xbb, 0xcc};

/// The body of a finished request: what the parsers get.
std::vector<std::byte> body(Request request) {
  const auto& bytes = request.finish(1);
  return {bytes.begin() + sizeof(nlmsghdr), bytes.end()};
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
  return body(std::move(request));
}

std::vector<std::byte> address_message() {
  ifaddrmsg head{};
  head.ifa_family = AF_INET;
  head.ifa_prefixlen = 24;
  head.ifa_flags = IFA_F_SECONDARY;
  head.ifa_index = 7;
  Request request(RTM_NEWADDR, 0);
  request.fixed(head).attribute(IFA_LOCAL, Ipv4{0x0a000009}).attribute(IFA_BROADCAST, Ipv4{0x0a0000ff});
  request.attribute(IFA_LABEL, std::string_view("eth7:db")).attribute(IFA_FLAGS, std::uint32_t{IFA_F_NOPREFIXROUTE});
  return body(std::move(request));
}

std::vector<std::byte> route_message(unsigned char table, bool gateway) {
  rtmsg head{};
  head.rtm_family = AF_INET;
  head.rtm_dst_len = 24;
  head.rtm_table = table;
  head.rtm_type = RTN_UNICAST;
  head.rtm_scope = RT_SCOPE_LINK;
  Request request(RTM_NEWROUTE, 0);
  request.fixed(head).attribute(RTA_DST, Ipv4{0x0a000000}).attribute(RTA_OIF, std::uint32_t{7});
  if (gateway) request.attribute(RTA_GATEWAY, Ipv4{0x0a0000fe});
  return body(std::move(request));
}

TEST(Arp, request_form_asks_everybody_for_the_own_address) {
  const ArpFrame expected{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,  0, 0, 0xaa, 0xbb, 0xcc, 8, 6,  // Ethernet
                          0,    1,    8,    0,    6,    4,    0,  1,         // hardware, protocol, request
                          2,    0,    0,    0xaa, 0xbb, 0xcc, 10, 0, 0, 9,   // sender
                          0,    0,    0,    0,    0,    0,    10, 0, 0, 9};  // target
  EXPECT_EQ(gratuitous_arp(ArpForm::request, mac, Ipv4{0x0a000009}), expected);
}

TEST(Arp, reply_form_carries_the_senders_hardware_address_as_target) {
  const ArpFrame expected{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0,    0,    0xaa, 0xbb, 0xcc, 8,    6,
                          0,    1,    8,    0,    6,    4,    0, 2,    2,    0,    0,    0xaa, 0xbb, 0xcc,
                          10,   0,    0,    9,    2,    0,    0, 0xaa, 0xbb, 0xcc, 10,   0,    0,    9};
  EXPECT_EQ(gratuitous_arp(ArpForm::reply, mac, Ipv4{0x0a000009}), expected);
}

TEST(Netlink, reads_a_link) {
  EXPECT_EQ(parse_link(link_message()), (Interface{.index = 7,
                                                   .name = "eth7",
                                                   .mac = mac,
                                                   .admin_up = true,
                                                   .carrier = true,
                                                   .loopback = false,
                                                   .speaks_arp = true}));
}

TEST(Netlink, reads_an_address) {
  EXPECT_EQ(parse_address(address_message()), (Address{.index = 7,
                                                       .ip = {0x0a000009},
                                                       .prefix = 24,
                                                       .broadcast = Ipv4{0x0a0000ff},
                                                       .label = "eth7:db",
                                                       .secondary = true,
                                                       .noprefixroute = true}));
}

TEST(Netlink, reads_only_routes_of_a_link_in_the_main_table) {
  EXPECT_EQ(parse_route(route_message(RT_TABLE_MAIN, false)),
            (Route{.index = 7, .network = {0x0a000000}, .prefix = 24}));
  EXPECT_EQ(parse_route(route_message(RT_TABLE_MAIN, true)), std::nullopt);
  EXPECT_EQ(parse_route(route_message(RT_TABLE_LOCAL, false)), std::nullopt);
}

TEST(Netlink, survives_messages_cut_off_anywhere) {
  for (const auto& message : {link_message(), address_message(), route_message(RT_TABLE_MAIN, false)}) {
    for (std::size_t size = 0; size < message.size(); ++size) {
      const std::vector<std::byte> cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
      static_cast<void>(parse_link(cut));
      static_cast<void>(parse_address(cut));
      static_cast<void>(parse_route(cut));
    }
  }
  EXPECT_EQ(parse_link({}), std::nullopt);
}

TEST(Netlink, survives_rubbish) {
  Dice dice(20);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> message = round % 2 == 0 ? link_message() : address_message();
    for (int i = 0; i < 4; ++i) message[dice.below(message.size())] = static_cast<std::byte>(dice.below(256));
    static_cast<void>(parse_link(message));
    static_cast<void>(parse_address(message));
    static_cast<void>(parse_route(message));
  }
}

TEST(Ipv4Text, makes_a_round_trip_and_refuses_what_is_none) {
  EXPECT_EQ(to_text(*parse_ipv4("192.0.2.10")), "192.0.2.10");
  for (const char* const text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", " 1.2.3.4", "1.2.3.4/24", "::1"}) {
    EXPECT_EQ(parse_ipv4(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace systole::agents::ipaddr

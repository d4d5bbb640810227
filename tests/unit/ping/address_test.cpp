// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses of both families, and what getent says.
#include "agents/ocf/ping/address.hpp"

#include <gtest/gtest.h>

#include "agents/kit/agent.hpp"
#include "agents/ocf/ping/names.hpp"

namespace systole::agents::ping {
namespace {

using icmp::Family;

TEST(Address, is_of_either_family_or_none) {
  const auto four = parse_address("192.0.2.7");
  ASSERT_TRUE(four);
  EXPECT_EQ(four->family, Family::v4);
  EXPECT_EQ(four->bytes[3], 7);
  const auto six = parse_address("2001:db8::7");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->family, Family::v6);
  EXPECT_EQ(six->bytes[15], 7);
  for (const char* const text :
       {"", "router", "192.0.2", "192.0.2.256", "192.0.2.7%eth0", "fe80::1%", "::g", "fe80::1%a-name-that-is-too-long"})
    EXPECT_FALSE(parse_address(text)) << text;
}

TEST(Address, of_a_link_keeps_its_zone) {
  const auto local = parse_address("fe80::1%lo");
  ASSERT_TRUE(local);
  EXPECT_EQ(local->zone, "lo");
  EXPECT_TRUE(to_socket_address(*local));
  const auto elsewhere = to_socket_address(*parse_address("fe80::1%nosuch"));
  EXPECT_EQ(elsewhere.error().what, "there is no network interface 'nosuch'");
}

TEST(Names, take_the_first_address_of_getent) {
  EXPECT_EQ(first_address("192.0.2.7      STREAM router\n192.0.2.7 DGRAM\n"), parse_address("192.0.2.7"));
  EXPECT_EQ(first_address("fe80::1%eth0 STREAM router\n"), parse_address("fe80::1%eth0"));
  EXPECT_FALSE(first_address(""));
  EXPECT_FALSE(first_address("\n192.0.2.7"));
  EXPECT_FALSE(first_address("nonsense"));
}

TEST(Names, leave_addresses_alone) {
  const Environment nothing;
  const auto all = addresses_of({"192.0.2.7", "::1"}, Family::v6, nothing, boot_now());
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(*all[0], *parse_address("192.0.2.7"));
  EXPECT_EQ(*all[1], *parse_address("::1"));
}

}  // namespace
}  // namespace systole::agents::ping

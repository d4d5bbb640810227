// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses of both families: text, networks, kinds.
#include "common/base/ip.hpp"

#include <gtest/gtest.h>

namespace systole {
namespace {

Ip ip(std::string_view text) {
  return parse_ip(text).value();
}

TEST(Ip, makes_a_round_trip_through_text) {
  for (const char* const text : {"192.0.2.10", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::10", "fe80::1"})
    EXPECT_EQ(to_text(ip(text)), text);
  EXPECT_EQ(to_text(ip("2001:DB8:0:0:0:0:0:1")), "2001:db8::1");
}

TEST(Ip, refuses_what_is_no_address) {
  for (const std::string text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", " 1.2.3.4", "1.2.3.4/24", "1.2.3.4 ",
                                 "::1%eth0", ":::", "2001:db8::1/64", "12345::", "localhost"})
    EXPECT_EQ(parse_ip(text), std::nullopt) << text;
  EXPECT_EQ(parse_ip(std::string_view("1.2.3.4\0", 8)), std::nullopt);
}

TEST(Ip, knows_the_first_and_the_last_of_a_network) {
  EXPECT_EQ(first_of(ip("10.1.7.9"), 20), ip("10.1.0.0"));
  EXPECT_EQ(last_of(ip("10.1.7.9"), 20), ip("10.1.15.255"));
  EXPECT_EQ(last_of(ip("10.1.7.9"), 32), ip("10.1.7.9"));
  EXPECT_EQ(first_of(ip("10.1.7.9"), 0), ip("0.0.0.0"));
  EXPECT_EQ(first_of(ip("2001:db8::ffff"), 121), ip("2001:db8::ff80"));
}

TEST(Ip, compares_networks_within_a_family) {
  EXPECT_TRUE(same_network(ip("10.0.0.1"), ip("10.0.0.200"), 24));
  EXPECT_FALSE(same_network(ip("10.0.0.1"), ip("10.0.1.1"), 24));
  EXPECT_TRUE(same_network(ip("2001:db8::1"), ip("2001:db8::2:1"), 64));
  EXPECT_FALSE(same_network(ip("0.0.0.0"), ip("::"), 0));
}

TEST(Ip, tells_kinds_apart) {
  EXPECT_TRUE(ip("127.3.2.1").is_loopback() && ip("::1").is_loopback());
  EXPECT_FALSE(ip("::2").is_loopback() || ip("128.0.0.1").is_loopback());
  EXPECT_TRUE(ip("224.0.0.18").is_multicast() && ip("ff02::1").is_multicast());
  EXPECT_TRUE(ip("fe80::1").is_link_local() && ip("febf::1").is_link_local());
  EXPECT_FALSE(ip("fec0::1").is_link_local() || ip("169.254.0.1").is_link_local());
  EXPECT_TRUE(ip("::").is_unspecified() && ip("0.0.0.0").is_unspecified());
}

TEST(Ip, is_read_from_bytes_of_the_right_number_only) {
  const auto bytes = ip("2001:db8::1").bytes;
  EXPECT_EQ(ip_from(IpFamily::v6, bytes.data(), 16), ip("2001:db8::1"));
  EXPECT_EQ(ip_from(IpFamily::v6, bytes.data(), 4), std::nullopt);
  EXPECT_EQ(ip_from(IpFamily::v4, bytes.data(), 4), ip("32.1.13.184"));
}

}  // namespace
}  // namespace systole

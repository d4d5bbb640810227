// SPDX-License-Identifier: GPL-2.0-or-later
// Echo requests and replies as bytes, against packets written down from the RFCs.
#include "common/icmp/echo.hpp"

#include <gtest/gtest.h>

namespace systole::icmp {
namespace {

using namespace std::literals;

std::string reply_to(std::string request, unsigned char type) {
  request[0] = static_cast<char>(type);
  return request;
}

TEST(EchoRequest, of_ipv4_has_a_checksum_that_makes_the_sum_of_all_words_all_ones) {
  EXPECT_EQ(echo_request(Family::v4, 0x1234, 1, "ab"), "\x08\x00\x84\x68\x12\x34\x00\x01"s + "ab");
  for (const std::string_view payload : {"", "a", "abc", "\xff\xff\xff\xff\xff\xff\xff"}) {
    std::string message = echo_request(Family::v4, 0xffff, 0xffff, payload);
    if (message.size() % 2 != 0) message.push_back('\0');
    std::uint32_t sum = 0;
    for (std::size_t at = 0; at < message.size(); at += 2)
      sum += static_cast<unsigned char>(message[at]) * 256U + static_cast<unsigned char>(message[at + 1]);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    EXPECT_EQ(sum, 0xffffU);
  }
}

TEST(EchoRequest, of_ipv6_leaves_the_checksum_to_the_kernel) {
  EXPECT_EQ(echo_request(Family::v6, 0x1234, 1, "ab"), "\x80\x00\x00\x00\x12\x34\x00\x01"s + "ab");
}

TEST(EchoReply, is_found_behind_an_ip_header_with_options) {
  const std::string reply = reply_to(echo_request(Family::v4, 7, 9, "payload"), 0);
  const EchoReply expected{.id = 7, .sequence = 9, .payload = "payload"};
  EXPECT_EQ(parse_echo_reply(Family::v4, false, reply), expected);
  EXPECT_EQ(parse_echo_reply(Family::v4, true, "\x45" + std::string(19, '\0') + reply), expected);
  EXPECT_EQ(parse_echo_reply(Family::v4, true, "\x46" + std::string(23, '\0') + reply), expected);
}

TEST(EchoReply, is_neither_a_request_nor_another_message_nor_a_stub) {
  const std::string request = echo_request(Family::v6, 7, 9, "");
  EXPECT_FALSE(parse_echo_reply(Family::v6, false, request));
  EXPECT_FALSE(parse_echo_reply(Family::v6, false, reply_to(request, 1)));
  const std::string reply = reply_to(request, 129);
  EXPECT_TRUE(parse_echo_reply(Family::v6, false, reply));
  EXPECT_FALSE(parse_echo_reply(Family::v4, false, reply));
  for (std::size_t size = 0; size < reply.size(); ++size)
    EXPECT_FALSE(parse_echo_reply(Family::v6, false, reply.substr(0, size)));
  EXPECT_FALSE(parse_echo_reply(Family::v4, true, ""));
  EXPECT_FALSE(parse_echo_reply(Family::v4, true, "\x4f"));
}

}  // namespace
}  // namespace systole::icmp

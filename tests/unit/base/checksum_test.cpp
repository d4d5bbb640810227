// SPDX-License-Identifier: GPL-2.0-or-later
// The example of RFC 1071 §3, odd lengths, and carries.
#include "common/base/checksum.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace systole {
namespace {

std::uint16_t sum(const std::vector<std::uint8_t>& bytes, std::uint32_t begin = 0) {
  return internet_checksum(std::as_bytes(std::span(bytes)), begin);
}

TEST(InternetChecksum, is_the_RFCs_own_example) {
  EXPECT_EQ(sum({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}), static_cast<std::uint16_t>(~0xddf2));
}

TEST(InternetChecksum, takes_a_last_odd_byte_as_the_upper_one) {
  EXPECT_EQ(sum({0x12}), static_cast<std::uint16_t>(~0x1200));
  EXPECT_EQ(sum({}), 0xffff);
}

TEST(InternetChecksum, a_carry_of_a_carry_is_added_too) {
  EXPECT_EQ(sum({0xff, 0xff, 0x00, 0x01}), static_cast<std::uint16_t>(~0x0001));
  EXPECT_EQ(sum({0xff, 0xff}, 0xffff'0001), sum({0xff, 0xff, 0xff, 0xff, 0x00, 0x01}));
}

}  // namespace
}  // namespace systole

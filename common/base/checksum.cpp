// SPDX-License-Identifier: GPL-2.0-or-later
// See checksum.hpp.
#include "common/base/checksum.hpp"

namespace systole {

std::uint16_t internet_checksum(Bytes bytes, std::uint32_t begin) {
  std::uint64_t sum = begin;
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    sum += std::to_integer<std::uint32_t>(bytes[at]) << 8U;
    if (at + 1 < bytes.size()) sum += std::to_integer<std::uint32_t>(bytes[at + 1]);
  }
  while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace systole

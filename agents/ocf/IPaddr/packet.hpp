// SPDX-License-Identifier: GPL-2.0-or-later
// Writing packets, field by field, in network order.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/base/ip.hpp"

namespace systole::agents::ipaddr {

using Packet = std::vector<std::uint8_t>;

class Writer {
 public:
  Writer& u8(unsigned value) {
    packet_.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }
  Writer& u16(unsigned value) { return u8(value >> 8U & 255U).u8(value & 255U); }
  Writer& u32(std::uint32_t value) { return u16(value >> 16U).u16(value & 0xffffU); }
  Writer& mac(const std::array<std::uint8_t, 6>& mac) {
    packet_.insert(packet_.end(), mac.begin(), mac.end());
    return *this;
  }
  Writer& ip(const Ip& ip) {
    packet_.insert(packet_.end(), ip.bytes.begin(), ip.bytes.begin() + static_cast<std::ptrdiff_t>(ip.size()));
    return *this;
  }
  /// With zeros up to `least` bytes.
  Packet padded(std::size_t least) {
    if (packet_.size() < least) packet_.resize(least);
    return std::move(packet_);
  }
  Packet done() { return padded(0); }

 private:
  Packet packet_;
};

/// Over what was written before.
inline void put_u16(Packet& packet, std::size_t at, std::uint16_t value) {
  packet[at] = static_cast<std::uint8_t>(value >> 8U);
  packet[at + 1] = static_cast<std::uint8_t>(value & 255U);
}

}  // namespace systole::agents::ipaddr

// SPDX-License-Identifier: GPL-2.0-or-later
// Drops addresses by rtnetlink, from whatever interface has them: one dump that finds them, then one datagram with all
// deletions. No `ip` command: nothing may have to be loaded from a disk that is in trouble.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/handles.hpp"
#include "common/base/ip.hpp"
#include "common/base/result.hpp"

namespace systole::guardian {

/// IPv4 or IPv6, with or without "/PREFIX"; nullopt: neither, or a loopback or unspecified address, which nobody holds.
std::optional<Ip> parse_held_ip(std::string_view text);

class Addresses {
 public:
  static Result<Addresses> open();
  /// Deletes each of them wherever it is. How many there were: 0 says that the kernel has none of them.
  Result<unsigned> drop(const std::vector<Ip>& unwanted);

 private:
  struct Found {
    Ip ip;
    unsigned char prefix = 0;
    std::uint32_t interface = 0;
  };
  explicit Addresses(Fd socket) : socket_(std::move(socket)), buffer_(32 << 10) {}
  Result<std::vector<Found>> find(const std::vector<Ip>& wanted);
  Result<void> remove(const std::vector<Found>& addresses);
  template <class Take>
  Result<void> receive(const Take& take);

  Fd socket_;
  std::vector<std::byte> buffer_;
  std::uint32_t sequence_ = 0;
};

}  // namespace systole::guardian

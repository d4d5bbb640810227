// SPDX-License-Identifier: GPL-2.0-or-later
// See source_filter.hpp. A classic BPF program: load the source from the IP header, compare, accept all or nothing.
#include "crmd/io/source_filter.hpp"

#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <array>

namespace systole::io {
namespace {

constexpr std::uint32_t network_header = static_cast<std::uint32_t>(SKF_NET_OFF);
constexpr std::uint32_t source_in_v4 = 12, source_in_v6 = 8;
constexpr std::uint32_t whole_packet = 0xffffffff, nothing = 0;

constexpr sock_filter load_word(std::uint32_t offset) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, network_header + offset};
}
/// Goes on when equal, else skips so many instructions.
constexpr sock_filter unless_equal_skip(std::uint32_t value, std::uint8_t skip) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, skip, value};
}
constexpr sock_filter take(std::uint32_t bytes) {
  return {BPF_RET | BPF_K, 0, 0, bytes};
}

std::uint32_t word_at(const boost::asio::ip::address_v6::bytes_type& bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 | std::uint32_t{bytes[at + 2]} << 8 |
         bytes[at + 3];
}

void compare_v6(std::vector<sock_filter>& program, const boost::asio::ip::address_v6& address) {
  const auto bytes = address.to_bytes();
  for (std::uint8_t word = 0; word < 4; ++word) {
    program.push_back(load_word(source_in_v6 + 4u * word));
    program.push_back(unless_equal_skip(word_at(bytes, 4u * word), static_cast<std::uint8_t>(2 * (3 - word) + 1)));
  }
  program.push_back(take(whole_packet));
}

}  // namespace

bool accept_only_from(int socket, bool v6, const std::vector<boost::asio::ip::address>& sources) {
  std::vector<sock_filter> program;
  if (!v6) program.push_back(load_word(source_in_v4));
  for (const auto& source : sources) {
    if (source.is_v6() != v6) continue;
    if (v6) {
      compare_v6(program, source.to_v6());
    } else {
      program.push_back(unless_equal_skip(source.to_v4().to_uint(), 1));
      program.push_back(take(whole_packet));
    }
  }
  program.push_back(take(nothing));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

std::uint64_t dropped_by_kernel(int socket) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> numbers{};
  socklen_t length = sizeof numbers;
  if (::getsockopt(socket, SOL_SOCKET, SO_MEMINFO, numbers.data(), &length) != 0) return 0;
  return numbers[SK_MEMINFO_DROPS];
}

}  // namespace systole::io

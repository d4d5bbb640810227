// SPDX-License-Identifier: GPL-2.0-or-later
// See local_network.hpp.
#include "tools/agent/local_network.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "agents/kit/paths.hpp"
#include "common/base/handles.hpp"
#include "common/base/text.hpp"

namespace systole::tools {
namespace {

using Bytes = std::vector<unsigned char>;

Bytes bytes_of(std::string_view address) {
  const std::string text(address.substr(0, address.find('%')));
  Bytes four(4), six(16);
  if (::inet_pton(AF_INET, text.c_str(), four.data()) == 1) return four;
  if (::inet_pton(AF_INET6, text.c_str(), six.data()) == 1) return six;
  return {};
}

bool same_network(const Bytes& a, const Bytes& b, unsigned prefix) {
  if (a.empty() || a.size() != b.size()) return false;
  for (unsigned bit = 0; bit < prefix && bit / 8 < a.size(); ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if (((a[bit / 8] ^ b[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

/// The raw address of a sockaddr, 4 or 16 bytes; empty for other families.
Bytes raw(const sockaddr* address) {
  if (address == nullptr) return {};
  const void* from = nullptr;
  std::size_t size = 0;
  sockaddr_in four{};
  sockaddr_in6 six{};
  if (address->sa_family == AF_INET) {
    std::memcpy(&four, address, sizeof four);
    from = &four.sin_addr;
    size = 4;
  } else if (address->sa_family == AF_INET6) {
    std::memcpy(&six, address, sizeof six);
    from = &six.sin6_addr;
    size = 16;
  }
  Bytes bytes(size);
  if (size != 0) std::memcpy(bytes.data(), from, size);
  return bytes;
}

std::string text_of(const Bytes& bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

/// "10.0.0.1 0x1 0x2 02:00:… * eth0": flag 2 is a complete entry.
bool known_to_arp(const std::string& address) {
  const auto table = agents::read_file("/proc/net/arp");
  if (!table) return false;
  for (const std::string& line : split(*table, '\n')) {
    const auto fields = words(line);
    if (fields.size() > 3 && fields[0] == address) return fields[2] != "0x0" && fields[3] != "00:00:00:00:00:00";
  }
  return false;
}

/// What was known of the address may be old: who answers is to be asked anew.
void forget_arp(int fd, const sockaddr_in& address, const std::string& interface) {
  arpreq request{};
  std::memcpy(&request.arp_pa, &address, sizeof address);
  interface.copy(request.arp_dev, sizeof request.arp_dev - 1);
  ::ioctl(fd, SIOCDARP, &request);
}

}  // namespace

std::vector<LocalAddress> addresses_with_networks() {
  ifaddrs* listed = nullptr;
  if (::getifaddrs(&listed) != 0) return {};
  const std::unique_ptr<ifaddrs, Release<::freeifaddrs>> owner(listed);
  std::vector<LocalAddress> all;
  for (const ifaddrs* each = listed; each != nullptr; each = each->ifa_next) {
    if ((each->ifa_flags & IFF_UP) == 0 || (each->ifa_flags & IFF_LOOPBACK) != 0) continue;
    const Bytes bytes = raw(each->ifa_addr);
    if (bytes.empty()) continue;
    unsigned prefix = 0;
    for (const unsigned char byte : raw(each->ifa_netmask)) prefix += static_cast<unsigned>(std::popcount(byte));
    all.push_back({.interface = each->ifa_name, .address = text_of(bytes), .prefix = prefix});
  }
  return all;
}

std::optional<LocalAddress> network_of(const std::vector<LocalAddress>& all, std::string_view address) {
  std::optional<LocalAddress> best;
  const Bytes wanted = bytes_of(address);
  for (const LocalAddress& each : all)
    if (same_network(wanted, bytes_of(each.address), each.prefix) && (!best || each.prefix > best->prefix)) best = each;
  return best;
}

std::string account_pattern(const LocalAddress& local) {
  const Bytes bytes = bytes_of(local.address);
  if (bytes.size() != 4) return {};
  Bytes mask(4), network(4);
  for (unsigned bit = 0; bit < local.prefix && bit < 32; ++bit)
    mask[bit / 8] = static_cast<unsigned char>(mask[bit / 8] | (0x80U >> (bit % 8)));
  for (std::size_t i = 0; i < 4; ++i) network[i] = static_cast<unsigned char>(bytes[i] & mask[i]);
  return fmt::format("{}/{}", text_of(network), text_of(mask));
}

std::string own_ring_address(std::string_view configuration, const std::vector<LocalAddress>& ours) {
  for (const std::string& raw_line : split(configuration, '\n')) {
    const std::string_view line = trim(raw_line);
    constexpr std::string_view word = "ring0_addr:";
    if (!line.starts_with(word)) continue;
    const Bytes address = bytes_of(trim(line.substr(word.size())));
    for (const LocalAddress& each : ours)
      if (!address.empty() && bytes_of(each.address) == address) return each.address;
  }
  return {};
}

bool answers_arp(const std::string& address, const std::string& interface) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);  // discard: what counts is the question for the hardware address before it
  if (::inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1) return false;
  const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return false;
  forget_arp(fd.get(), to, interface);
  [[maybe_unused]] const auto sent =
      ::sendto(fd.get(), "", 0, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  for (int look = 0; look < 10; ++look) {
    if (known_to_arp(address)) return true;
    ::poll(nullptr, 0, 50);
  }
  return false;
}

}  // namespace systole::tools

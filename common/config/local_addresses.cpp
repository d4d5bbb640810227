// SPDX-License-Identifier: GPL-2.0-or-later
// See local_addresses.hpp.
#include "common/config/local_addresses.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>

#include <memory>

#include "common/base/handles.hpp"

namespace systole::config {

namespace {

bool of_one_interface(const sockaddr& address) {
  return address.sa_family == AF_INET6 &&
         IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr) != 0;
}

}  // namespace

std::vector<std::string> local_addresses() {
  std::vector<std::string> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return found;
  const std::unique_ptr<ifaddrs, Release<::freeifaddrs>> owner(list);
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    char text[INET6_ADDRSTRLEN] = {};
    if (at->ifa_addr == nullptr) continue;
    if (at->ifa_addr->sa_family == AF_INET)
      ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr, text, sizeof text);
    else if (at->ifa_addr->sa_family == AF_INET6)
      ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr, text, sizeof text);
    if (text[0] == '\0') continue;
    found.emplace_back(text);
    if (of_one_interface(*at->ifa_addr)) found.back() += std::string("%") + at->ifa_name;
  }
  return found;
}

}  // namespace systole::config

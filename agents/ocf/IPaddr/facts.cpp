// SPDX-License-Identifier: GPL-2.0-or-later
// See facts.hpp.
#include "agents/ocf/IPaddr/facts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace systole::agents::ipaddr {

std::optional<Mac> parse_mac(std::string_view text) {
  Mac mac{};
  if (text.size() != mac.size() * 3 - 1) return std::nullopt;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const char* const at = text.data() + i * 3;
    if (std::from_chars(at, at + 2, mac[i], 16).ptr != at + 2) return std::nullopt;
    if (i + 1 < mac.size() && at[2] != ':' && at[2] != '-') return std::nullopt;
  }
  return mac;
}

std::string to_text(const Mac& mac) {
  return fmt::format("{:02x}", fmt::join(mac, ":"));
}

const Interface* Facts::interface(std::string_view name) const {
  const auto found = std::ranges::find(interfaces, name, &Interface::name);
  return found == interfaces.end() ? nullptr : &*found;
}

const Interface* Facts::interface(int index) const {
  const auto found = std::ranges::find(interfaces, index, &Interface::index);
  return found == interfaces.end() ? nullptr : &*found;
}

}  // namespace systole::agents::ipaddr

// SPDX-License-Identifier: GPL-2.0-or-later
// See fencing.hpp. The formats are those of Pacemaker 2.1, as its tools print them.
#include "agents/ocf/mysql/fencing.hpp"

#include <ctime>
#include <optional>
#include <string>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr std::int64_t tolerance_s = 10;

/// "2026-11-29 07:50:43Z", perhaps with a fraction. In another time zone an offset stands in the Z's place: not taken.
std::optional<std::int64_t> utc_seconds(const std::string& text) {
  std::tm parts{};
  const char* const rest = ::strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &parts);
  if (rest == nullptr || text.empty() || text.back() != 'Z') return std::nullopt;
  return ::timegm(&parts);
}

}  // namespace

bool is_down(std::string_view node_state) {
  const auto has = [&](std::string_view name, std::string_view one, std::string_view other) {
    const auto value = between(node_state, " " + std::string(name) + "=\"", "\"");
    return value && (*value == one || *value == other);
  };
  return has("in_ccm", "false", "0") && has("crmd", "offline", "0") && has("expected", "down", "down");
}

bool was_fenced(std::string_view history, std::int64_t since_s) {
  for (const std::string& event : split(history, '<')) {
    if (!event.starts_with("fence_event ") || between(event, " status=\"", "\"") != "success") continue;
    const auto action = between(event, " action=\"", "\""), completed = between(event, " completed=\"", "\"");
    if (action != "off" && action != "reboot") continue;
    const auto at = completed ? utc_seconds(*completed) : std::nullopt;
    if (at && *at + tolerance_s >= since_s) return true;
  }
  return false;
}

}  // namespace systole::mysql

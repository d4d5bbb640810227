// SPDX-License-Identifier: GPL-2.0-or-later
// Durations as Pacemaker writes them, and as people read them.
#include <string>

#include "common/base/text.hpp"
#include "common/base/time.hpp"

namespace systole {

namespace {

constexpr std::int64_t years_100_s = 100LL * 366 * 24 * 3600;

std::optional<Duration> unit_of(std::string_view unit) {
  if (unit == "s" || unit == "sec" || unit.empty()) return 1s;
  if (unit == "ms" || unit == "msec") return 1ms;
  if (unit == "us" || unit == "usec") return 1us;
  if (unit == "m" || unit == "min") return 1min;
  if (unit == "h" || unit == "hr") return 1h;
  return std::nullopt;
}

std::optional<Duration> times(std::int64_t count, Duration unit) {
  if (count < 0 || count > years_100_s * 1'000'000'000 / unit.count()) return std::nullopt;
  return count * unit;
}

/// ISO 8601 durations without years and months, whose length is not fixed: P[nW][nD][T[nH][nM][nS]]. Hours and seconds
/// may lack their T, since real CIBs say "P10S" and Pacemaker takes it for ten seconds.
std::optional<Duration> parse_iso(std::string_view text) {
  Duration total{};
  bool in_time = false, any = false;
  text.remove_prefix(1);
  while (!text.empty()) {
    if (text.front() == 'T' && !in_time) {
      in_time = true;
      text.remove_prefix(1);
      continue;
    }
    const auto digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    const auto count = parse_int<std::int64_t>(text.substr(0, digits));
    const char letter = text[digits];
    const std::optional<Duration> unit = !in_time && letter == 'W'   ? std::optional<Duration>(168h)
                                         : !in_time && letter == 'D' ? std::optional<Duration>(24h)
                                         : letter == 'H'             ? std::optional<Duration>(1h)
                                         : in_time && letter == 'M'  ? std::optional<Duration>(1min)
                                         : letter == 'S'             ? std::optional<Duration>(1s)
                                                                     : std::nullopt;
    if (!count || !unit) return std::nullopt;
    const auto part = times(*count, *unit);
    if (!part || total > Duration(years_100_s * 1'000'000'000) - *part) return std::nullopt;
    total += *part;
    any = true;
    text.remove_prefix(digits + 1);
  }
  return any ? std::optional<Duration>(total) : std::nullopt;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  text = trim(text);
  if (text.empty()) return std::nullopt;
  if (text.front() == 'P') return parse_iso(text);
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = parse_int<std::int64_t>(text.substr(0, digits));
  const auto unit = unit_of(trim(text.substr(digits)));
  if (!count || !unit) return std::nullopt;
  return times(*count, *unit);
}

std::string to_text(Duration duration) {
  const auto ns = duration.count();
  if (ns < 0) return "-" + to_text(-duration);
  if (ns % 1'000'000 != 0) return std::to_string(ns / 1'000) + "us";
  if (ns % 1'000'000'000 != 0) return std::to_string(ns / 1'000'000) + "ms";
  const auto s = ns / 1'000'000'000;
  std::string text;
  if (s >= 3600) text += std::to_string(s / 3600) + "h";
  if (s % 3600 >= 60) text += std::to_string(s % 3600 / 60) + "m";
  if (s % 60 != 0 || text.empty()) text += std::to_string(s % 60) + "s";
  return text;
}

}  // namespace systole

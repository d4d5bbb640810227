// SPDX-License-Identifier: GPL-2.0-or-later
// Time is an argument. Time counts nanoseconds of CLOCK_BOOTTIME (it goes on in suspend and never steps); wall time is
// only for what people and the CIB read (last-rc-change, failure-timeout) and may step either way.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace systole {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// Tag of the monotonic clock; it has no now(): only crmd/io reads clocks.
struct BootClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};
using Time = BootClock::time_point;
inline constexpr Time never = Time::max();

/// What a step is told of the present.
struct Now {
  Time at{};                 // monotonic
  std::int64_t epoch_s = 0;  // wall clock, seconds since 1970
};

/// Pacemaker's interval syntax: "20" (seconds), "20s", "200ms", "100us", "5m"/"5min", "1h"/"1hr", ISO 8601 "PT20S" …
/// "P1D". nullopt: no duration, or negative, or above 100 years.
std::optional<Duration> parse_duration(std::string_view text);

/// "200ms", "20s", "1m30s": shortest exact form, for people.
std::string to_text(Duration duration);

inline std::int64_t to_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace systole

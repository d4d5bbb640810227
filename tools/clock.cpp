// SPDX-License-Identifier: GPL-2.0-or-later
// See clock.hpp.
#include "tools/clock.hpp"

#include <time.h>

#include <algorithm>

namespace systole::tools {

Time clock_now() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return Time{std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)};
}

int poll_ms(Time until) {
  return static_cast<int>(std::clamp<std::int64_t>(to_ms(until - clock_now()), 0, 3'600'000));
}

}  // namespace systole::tools

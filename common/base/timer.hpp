// SPDX-License-Identifier: GPL-2.0-or-later
// Timers of the kernel (timerfd) on CLOCK_BOOTTIME, the clock of Time.
#pragma once

#include <sys/timerfd.h>

#include <algorithm>

#include "common/base/time.hpp"

namespace systole {

/// -1 with errno where there is none to be had.
inline int make_timer() {
  return ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
}

/// In place of what it was set to; never: it does not ring. A time in the past rings at once.
inline void set_timer(int timer, Time at) {
  itimerspec when{};  // all 0: disarmed
  if (at != never) {
    const auto since_boot = std::max<Duration>(at.time_since_epoch(), 1ns);
    when.it_value = {static_cast<time_t>(since_boot / 1s), static_cast<long>((since_boot % 1s).count())};
  }
  ::timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace systole

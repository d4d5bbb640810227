// SPDX-License-Identifier: GPL-2.0-or-later
// One moment by which an action must be over, handed down through every call that may wait, so that the sum of many
// bounded waits is bounded too. CLOCK_BOOTTIME: it goes on while the machine sleeps and never steps.
#pragma once

#include <time.h>

#include <algorithm>
#include <climits>

#include "common/base/time.hpp"

namespace systole {

inline Time boot_time() {
  timespec at{};
  ::clock_gettime(CLOCK_BOOTTIME, &at);
  return Time{std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec)};
}

class Deadline {
 public:
  explicit Deadline(Time at) : at_(at) {}
  static Deadline in(Duration span) { return Deadline(boot_time() + span); }

  Time at() const { return at_; }

  bool over() const { return boot_time() >= at_; }
  Duration left() const { return std::max(Duration::zero(), at_ - boot_time()); }
  /// For poll(2): rounded up, so that a wait never ends before its time and then spins.
  int left_ms() const {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left()).count();
    return static_cast<int>(std::min<long>(ms, INT_MAX));
  }
  /// This deadline, but not later than `span` from now.
  Deadline within(Duration span) const { return Deadline(std::min(at_, boot_time() + span)); }

 private:
  Time at_;
};

}  // namespace systole

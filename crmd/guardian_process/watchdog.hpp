// SPDX-License-Identifier: GPL-2.0-or-later
// The watchdog device (Documentation/watchdog/watchdog-api.rst of Linux): it resets the machine when it has not been
// petted for its timeout. Closing it without the magic word leaves it running: the guardian's death is answered too.
#pragma once

#include <string>

#include "common/base/handles.hpp"
#include "common/base/time.hpp"
#include "common/log/log.hpp"

namespace systole::guardian {

class Watchdog {
 public:
  /// None.
  Watchdog() = default;
  /// Opens and arms it, and logs what came of it. A device that cannot be opened is none.
  Watchdog(const std::string& device, std::chrono::seconds timeout, Log& log);

  bool armed() const { return static_cast<bool>(device_); }
  /// The time after which it bites; zero where there is none.
  Duration timeout() const { return armed() ? timeout_ : Duration{}; }
  /// "none", "/dev/watchdog, 10 s", "/dev/watchdog: cannot be opened: …".
  const std::string& in_words() const { return words_; }
  void pet();
  /// Disarms it: only at an orderly end.
  void disarm();

 private:
  Fd device_;
  Duration timeout_{};
  std::string words_ = "none";
};

}  // namespace systole::guardian

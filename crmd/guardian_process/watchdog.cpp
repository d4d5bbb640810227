// SPDX-License-Identifier: GPL-2.0-or-later
// See watchdog.hpp.
#include "crmd/guardian_process/watchdog.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace systole::guardian {

Watchdog::Watchdog(const std::string& device, std::chrono::seconds timeout, Log& log)
    : device_(::open(device.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)), timeout_(timeout) {
  if (!device_) {
    words_ = fmt::format("{}: cannot be opened: {}", device, std::strerror(errno));
    log.error(
        "watchdog {}; a frozen process or kernel will not be reset. Load its driver (or softdog) and restart crmd",
        words_);
    return;
  }
  int seconds = static_cast<int>(timeout.count());
  if (::ioctl(device_.get(), WDIOC_SETTIMEOUT, &seconds) != 0) {
    const int reason = errno;
    if (::ioctl(device_.get(), WDIOC_GETTIMEOUT, &seconds) != 0) seconds = static_cast<int>(timeout.count());
    words_ = fmt::format("{}, {} s, which it did not confirm: {}", device, seconds, std::strerror(reason));
    log.warning("watchdog {}: its timeout cannot be set: {}; petting it as if it were {} s", device,
                std::strerror(reason), seconds);
  } else {
    words_ = fmt::format("{}, {} s", device, seconds);
    log.notice("watchdog {}: armed", words_);
  }
  if (seconds < 1) seconds = 1;
  timeout_ = std::chrono::seconds(seconds);  // what the driver made of it
}

void Watchdog::pet() {
  // A write pets every driver; some know no WDIOC_KEEPALIVE. Any byte but 'V', which is the magic word.
  if (!armed() || ::ioctl(device_.get(), WDIOC_KEEPALIVE, 0) == 0) return;
  if (::write(device_.get(), "p", 1) < 0) return;  // it bites then, and that is right
}

void Watchdog::disarm() {
  if (armed() && ::write(device_.get(), "V", 1) < 0) words_ += ": cannot be disarmed";
  device_.reset();
}

}  // namespace systole::guardian

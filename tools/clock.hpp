// SPDX-License-Identifier: GPL-2.0-or-later
// The tools' only clock: for deadlines.
#pragma once

#include "common/base/time.hpp"

namespace systole::tools {

/// CLOCK_BOOTTIME.
Time clock_now();

/// For poll(2): milliseconds until then, at least 0, at most an hour.
int poll_ms(Time until);

}  // namespace systole::tools

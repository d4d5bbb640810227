// SPDX-License-Identifier: GPL-2.0-or-later
// Invariants of our own state, checked in production too: a process that no longer knows what it does must end,
// so that the others can take over. Never used on input: a bad packet or CIB is an Error, not a crash.
#pragma once

namespace systole {

[[noreturn]] void ensure_failed(const char* condition, const char* file, int line);

}  // namespace systole

#define ensure(condition) \
  ((condition) ? static_cast<void>(0) : ::systole::ensure_failed(#condition, __FILE__, __LINE__))

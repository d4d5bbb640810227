// SPDX-License-Identifier: GPL-2.0-or-later
// The last words of a process whose invariant broke.
#include "common/base/ensure.hpp"

#include <cstdio>
#include <cstdlib>

namespace systole {

void ensure_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "systole: internal invariant broken: %s (%s:%d); this process ends\n", condition, file, line);
  std::abort();
}

}  // namespace systole

// SPDX-License-Identifier: GPL-2.0-or-later
// How an agent's process comes into the world: in its cgroup from its first instant, in a process group of its own,
// with nothing of ours open. Entering a cgroup later, by a write, takes the kernel some 10 ms (it waits until no
// processor is within a fork), at each call of each agent; clone3(2) with CLONE_INTO_CGROUP, Linux 5.7, takes none.
#pragma once

#include <sys/types.h>

#include "common/base/handles.hpp"

namespace systole::io {

struct Birth {
  const char* program;
  const char* const* arguments;    // with the program's name, and nullptr at the end
  const char* const* environment;  // nullptr at the end
  int input, output, errors;       // what becomes 0, 1 and 2
  int cgroup = -1;                 // its folder (Cgroups::door_of); -1: ours
};

struct Born {
  pid_t pid = 0;
  Fd handle;      // a pidfd
  int error = 0;  // errno of what failed, in us or in the child; then there is no process
};

Born give_birth(const Birth& birth);

/// The way of older kernels, which give_birth() takes where clone3(2) does not know CLONE_INTO_CGROUP or is forbidden.
Born give_birth_by_fork(const Birth& birth);

}  // namespace systole::io

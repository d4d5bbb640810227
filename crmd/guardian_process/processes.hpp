// SPDX-License-Identifier: GPL-2.0-or-later
// Kills what a resource runs, and looks whether it is gone. A zombie counts as gone: it has no descriptors and no
// memory any more, and the parent that should reap it may be a crmd that hangs.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "crmd/guardian/guardian.hpp"

namespace systole::guardian {

/// What must be killed of one resource.
class Processes {
 public:
  /// spared: processes that are never killed, nor their groups: this one, and crmd. Reads the pid files.
  Processes(const Holding& holding, std::vector<pid_t> spared);
  /// SIGKILL to all of it: by cgroup.kill, by group, by pid.
  void kill() const;
  /// In words what is still there; "": all is gone.
  std::string left() const;

 private:
  bool is_spared(pid_t group) const;

  std::string cgroup_;
  std::vector<pid_t> groups_, pids_;
  std::vector<pid_t> spared_;
};

/// The process that a pid file names; 0: none, or nonsense (no number, process 1).
pid_t read_pid_file(const std::string& path);

/// Why a holding cannot be ended as it stands; "": it can.
std::string complaint_about(const Holding& holding);

}  // namespace systole::guardian

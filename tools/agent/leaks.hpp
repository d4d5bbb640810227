// SPDX-License-Identifier: GPL-2.0-or-later
// What a resource left behind after it said that it had stopped: processes, addresses, files.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::tools {

/// From now on orphans of this process's children become its own children, so that none gets out of sight.
void adopt_orphans();

struct Leftover {
  pid_t pid = 0;
  std::string command;
};
/// All living processes below this one. Dead orphans are reaped; no call may be under way.
std::vector<Leftover> descendants();
/// Gives those that are just ending some time; what is left then. wait: how long at most.
std::vector<Leftover> descendants_after(Duration wait);
/// Kills them all; for the end, and for what was found.
void end_descendants();

std::string in_words(const std::vector<Leftover>& leftovers);

/// "192.0.2.1 on eth0"; link-local addresses of IPv6 come and go by themselves and are left out.
std::set<std::string> addresses_here();

/// An empty folder that becomes the working directory, and goes with this object.
class WorkFolder {
 public:
  /// Into a new folder below $TMPDIR or /tmp; error(): why that failed.
  WorkFolder();
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const Result<void>& made() const { return made_; }
  /// Names of what is in it now.
  std::vector<std::string> files() const;
  /// "process 12 'sleep 100' has 'log' open": of the given ones, whatever they hold open in it, removed or not.
  std::vector<std::string> held_by(const std::vector<Leftover>& processes) const;

 private:
  std::string before_, path_;
  Result<void> made_;
};

}  // namespace systole::tools

// SPDX-License-Identifier: GPL-2.0-or-later
// Where agents keep what must survive the call, and the little that must survive the boot.
#pragma once

#include <sys/types.h>

#include <string>

#include "agents/kit/values.hpp"
#include "common/base/result.hpp"

namespace systole::agents {

struct Paths {
  std::string state;   // HA_RSCTMP, default /run/resource-agents: pid files and the like; emptied by a boot
  std::string rundir;  // SYSTOLE_RUNDIR, default /run/systole: the manager's socket lives here
  std::string kept;    // SYSTOLE_STATEDIR, default /var/lib/systole: what must survive the boot as well
};

Paths paths_from(const Environment& env);

/// "/run/x" of "/run/x/y", "/" of "/y", "." of "y".
std::string folder_of(const std::string& path);
/// Until this returns, a name made or changed in the folder may be lost with the power. Ok where the file system has no
/// such thing.
Result<void> flush_folder(const std::string& path);
/// By this process: it exists, and files can be made in it.
bool is_writable_folder(const std::string& path);

/// Makes the folder (0755) and its parents when missing.
Result<void> make_folder(const std::string& path);

/// The whole file; not_found when it is not there. At most limit bytes, else too_big.
Result<std::string> read_file(const std::string& path, std::size_t limit = 1 << 20);

/// By a temporary file and rename, synced when durable: a reader sees the old or the new text, never half of it.
Result<void> write_file(const std::string& path, std::string_view text, bool durable = false, unsigned mode = 0644);
/// That temporary file: what a writer that was killed meanwhile has left.
std::string temporary_of(const std::string& path, pid_t writer);

}  // namespace systole::agents

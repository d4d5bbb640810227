// SPDX-License-Identifier: GPL-2.0-or-later
// The run directory (default /run/systole): the pid file with its lock, which says that this node's daemon lives, and
// the socket. The lock goes with the process, whatever ends it.
#pragma once

#include <string>

#include "common/base/handles.hpp"
#include "common/base/result.hpp"

namespace systole::io {

/// Makes a directory (and those above it) with that mode; an existing one stays as it is.
Result<void> make_directory(const std::string& path, unsigned mode);

class PidFile {
 public:
  /// Errc::exists when a living daemon holds it: "already running (pid N)".
  static Result<PidFile> take(const std::string& path);
  PidFile(PidFile&&) = default;
  ~PidFile();

 private:
  explicit PidFile(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace systole::io

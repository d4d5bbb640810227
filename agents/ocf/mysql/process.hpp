// SPDX-License-Identifier: GPL-2.0-or-later
// The server's process: found, started, ended. A pid file alone proves nothing: after a crash its number may belong to
// somebody else, and somebody may have deleted it while the server lives. So a process counts as our server only when
// it runs a server binary and its working directory is our datadir (mariadbd changes into it), or its command line
// names our datadir; without a good pid file all of /proc is searched. Signals go through a pidfd, taken before the
// check, so that the number cannot change hands between check and signal.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "agents/sql/deadline.hpp"
#include "common/base/handles.hpp"
#include "common/base/result.hpp"

namespace systole::mysql {

struct ServerPlace {
  std::string binary, datadir, pid_file;
};

class ServerProcess {
 public:
  /// nullopt: no server runs on this datadir.
  static std::optional<ServerProcess> find(const ServerPlace& place);

  /// Starts the server in a session of its own, with no descriptor of ours but `log_path` as stdout and stderr, and
  /// without the agent's parameters in its environment.
  /// The caller's end does not end it.
  static Result<ServerProcess> spawn(const std::vector<std::string>& argv, const std::string& log_path);

  pid_t pid() const { return pid_; }
  /// Waits for its end; true: it has ended. A child that ended is reaped.
  bool ended_by(Deadline deadline) const;
  Result<void> signal(int number) const;
  /// Why it can answer nobody: it was stopped by a signal (SIGSTOP), and for longer than is done in passing. Empty
  /// at once when it is not stopped.
  std::string halted() const;

 private:
  ServerProcess(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}

  pid_t pid_ = 0;
  Fd pidfd_;
};

}  // namespace systole::mysql

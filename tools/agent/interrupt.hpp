// SPDX-License-Identifier: GPL-2.0-or-later
// Ctrl-C during a test that has started something: the mark is seen before the next call, and what runs is stopped.
#pragma once

#include <signal.h>

namespace systole::tools {

/// While it lives, SIGINT and SIGTERM leave a mark and do nothing else.
class InterruptMark {
 public:
  InterruptMark();
  ~InterruptMark();
  InterruptMark(const InterruptMark&) = delete;
  InterruptMark& operator=(const InterruptMark&) = delete;
  static bool is_set();

 private:
  using Action = struct sigaction;
  Action before_int_{}, before_term_{};
};

/// While it lives, the end of the terminal, or of who reads our words, ends nothing: what was begun is brought to its
/// end. Programs that are started meanwhile do not inherit it.
class TerminalMayGo {
 public:
  TerminalMayGo();
  ~TerminalMayGo();
  TerminalMayGo(const TerminalMayGo&) = delete;
  TerminalMayGo& operator=(const TerminalMayGo&) = delete;

 private:
  using Action = struct sigaction;
  Action before_hangup_{}, before_pipe_{};
};

/// What shells report of a program that Ctrl-C ended.
inline constexpr int interrupted_exit_code = 130;

}  // namespace systole::tools

// SPDX-License-Identifier: GPL-2.0-or-later
// See interrupt.hpp.
#include "tools/agent/interrupt.hpp"

namespace systole::tools {
namespace {

volatile sig_atomic_t mark = 0;

void set_mark(int) {
  mark = 1;
}

void pass_over(int) {}

}  // namespace

InterruptMark::InterruptMark() {
  mark = 0;
  struct sigaction action {};
  action.sa_handler = set_mark;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, &before_int_);
  ::sigaction(SIGTERM, &action, &before_term_);
}

InterruptMark::~InterruptMark() {
  ::sigaction(SIGINT, &before_int_, nullptr);
  ::sigaction(SIGTERM, &before_term_, nullptr);
}

bool InterruptMark::is_set() {
  return mark != 0;
}

TerminalMayGo::TerminalMayGo() {
  struct sigaction action {};
  action.sa_handler = pass_over;  // not SIG_IGN, which a program keeps through exec
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGHUP, &action, &before_hangup_);
  ::sigaction(SIGPIPE, &action, &before_pipe_);
}

TerminalMayGo::~TerminalMayGo() {
  ::sigaction(SIGHUP, &before_hangup_, nullptr);
  ::sigaction(SIGPIPE, &before_pipe_, nullptr);
}

}  // namespace systole::tools

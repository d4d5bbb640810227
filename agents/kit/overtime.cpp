// SPDX-License-Identifier: GPL-2.0-or-later
// See overtime.hpp. SIGALRM, because a thread would cost each agent's start, and because it interrupts what is
// interruptible.
#include "agents/kit/overtime.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace systole::agents {

namespace {

// All that a signal handler may use: made before the timer runs, and never destroyed, because the timer may fire while
// the process's destructors run.
const std::string* last_words = nullptr;
int last_code = 1;

void leave(int) {
  static_cast<void>(::write(STDERR_FILENO, last_words->data(), last_words->size()) > 0);
  // Not _exit(): a sanitizer looks for leaks there, and waits for ever for the lock of a malloc that we interrupted.
  ::syscall(SYS_exit_group, last_code);
}

}  // namespace

void end_process_after(Duration rest, std::string reason, int code) {
  last_words = new std::string(std::move(reason));
  last_code = code;
  struct sigaction action {};
  action.sa_handler = leave;
  ::sigaction(SIGALRM, &action, nullptr);
  const auto microseconds = std::max<std::int64_t>(std::chrono::ceil<std::chrono::microseconds>(rest).count(), 1);
  const itimerval once{.it_interval = {},
                       .it_value = {.tv_sec = microseconds / 1'000'000, .tv_usec = microseconds % 1'000'000}};
  ::setitimer(ITIMER_REAL, &once, nullptr);
}

void keep_process() {
  const itimerval off{};
  ::setitimer(ITIMER_REAL, &off, nullptr);
}

}  // namespace systole::agents

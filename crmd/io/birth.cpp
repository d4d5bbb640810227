// SPDX-License-Identifier: GPL-2.0-or-later
// See birth.hpp. Between the birth and execve(2) the child may only do what is async-signal-safe: other threads of ours
// held locks that nobody will ever release there.
#include "crmd/io/birth.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "crmd/io/cgroups.hpp"
#include "crmd/io/privileges.hpp"

namespace systole::io {

namespace {

constexpr int not_executed = 127;

/// errno of what failed; it does not return otherwise.
int become(const Birth& birth) {
  ::setpgid(0, 0);  // a group of its own: a time-out ends the agent and all its children
  // It dies with its daemon: else it might start what the daemon's successor has just found stopped.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::dup2(birth.input, 0) < 0 || ::dup2(birth.output, 1) < 0 || ::dup2(birth.errors, 2) < 0) return errno;
  // Asio's sockets are not born close-on-exec: a database server started by an agent would hold our port long after us.
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  restore_defaults_for_child();
  ::execve(birth.program, const_cast<char* const*>(birth.arguments), const_cast<char* const*>(birth.environment));
  return errno;
}

[[noreturn]] void live(const Birth& birth, int trouble, bool enter_cgroup) {
  // First of all: what the lease ends must be in there, or nobody finds it.
  const int error = enter_cgroup && !Cgroups::enter(birth.cgroup) ? errno : become(birth);
  static_cast<void>(::write(trouble, &error, sizeof error) > 0);
  ::_exit(not_executed);  // no destructors of the daemon's in its child
}

/// -1: errno says why. A kernel that knows no flag of it makes no process.
pid_t clone_into(int cgroup, int& handle) {
  clone_args how{};
  how.flags = CLONE_PIDFD | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0);
  how.pidfd = reinterpret_cast<std::uintptr_t>(&handle);
  how.exit_signal = SIGCHLD;
  how.cgroup = cgroup >= 0 ? static_cast<std::uint64_t>(cgroup) : 0;
  return static_cast<pid_t>(::syscall(SYS_clone3, &how, sizeof how));
}

/// The child's trouble comes through the pipe, which a successful exec closes. There is no process after it.
Born judge(pid_t pid, int handle, Fd our_end) {
  Born born{.pid = pid, .handle = Fd(handle), .error = 0};
  int error = 0;
  ssize_t got = 0;
  while ((got = ::read(our_end.get(), &error, sizeof error)) < 0 && errno == EINTR) continue;
  if (got == sizeof error) born.error = error;
  if (born.error == 0 && !born.handle) {  // nothing could tell us of its end
    born.error = errno;
    ::kill(pid, SIGKILL);
  }
  if (born.error != 0) ::waitpid(pid, nullptr, 0);
  return born;
}

struct TroublePipe {
  Fd ours, childs;
};

int make(TroublePipe& pipe) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  pipe = {Fd(ends[0]), Fd(ends[1])};
  return 0;
}

}  // namespace

Born give_birth(const Birth& birth) {
  TroublePipe pipe;
  if (const int error = make(pipe); error != 0) return {.pid = 0, .handle = {}, .error = error};
  int handle = -1;
  const pid_t pid = clone_into(birth.cgroup, handle);
  if (pid == 0) live(birth, pipe.childs.get(), false);
  if (pid < 0 && (errno == EAGAIN || errno == ENOMEM)) return {.pid = 0, .handle = {}, .error = errno};
  if (pid < 0) return give_birth_by_fork(birth);
  pipe.childs.reset();
  return judge(pid, handle, std::move(pipe.ours));
}

Born give_birth_by_fork(const Birth& birth) {
  TroublePipe pipe;
  if (const int error = make(pipe); error != 0) return {.pid = 0, .handle = {}, .error = error};
  const pid_t pid = ::fork();
  if (pid == 0) live(birth, pipe.childs.get(), birth.cgroup >= 0);
  if (pid < 0) return {.pid = 0, .handle = {}, .error = errno};
  pipe.childs.reset();
  // It is our child and not waited for: the pid is still its.
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  return judge(pid, handle, std::move(pipe.ours));
}

}  // namespace systole::io

// SPDX-License-Identifier: GPL-2.0-or-later
// fork and PR_SET_PDEATHSIG. A group of its own: the terminal's Ctrl-C is for us, and we end it.
#include "agents/kit/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agents/kit/agent.hpp"

namespace systole::agents {
namespace {

constexpr Duration poll_pause = 20ms;
constexpr int first_free_fd = 10;  // beyond the standard ones and those that a child rearranges

/// In the child: system calls only.
[[noreturn]] void become(const Command& command, const std::vector<char*>& argv, const std::array<int, 3>& standard,
                         pid_t parent) {
  if (command.as) {
    const ChildUser& user = *command.as;
    if (::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) != 0 ||
        ::syscall(SYS_setresgid, user.group, user.group, user.group) != 0 ||
        ::syscall(SYS_setresuid, user.user, user.user, user.user) != 0)
      ::_exit(127);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a change of the user would have taken it away
  if (::getppid() != parent) ::_exit(127);
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE}) ::signal(number, SIG_DFL);
  for (std::size_t i = 0; i < standard.size(); ++i) ::dup2(standard[i], static_cast<int>(i));
  for (const int fd : command.inherits) ::fcntl(fd, F_SETFD, 0);
  ::execvp(argv.front(), argv.data());
  ::_exit(127);
}

}  // namespace

Result<ChildUser> user_by_name(const std::string& name) {
  const passwd* const found = ::getpwnam(name.c_str());
  if (found == nullptr) return Error{Errc::not_found, fmt::format("there is no user '{}'", name)};
  ChildUser user{.user = found->pw_uid, .group = found->pw_gid, .groups = std::vector<gid_t>(64)};
  int count = static_cast<int>(user.groups.size());
  if (::getgrouplist(name.c_str(), user.group, user.groups.data(), &count) < 0) {
    user.groups = {user.group};
    return user;
  }
  user.groups.resize(static_cast<std::size_t>(count));
  return user;
}

Result<SecretText> SecretText::of(std::string_view text) {
  const Fd low(::memfd_create("systole", MFD_CLOEXEC));
  if (!low) return errno_error("make a file in memory");
  Fd fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, first_free_fd));
  // Readable by others, the clients would refuse it.
  if (!fd || ::fchmod(fd.get(), 0600) != 0) return errno_error("make a file in memory");
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return errno_error("write a file in memory");
  return SecretText(std::move(fd));
}

std::string SecretText::path() const {
  return fmt::format("/proc/self/fd/{}", fd_.get());
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)), code_(other.code_) {}

Child::~Child() {
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);  // before it has a group of its own
  reap();
}

Result<void> Child::begin(const Command& command, const std::array<int, 3>& standard) {
  std::vector<std::string> words = command.argv;
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) return errno_error(fmt::format("start '{}'", command.argv.front()));
  if (pid_ == 0) become(command, argv, standard, parent);
  return {};
}

Result<void> Child::signal(int number) const {
  if (pid_ <= 0 || ::kill(pid_, number) == 0) return {};  // our own child, not yet waited for: the pid is still its
  return errno_error(fmt::format("send signal {} to process {}", number, pid_));
}

bool Child::ended_by(Time deadline) {
  for (;;) {
    int status = 0;
    if (pid_ <= 0) return true;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = 0;
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      return true;
    }
    if (!pause_for(poll_pause, deadline)) return false;
  }
}

int Child::reap() {
  int status = 0;
  if (pid_ <= 0) return code_;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return code_;
}

}  // namespace systole::agents

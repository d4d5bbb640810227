// SPDX-License-Identifier: GPL-2.0-or-later
// /proc, pidfds and one fork.
#include "agents/ocf/mysql/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agents/kit/values.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

namespace fs = std::filesystem;

constexpr Duration halt_in_passing = 2s;  // a snapshot, a debugger that takes a look
constexpr Duration halt_look = 100ms;

std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::string link_text(const std::string& path) {
  std::error_code none;
  std::string target = fs::read_symlink(path, none).string();
  static constexpr std::string_view deleted = " (deleted)";  // an upgraded binary, a removed directory
  if (target.ends_with(deleted)) target.resize(target.size() - deleted.size());
  return target;
}

std::string real_path(const std::string& path) {
  std::error_code none;
  const fs::path real = fs::canonical(path, none);
  return real.empty() ? path : real.string();
}

std::string base_name(const std::string& path) {
  return fs::path(path).filename().string();
}

bool is_server_binary(const std::string& executable, const ServerPlace& place) {
  const std::string name = base_name(executable);
  return name == "mariadbd" || name == "mysqld" || name == base_name(place.binary) ||
         executable == real_path(place.binary);
}

bool is_our_server(pid_t pid, const ServerPlace& place) {
  const std::string folder = fmt::format("/proc/{}", pid);
  if (!is_server_binary(link_text(folder + "/exe"), place)) return false;
  if (link_text(folder + "/cwd") == real_path(place.datadir)) return true;
  for (const std::string& word : split(file_text(folder + "/cmdline"), '\0'))
    if (word == "--datadir=" + place.datadir) return true;
  return false;
}

/// The letter of proc(5): Z a zombie, T stopped by a signal; '\0': there is no such process.
char state_of(pid_t pid) {
  const std::string stat = file_text(fmt::format("/proc/{}/stat", pid));
  const std::size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && name_end + 2 < stat.size() ? stat[name_end + 2] : '\0';
}

/// A zombie has ended; nobody but its parent may say so to others.
bool is_zombie(pid_t pid) {
  return state_of(pid) == 'Z';
}

Fd open_pidfd(pid_t pid) {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

std::optional<pid_t> pid_in_file(const std::string& path) {
  const std::string text = file_text(path);
  const auto pid = parse_int<pid_t>(trim(text));
  return pid && *pid > 1 ? pid : std::nullopt;
}

/// Ours without the agent's parameters: the server has no use for them, and the passwords are among them.
std::vector<std::string> environment_of_server() {
  std::vector<std::string> environment;
  for (const auto& [name, value] : agents::process_environment())
    if (!name.starts_with("OCF_RESKEY_")) environment.push_back(name + "=" + value);
  return environment;
}

/// The C form of a list of strings; lives as long as the strings.
std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> all;
  for (std::string& text : strings) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// In the child, between fork and exec: only async-signal-safe calls.
[[noreturn]] void become_server(const std::vector<char*>& argv, const std::vector<char*>& environment, int log_fd,
                                int error_fd) {
  ::setsid();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(log_fd, STDOUT_FILENO);
  ::dup2(log_fd, STDERR_FILENO);
  const int report = ::dup3(error_fd, STDERR_FILENO + 1, O_CLOEXEC);
  ::syscall(SYS_close_range, static_cast<unsigned>(report) + 1, ~0U, 0);
  ::umask(S_IWGRP | S_IWOTH);
  ::execve(argv.front(), argv.data(), environment.data());
  const int why = errno;
  [[maybe_unused]] const ssize_t told = ::write(report, &why, sizeof why);
  ::_exit(127);
}

}  // namespace

std::optional<ServerProcess> ServerProcess::find(const ServerPlace& place) {
  const auto taken = [&](pid_t pid) -> std::optional<ServerProcess> {
    Fd pidfd = open_pidfd(pid);
    if (!pidfd || is_zombie(pid) || !is_our_server(pid, place)) return std::nullopt;
    return ServerProcess(pid, std::move(pidfd));
  };
  if (const auto pid = pid_in_file(place.pid_file))
    if (auto found = taken(*pid)) return found;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", none))
    if (const auto pid = parse_int<pid_t>(entry.path().filename().string()))
      if (auto found = taken(*pid)) return found;
  return std::nullopt;
}

Result<ServerProcess> ServerProcess::spawn(const std::vector<std::string>& argv, const std::string& log_path) {
  const Fd log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!log) return errno_error(fmt::format("opening the log '{}'", log_path));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("pipe");
  const Fd failure(ends[0]);
  Fd report(ends[1]);
  std::vector<std::string> words_of_argv = argv, environment = environment_of_server();
  const std::vector<char*> raw = pointers(words_of_argv), raw_environment = pointers(environment);
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork");
  if (pid == 0) become_server(raw, raw_environment, log.get(), report.get());
  report.reset();
  int why = 0;
  if (::read(failure.get(), &why, sizeof why) == sizeof why) {  // else: end of file, because exec closed it
    ::waitpid(pid, nullptr, 0);
    return errno_error(fmt::format("starting '{}'", argv.front()), why);
  }
  return ServerProcess(pid, open_pidfd(pid));
}

bool ServerProcess::ended_by(Deadline deadline) const {
  for (;;) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_ || is_zombie(pid_)) return true;
    pollfd descriptor{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&descriptor, 1, deadline.left_ms());
    if (ready > 0) {
      ::waitpid(pid_, nullptr, WNOHANG);
      return true;
    }
    if (ready == 0 || errno != EINTR) return false;
  }
}

Result<void> ServerProcess::signal(int number) const {
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) == 0 || errno == ESRCH) return {};
  return errno_error(fmt::format("sending signal {} to the server, pid {}", number, pid_));
}

std::string ServerProcess::halted() const {
  const Deadline deadline = Deadline::in(halt_in_passing);
  while (state_of(pid_) == 'T' && !ended_by(deadline.within(halt_look)))
    if (deadline.over())
      return fmt::format(
          "the server, pid {}, was stopped by a signal and answers nobody: 'kill -CONT {}' lets it go on", pid_, pid_);
  return {};
}

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// posix_spawn and pipes; pidfds and start times. See process.hpp for the promises.
#include "agents/kit/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "agents/kit/agent.hpp"
#include "common/base/handles.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace systole::agents {

namespace {

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("make a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Fd open_pidfd(pid_t pid) {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

/// The C form of a list of strings; lives as long as the strings.
std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> all;
  for (std::string& s : strings) all.push_back(s.data());
  all.push_back(nullptr);
  return all;
}

Result<pid_t> spawn(const std::string& program, std::vector<std::string> argv, const Environment& env, const Pipe& out,
                    const Pipe& err) {
  std::vector<std::string> settings;
  for (const auto& [name, value] : env) settings.push_back(name + "=" + value);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err.write.get(), STDERR_FILENO);
  pid_t pid = 0;
  const int code =
      ::posix_spawn(&pid, program.c_str(), &files, nullptr, pointers(argv).data(), pointers(settings).data());
  posix_spawn_file_actions_destroy(&files);
  if (code != 0) return errno_error(fmt::format("run '{}'", program), code);
  return pid;
}

/// Reads what is there; false at the end of the stream.
bool drain(int fd, std::string& into) {
  std::array<char, 4096> part;
  const ssize_t n = ::read(fd, part.data(), part.size());
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  const std::size_t room = limits::agent_output_bytes_max - std::min(into.size(), limits::agent_output_bytes_max);
  into.append(part.data(), std::min(static_cast<std::size_t>(n), room));  // the rest is read and dropped
  return n > 0;
}

int wait_ms(Time deadline) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(deadline - boot_now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 0, INT_MAX));
}

/// True: the program has ended and all its output is in ran. False: the deadline came first. A grandchild that keeps
/// the pipes open is not waited for: the program's own end (its pidfd) counts.
bool collect(int pidfd, Pipe& out, Pipe& err, Ran& ran, Time deadline) {
  std::array<pollfd, 3> wait{pollfd{pidfd, POLLIN, 0}, pollfd{out.read.get(), POLLIN, 0},
                             pollfd{err.read.get(), POLLIN, 0}};
  for (;;) {
    const int ready = ::poll(wait.data(), wait.size(), wait_ms(deadline));
    if (ready < 0 && errno != EINTR) return false;
    if (ready == 0 && boot_now() >= deadline) return false;
    if (ready <= 0) continue;
    if (wait[1].revents != 0 && !drain(wait[1].fd, ran.out)) wait[1].fd = -1;
    if (wait[2].revents != 0 && !drain(wait[2].fd, ran.err)) wait[2].fd = -1;
    const bool quiet = (wait[1].fd < 0 || wait[1].revents == 0) && (wait[2].fd < 0 || wait[2].revents == 0);
    if (wait[0].revents != 0 && quiet) return true;
  }
}

}  // namespace

std::optional<std::string> find_in_path(const std::string& name, const Environment& env) {
  if (name.find('/') != std::string::npos)
    return ::access(name.c_str(), X_OK) == 0 ? std::optional(name) : std::nullopt;
  const std::string path = std::string(lookup(env, "PATH").value_or("")) + ":/sbin:/bin:/usr/sbin:/usr/bin";
  for (const std::string& folder : split(path, ':')) {
    if (folder.empty()) continue;
    std::string candidate = folder + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

std::string shown(const std::vector<std::string>& argv) {
  constexpr std::size_t bytes_max = 60;
  const std::string all = join(argv, " ");
  return all.size() <= bytes_max ? all : all.substr(0, bytes_max) + "…";
}

Result<Ran> run_program(const std::vector<std::string>& argv, const Environment& env, Time deadline, Secrets secrets) {
  if (argv.empty()) return Error{Errc::invalid, "run_program was given no program"};
  const auto program = find_in_path(argv.front(), env);
  if (!program) return Error{Errc::not_found, fmt::format("there is no program '{}' in PATH", argv.front())};
  auto out = make_pipe();
  auto err = make_pipe();
  if (!out) return out.error();
  if (!err) return err.error();
  const auto pid = spawn(*program, argv, secrets == Secrets::handed_on ? env : without_secrets(env), *out, *err);
  if (!pid) return pid.error();
  out->write.reset();
  err->write.reset();
  const Fd pidfd = open_pidfd(*pid);
  Ran ran;
  const bool ended = pidfd && collect(pidfd.get(), *out, *err, ran, deadline);
  if (!ended) ::kill(*pid, SIGKILL);  // our own child, not yet waited for: the pid is still its
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) return Error{Errc::timeout, fmt::format("'{}' did not end in time and was killed", shown(argv))};
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

std::optional<ProcessId> identify(pid_t pid) {
  if (pid <= 0) return std::nullopt;
  const auto stat = read_file(fmt::format("/proc/{}/stat", pid));
  if (!stat) return std::nullopt;
  const auto close = stat->rfind(')');  // the name in brackets may hold blanks and brackets
  if (close == std::string::npos) return std::nullopt;
  const auto fields = words(std::string_view(*stat).substr(close + 1));
  constexpr std::size_t state = 0, start_time = 19;  // fields 3 and 22 of proc(5)
  if (fields.size() <= start_time || fields[state] == "Z" || fields[state] == "X") return std::nullopt;
  const auto start = parse_int<unsigned long long>(fields[start_time]);
  if (!start) return std::nullopt;
  return ProcessId{pid, *start};
}

bool is_alive(const ProcessId& process) {
  return identify(process.pid) == process;
}

Result<void> kill_process(const ProcessId& process, int signal) {
  const Fd pidfd = open_pidfd(process.pid);
  if (!pidfd) {
    if (errno == ESRCH) return {};
    return errno_error(fmt::format("open process {}", process.pid));
  }
  // From here the pidfd stays with one process; if its start time fits, it is ours.
  if (!is_alive(process)) return {};
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0 || errno == ESRCH) return {};
  return errno_error(fmt::format("send signal {} to process {}", signal, process.pid));
}

std::optional<ProcessId> parse_process_id(std::string_view text) {
  const auto parts = words(text);
  if (parts.size() != 2) return std::nullopt;
  const auto pid = parse_int<pid_t>(parts[0]);
  const auto start = parse_int<unsigned long long>(parts[1]);
  if (!pid || *pid <= 0 || !start) return std::nullopt;
  return ProcessId{*pid, *start};
}

std::string to_text(const ProcessId& process) {
  return fmt::format("{} {}\n", process.pid, process.start);
}

namespace {

/// The child must neither keep the manager's pipes open nor die with its process group.
void detach() {
  ::setsid();
  static_cast<void>(::chdir("/") == 0);
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  ::syscall(SYS_close_range, 3U, ~0U, 0);
}

}  // namespace

Result<ProcessId> run_in_background(const std::string& pid_file, const std::function<int()>& work) {
  auto gate = make_pipe();  // the child begins once its pid file is there, so that stop always finds it
  if (!gate) return gate.error();
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork a background process");
  if (pid == 0) {
    gate->write.reset();
    char go = 0;
    const bool may = ::read(gate->read.get(), &go, 1) == 1;
    detach();
    ::_exit(may ? work() : 0);
  }
  const auto child = identify(pid);
  Result<void> written =
      child ? write_file(pid_file, to_text(*child)) : errno_error(fmt::format("read /proc/{}/stat", pid));
  if (!written) return written.error();  // the gate closes unopened: the child leaves
  if (::write(gate->write.get(), "g", 1) != 1) return errno_error("let the background process begin");
  return *child;
}

std::optional<ProcessId> find_background(const std::string& pid_file) {
  const auto text = read_file(pid_file);
  const auto process = text ? parse_process_id(*text) : std::nullopt;
  return process && is_alive(*process) ? process : std::nullopt;
}

Result<void> end_background(const std::string& pid_file) {
  const auto text = read_file(pid_file);
  if (!text) {
    if (text.error().code == Errc::not_found) return {};
    return text.error();
  }
  const auto process = parse_process_id(*text);
  if (process) {
    if (auto killed = kill_process(*process, SIGKILL); !killed) return killed;
  }
  if (::unlink(pid_file.c_str()) != 0 && errno != ENOENT) return errno_error(fmt::format("remove '{}'", pid_file));
  return {};
}

}  // namespace systole::agents

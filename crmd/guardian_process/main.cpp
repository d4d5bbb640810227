// SPDX-License-Identifier: GPL-2.0-or-later
// systole-guardian: started by crmd before it holds anything, and outliving it. Composition root: options, the lock,
// privileges, the log.
#include <fcntl.h>
#include <fmt/format.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>

#include "common/base/exit_codes.hpp"
#include "common/base/text.hpp"
#include "common/log/sinks.hpp"
#include "crmd/guardian_process/station.hpp"

namespace {

using namespace systole;

constexpr const char* program = "systole-guardian";
constexpr int priority_above_crmd = 10;  // a crmd that spins in its real-time class must not starve us

constexpr const char* usage =
    "systole-guardian [--rundir DIR] [--watchdog DEVICE] [--watchdog-timeout SECONDS]\n"
    "Ends this node's resources when its lease ends and crmd has not renewed it. crmd starts it; it needs no hand.\n"
    "  --rundir DIR                where socket, lease and lock are (default $SYSTOLE_RUNDIR or /run/systole)\n"
    "  --watchdog DEVICE           pet this watchdog, and stop when something cannot be ended\n"
    "  --watchdog-timeout SECONDS  after which it resets the machine (default 5)\n"
    "Exit codes: 0 ended while nothing was held, 64 usage, 71 privileges or kernel, 74 directory unusable, 108 already "
    "running.\n";

struct Options {
  std::string run_directory = "/run/systole", watchdog;
  std::chrono::seconds watchdog_timeout{5};
};

/// nullopt: *code says how to end.
std::optional<Options> read_options(int argc, char** argv, int* code) {
  Options options;
  if (const char* const set = std::getenv("SYSTOLE_RUNDIR")) options.run_directory = set;
  constexpr option known[] = {{"rundir", required_argument, nullptr, 'r'},
                              {"watchdog", required_argument, nullptr, 'w'},
                              {"watchdog-timeout", required_argument, nullptr, 't'},
                              {"help", no_argument, nullptr, 'h'},
                              {"version", no_argument, nullptr, 'v'},
                              {}};
  *code = exit_code::usage;
  for (int which = 0; (which = ::getopt_long(argc, argv, "", known, nullptr)) != -1;) {
    const std::string value = optarg != nullptr ? optarg : "";
    const auto seconds = parse_int<int>(value);
    if (which == 'r') options.run_directory = value;
    if (which == 'w') options.watchdog = value;
    if (which == 't' && seconds) options.watchdog_timeout = std::chrono::seconds(*seconds);
    if (which == 'h' || which == 'v') {
      fmt::print("{}", which == 'h' ? usage : "systole-guardian " SYSTOLE_VERSION "\n");
      *code = exit_code::ok;
      return std::nullopt;
    }
    if (which == '?' || (which == 't' && (!seconds || *seconds < 1 || *seconds > 3600))) {
      fmt::print(stderr, "{}: give the timeout as 1 to 3600 seconds\n{}", program, usage);
      return std::nullopt;
    }
  }
  if (optind == argc) return options;
  fmt::print(stderr, "{}: '{}' is no option\n{}", program, argv[optind], usage);
  return std::nullopt;
}

/// "systole-guardian: line" on standard error, only where that does not wait: a pipe that nobody empties must not stop
/// us.
class PatientStderr final : public LogSink {
 public:
  void write(Level, std::string_view line) noexcept override {
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return;
    const std::string text = fmt::format("{}: {}\n", program, line.substr(0, 2'000));
    if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
  }
};

void open_log(Log& log) {
  struct stat about {};
  const auto is_there = [&about](std::string_view path) { return ::stat(std::string(path).c_str(), &about) == 0; };
  if (is_there(journal_socket))
    log.add(make_journal_sink(program));
  else if (is_there(syslog_socket))
    log.add(make_syslog_sink(program, "daemon"));
  if (!log.has_sinks() || ::isatty(STDERR_FILENO) == 1) log.add(std::make_unique<PatientStderr>());
}

std::string granted(bool yes) {
  return yes ? "yes" : fmt::format("no ({})", std::strerror(errno));
}

void ask_for_privileges(Log& log) {
  ::setsid();  // signals to crmd's process group are not for us
  sched_param parameters{};
  parameters.sched_priority = ::sched_get_priority_min(SCHED_RR) + priority_above_crmd;
  const std::string realtime = granted(::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) == 0);
  const std::string memory = granted(::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0);
  const Fd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  const std::string spared = granted(score && ::write(score.get(), "-1000", 5) == 5);
  log.notice("{} {} starts (pid {}); granted: real-time scheduling {}, locked memory {}, spared by the OOM killer {}",
             program, SYSTOLE_VERSION, ::getpid(), realtime, memory, spared);
}

/// The lock says that a guardian lives; it goes with the process, whatever ends it. It holds the pid, for people.
Result<Fd> take_lock(const std::string& path) {
  Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!lock) return errno_error(fmt::format("cannot open {}", path));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return errno_error(fmt::format("cannot lock {}", path));
    return Error{Errc::exists, fmt::format("already running: {} is locked by the process whose number it holds", path)};
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  // On a full disk it stays empty: the lock is what counts.
  if (::ftruncate(lock.get(), 0) == 0 && ::pwrite(lock.get(), pid.data(), pid.size(), 0) < 0) errno = 0;
  return lock;
}

int run(const Options& options) {
  Log log;
  open_log(log);
  const auto say = [&log](const Error& error, int code) {
    log.error("{}", error.what);
    return error.code == Errc::exists ? exit_code::exists : code;
  };
  const auto lock = take_lock(fmt::format("{}/{}", options.run_directory, guardian::lock_name));
  if (!lock) return say(lock.error(), exit_code::io);
  ask_for_privileges(log);
  auto station = guardian::Station::open(options.run_directory, {options.watchdog, options.watchdog_timeout}, log);
  if (!station) return say(station.error(), exit_code::system);
  (*station)->run();
  return exit_code::ok;
}

}  // namespace

int main(int argc, char** argv) {
  int code = exit_code::ok;
  const auto options = read_options(argc, argv, &code);
  if (!options) return code;
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(*options);
  } catch (const std::exception& problem) {  // no memory: crmd starts another
    fmt::print(stderr, "{}: {}\n", program, problem.what());
    return exit_code::system;
  }
}

// SPDX-License-Identifier: GPL-2.0-or-later
// See privileges.hpp. MCL_ONFAULT: without it libxml2's libraries alone would pin 40 MB.
#include "crmd/io/privileges.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace systole::io {
namespace {

constexpr rlim_t descriptors_wanted = 4096;
/// Agents need more, and get it as programs that root executes.
constexpr int capabilities_needed[] = {
    CAP_NET_RAW,       // asking ping targets
    CAP_NET_ADMIN,     // room for bursts in the links' sockets
    CAP_SYS_NICE,      // real-time priority of the threads to come
    CAP_IPC_LOCK,      // memory that is mapped later is locked too
    CAP_KILL,          // agents' processes that run as other users
    CAP_CHOWN,         // the tools' socket is group haclient's
    CAP_DAC_OVERRIDE,  // folders and cgroups that were made over to other users
    CAP_SYS_RESOURCE,  // an agent's own limits and OOM score
};

constexpr const char* oom_score_file = "/proc/self/oom_score_adj";

rlimit first_descriptor_limit{};
bool limit_raised = false;
bool score_changed = false;

bool write_oom_score(const char* score) {
  const int fd = ::open(oom_score_file, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = ::write(fd, score, std::strlen(score)) > 0;
  ::close(fd);
  return done;
}

std::string granted(bool yes) {
  return yes ? "yes" : std::string("no (") + std::strerror(errno) + ")";
}

}  // namespace

bool ask_for_privileges(Log& log) {
  sched_param parameters{};
  parameters.sched_priority = ::sched_get_priority_min(SCHED_RR);
  const bool is_realtime = ::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) == 0;
  const std::string realtime = granted(is_realtime);
  const std::string memory = granted(::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0);
  if (::getrlimit(RLIMIT_NOFILE, &first_descriptor_limit) == 0 &&
      first_descriptor_limit.rlim_cur < descriptors_wanted) {
    rlimit more = first_descriptor_limit;
    more.rlim_cur = std::min(descriptors_wanted, more.rlim_max);
    limit_raised = ::setrlimit(RLIMIT_NOFILE, &more) == 0;
  }
  score_changed = write_oom_score("-1000");
  const std::string spared = granted(score_changed);
  log.info("granted: real-time scheduling {}, locked memory {}, spared by the OOM killer {}", realtime, memory, spared);
  return is_realtime;
}

void drop_capabilities(Log& log) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct now[2]{};
  if (::syscall(SYS_capget, &header, now) != 0) return log.warning("capabilities: {}", std::strerror(errno));
  for (auto& half : now) half.inheritable = 0;
  for (int index = 0; index < 2; ++index) {
    std::uint32_t keep = 0;
    for (const int capability : capabilities_needed)
      if (capability / 32 == index) keep |= std::uint32_t{1} << (capability % 32);
    now[index].permitted &= keep;
    now[index].effective = now[index].permitted;
  }
  if (::syscall(SYS_capset, &header, now) != 0)
    log.warning("cannot give up the capabilities that are not needed: {}", std::strerror(errno));
}

void restore_defaults_for_child() {
  for (const int number : {SIGPIPE, SIGHUP, SIGINT, SIGTERM, SIGCHLD, SIGUSR1, SIGUSR2}) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (limit_raised) ::setrlimit(RLIMIT_NOFILE, &first_descriptor_limit);
  if (score_changed) write_oom_score("0");
}

}  // namespace systole::io

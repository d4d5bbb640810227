// SPDX-License-Identifier: GPL-2.0-or-later
// See several.hpp. A process that forks must have no threads yet: nothing is opened here.
#include "crmd/main/several.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <set>
#include <vector>

#include "common/base/exit_codes.hpp"
#include "common/base/time.hpp"
#include "crmd/io/service_manager.hpp"
#include "crmd/main/startup.hpp"

namespace systole {
namespace {

constexpr timespec start_again_after{1, 0};

struct Child {
  Options options;
  pid_t pid = -1;  // -1: to be started
};

/// What the daemon of this configuration would have been told on a command line of its own.
Started<Options> options_for(const Options& all, const std::string& config) {
  Options one = all;
  one.config = config;
  one.more_configs.clear();
  const auto read = read_again(one);
  if (!read) return read.error();
  one.state_directory += "/" + read->conf.cluster_name;
  one.run_directory += "/" + read->conf.cluster_name;
  one.command_line = {all.command_line.front(), "--witness", "--config",       config, "--state-dir",
                      one.state_directory,      "--run-dir", one.run_directory};
  if (!one.node.empty()) one.command_line.insert(one.command_line.end(), {"--node", one.node});
  return one;
}

void start(Child& child, const std::function<int(const Options&)>& run_one, const sigset_t& signals_before) {
  const pid_t parent = ::getpid();
  child.pid = ::fork();
  if (child.pid != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::sigprocmask(SIG_SETMASK, &signals_before, nullptr);
  ::_exit(::getppid() == parent ? run_one(child.options) : exit_code::system);
}

/// Collects who has ended. The exit code of one that ended by itself, and is to be started again, is only said.
void collect(std::vector<Child>& children, bool leaving, int& code) {
  int status = 0;
  for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG))
    for (Child& child : children) {
      if (child.pid != pid) continue;
      child.pid = -1;
      const int ended = WIFEXITED(status) ? WEXITSTATUS(status) : exit_code::system;
      if (leaving && code == 0) code = ended;
      if (!leaving)
        fmt::print(stderr, "crmd: the daemon for {} has ended ({}); it is started again\n", child.options.config,
                   WIFEXITED(status) ? fmt::format("code {}", ended) : fmt::format("signal {}", WTERMSIG(status)));
    }
}

}  // namespace

int run_several(const Options& options, const std::function<int(const Options&)>& run_one) {
  std::vector<std::string> configs{options.config};
  configs.insert(configs.end(), options.more_configs.begin(), options.more_configs.end());
  std::vector<Child> children;
  std::set<std::string> folders;
  for (const std::string& config : configs) {
    auto one = options_for(options, config);
    if (!one) {
      fmt::print(stderr, "crmd: {}\n", one.error().what);
      return one.error().exit_code;
    }
    if (!folders.insert(one->state_directory).second) {
      fmt::print(stderr, "crmd: {}: another --config has the same cluster_name; two clusters need two names\n", config);
      return exit_code::configuration;
    }
    children.push_back({std::move(*one)});
  }
  if (options.check) {
    int worst = exit_code::ok;
    for (const Child& child : children)
      if (const int code = run_one(child.options); code != exit_code::ok) worst = code;
    return worst;
  }
  sigset_t wanted, before;
  sigemptyset(&wanted);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&wanted, number);
  ::sigprocmask(SIG_BLOCK, &wanted, &before);
  int code = exit_code::ok;
  for (Child& child : children) start(child, run_one, before);
  io::tell_service_manager("READY=1");
  for (bool leaving = false;;) {
    const int number = ::sigtimedwait(&wanted, nullptr, &start_again_after);
    leaving = leaving || number == SIGTERM || number == SIGINT;
    for (const Child& child : children)
      if (child.pid > 0 && number > 0 && number != SIGCHLD) ::kill(child.pid, number);
    collect(children, leaving, code);
    bool any = false;
    for (Child& child : children) {
      if (child.pid < 0 && !leaving && number < 0) start(child, run_one, before);  // the wait has timed out: a second
      any = any || child.pid > 0;
    }
    if (leaving && !any) return code;
  }
}

}  // namespace systole

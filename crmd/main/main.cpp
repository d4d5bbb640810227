// SPDX-License-Identifier: GPL-2.0-or-later
// crmd: composition root. Reads what it is told, opens what it needs, drives the core until the end.
#include <fmt/format.h>
#include <libxml/parser.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "common/base/exit_codes.hpp"
#include "crmd/io/privileges.hpp"
#include "crmd/main/daemon.hpp"
#include "crmd/main/options.hpp"
#include "crmd/main/several.hpp"
#include "crmd/main/startup.hpp"

namespace {

using namespace systole;

int say(const Failure& failure) {
  fmt::print(stderr, "crmd: {}\n", failure.what);
  return failure.exit_code;
}

int run(const Options& options) {
  auto setting = read_setting(options);
  if (!setting) return say(setting.error());
  if (options.check) {
    auto timing = timing_of(*setting, true);
    if (!timing) return say(timing.error());
    setting->timing = *timing;
    fmt::print("{}", describe(*setting));
    return exit_code::ok;
  }
  const auto lock = take_run_directory(options.run_directory);
  if (!lock) return say(lock.error());
  auto memory = open_memory(options.state_directory);
  if (!memory) return say(memory.error());
  if (options.accept_loss) {
    for (const std::string& note : memory->notes) fmt::print("{}\n", note);
    const auto done = accept_loss(*memory, options.state_directory);
    if (!done) return say(done.error());
    fmt::print("{}", *done);
    return exit_code::ok;
  }

  Log log;
  const bool on_stderr = open_log(log, setting->conf.logging);
  const config::NodeConf self = setting->conf.nodes[setting->self];
  log.notice("crmd {} starts: node '{}' (nodeid {}) of cluster '{}', {} nodes, keepalive {}, deadtime {}",
             SYSTOLE_VERSION, self.name, self.id.value, setting->conf.cluster_name, setting->conf.nodes.size(),
             to_text(setting->conf.keepalive), to_text(setting->conf.deadtime));
  for (const std::string& note : memory->notes) log.warning("{}", note);
  const bool realtime = io::ask_for_privileges(log);
  io::drop_capabilities(log);
  const auto timing = timing_of(*setting, realtime);
  if (!timing) {
    log.error("{}", timing.error().what);
    return on_stderr ? timing.error().exit_code : say(timing.error());
  }
  setting->timing = *timing;
  log.notice("mode {}: {}", config::mode_of(setting->conf), config::guarantee_of(setting->conf));
  log.info("{}", config::inequality(setting->conf, *timing));

  Daemon daemon(options, std::move(*setting), std::move(*memory), log);
  if (const auto opened = daemon.open(); !opened) {
    log.error("{}", opened.error().what);
    return on_stderr ? opened.error().exit_code : say(opened.error());
  }
  return daemon.run();
}

}  // namespace

int main(int argc, char** argv) {
  int code = exit_code::ok;
  const auto options = read_options(argc, argv, &code);
  if (!options) return code;
  ::umask(022);
  std::signal(SIGPIPE, SIG_IGN);
  xmlInitParser();  // before there are threads
  try {
    if (options->more_configs.empty()) return run(*options);
    return run_several(*options, run);
  } catch (const std::exception& problem) {
    fmt::print(stderr, "crmd: {}\n", problem.what());
    return exit_code::system;
  }
}

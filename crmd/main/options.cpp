// SPDX-License-Identifier: GPL-2.0-or-later
// See options.hpp.
#include "crmd/main/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "common/base/exit_codes.hpp"

namespace systole {

std::optional<Options> read_options(int argc, char** argv, int* exit_code) {
  Options options;
  CLI::App app(
      "crmd: the daemon of a Systole cluster. It runs in the foreground until SIGTERM; then it leaves in order.",
      "crmd");
  app.set_version_flag("--version", std::string("crmd ") + SYSTOLE_VERSION);
  std::vector<std::string> configs{options.config};
  app.add_option(
         "--config", configs,
         "the cluster's configuration; with --witness one for each cluster, and each has a folder with the cluster's "
         "name in --state-dir and --run-dir")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->capture_default_str();
  app.add_option("--node", options.node, "name of this node (default: by host name, then by address)");
  app.add_option("--state-dir", options.state_directory, "where the CIB and the vote are stored")
      ->capture_default_str();
  app.add_option("--run-dir", options.run_directory, "where socket and pid file are")
      ->envname("SYSTOLE_RUNDIR")
      ->capture_default_str();
  app.add_option("--ocf-root", options.ocf_root, "OCF agents are in its resource.d")
      ->envname("OCF_ROOT")
      ->capture_default_str();
  app.add_option(
      "--first-cib", options.first_cib,
      "initial CIB, used only when none is stored yet (default: first-cib.xml beside the configuration, if it is "
      "there)");
  app.add_flag("--foreground", options.foreground, "stay in the foreground (always so; accepted for habit)");
  app.add_flag(
      "--witness", options.witness,
      "start only if the configuration says 'witness: yes' of this node: it votes, stores the CIB, runs nothing");
  app.add_flag("--check", options.check, "verify the configuration, say what it means, and end");
  app.add_flag("--accept-loss", options.accept_loss,
               "after damage to the state directory: let this node vote and lead with the newest configuration that is "
               "left, although it may have forgotten newer ones; for when no sound node can be started. Ends at once");
  app.footer(
      "Exit codes: 0 ended as asked, 64 usage, 65 broken CIB, 66 file missing, 69 port or address unavailable,\n"
      "74 directory unusable, 77 key file or privileges, 78 cluster.conf, 108 already running.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    *exit_code = app.exit(problem) == 0 ? exit_code::ok : exit_code::usage;
    return {};
  }
  options.config = configs.front();
  options.more_configs.assign(configs.begin() + 1, configs.end());
  if (!options.more_configs.empty() && !options.witness) {
    fmt::print(stderr, "crmd: several --config: only a witness (--witness) can be of several clusters\n");
    *exit_code = exit_code::usage;
    return {};
  }
  std::error_code code;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", code);
  options.command_line.push_back(code ? std::string(argv[0]) : program.string());
  options.command_line.insert(options.command_line.end(), argv + 1, argv + argc);
  return options;
}

}  // namespace systole

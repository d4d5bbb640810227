// SPDX-License-Identifier: GPL-2.0-or-later
// crmd's command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace systole {

struct Options {
  std::string config = "/etc/systole/cluster.conf";
  std::vector<std::string> more_configs;  // of a witness: one for each further cluster
  std::string node;                       // "": found by host name or address
  std::string state_directory = "/var/lib/systole";
  std::string run_directory = "/run/systole";
  std::string ocf_root = "/usr/lib/ocf";
  std::string first_cib;
  std::vector<std::string> command_line;  // as it was given, the program's own path first: for its successor
  bool witness = false;                   // this node must be one
  bool check = false;
  bool accept_loss = false;
  bool foreground = true;  // always; the option is accepted for habit
};

/// nullopt: *exit_code says how to end (help and version were printed, or the error was).
std::optional<Options> read_options(int argc, char** argv, int* exit_code);

}  // namespace systole

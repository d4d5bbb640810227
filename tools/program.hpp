// SPDX-License-Identifier: GPL-2.0-or-later
// What every tool is made of: words in, a link to the daemon, text out, an exit code. The real main() is five lines;
// tests call the same functions with a fake link.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/exit_codes.hpp"
#include "tools/daemon_link.hpp"

namespace systole::tools {

struct Surroundings {
  std::vector<std::string> words;  // without the program's name
  std::function<std::optional<std::string>(std::string_view name)> environment;
  DaemonLink* daemon = nullptr;
  std::string out, err;  // what the tool prints
};

using Program = int (*)(Surroundings& here);

/// For main(): runs the program with the real world around it and prints what it says.
int run_program(Program program, int argc, char** argv);

int crm_attribute(Surroundings& here);
int crm_master(Surroundings& here);
int attrd_updater(Surroundings& here);
int crm_node(Surroundings& here);

/// "TOOL: …" on err; the exit code for the error.
int fail(Surroundings& here, std::string_view tool, const Error& error);
int usage(Surroundings& here, std::string_view tool, std::string_view problem);

/// The node that an agent means when it says none: OCF_RESKEY_CRM_meta_on_node; "": ask the daemon.
std::string node_of_environment(const Surroundings& here);

}  // namespace systole::tools

// SPDX-License-Identifier: GPL-2.0-or-later
// An OCF agent becomes a script in /etc/init.d, and goes again. A symlink to a program cannot carry the comment block
// that insserv and systemd read, so a small script is written that runs the program.
#pragma once

#include <string>

#include "agents/lsb/positional.hpp"
#include "common/base/result.hpp"

namespace systole::lsb {

struct Installation {
  std::string folder = "/etc";  // init.d and default are in it
  std::string name;             // of the script
  std::string program;          // absolute path of systole-lsb
  std::string agent;            // as the person named it
  Parameters parameters;
};

std::string script_path(const std::string& folder, const std::string& name);
std::string settings_path(const std::string& folder, const std::string& name);

/// The whole script: pure.
std::string make_script(const Installation& wanted);

/// Writes both files, the settings with mode 0600 since values may be secrets. Errc::exists: a file of that name is
/// there, be it ours; nothing was changed then.
Result<void> install(const Installation& wanted);

/// Removes both. Errc::not_found: no such script; Errc::refused: it is not one of ours.
Result<void> uninstall(const std::string& folder, const std::string& name);

}  // namespace systole::lsb

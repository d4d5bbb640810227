// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of mariadbd: what the cluster needs, above what the user's configuration says. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace systole::mysql {

enum class Role { primary, replica };  // --init-rpl-role: what crash recovery does with a tail nobody acknowledged

struct ServerOptions {
  std::string binary, config, datadir, user, log, pid, socket;
  std::vector<std::string> additional = {};  // the parameter additional_parameters, in words
  Role role = Role::primary;
  bool log_bin_configured = false;  // by the configuration file or `additional`
  std::string relay_log = {};       // "": the configuration names it
  long semi_sync_timeout_ms = 1000;
  bool acknowledges = true;  // as a replica, what it receives
};

/// argv, the binary first.
std::vector<std::string> command_line(const ServerOptions& options);

/// Does the list of options set `name` (with - or _ , with or without a value)?
bool sets_option(const std::vector<std::string>& options, std::string_view name);

/// Is it mysqld_safe (mariadbd-safe, safe_mysqld)? That wrapper restarts a dead server behind the cluster's back.
bool is_safe_wrapper(std::string_view binary);

}  // namespace systole::mysql

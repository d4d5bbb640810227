// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of mariadbd or mysqld: what the cluster needs, above what the user's configuration says; and that
// configuration as the server itself prints it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/ocf/mysql/dialect.hpp"

namespace systole::mysql {

enum class Role { primary, replica };  // --init-rpl-role: what crash recovery does with a tail nobody acknowledged

struct ServerOptions {
  std::string binary, config, datadir, user, log, pid, socket;
  std::vector<std::string> additional = {};      // the parameter additional_parameters, in words
  std::vector<std::string> hidden_folders = {};  // in datadir, and no databases
  Role role = Role::primary;
  bool log_bin_configured = false;  // by the configuration file or `additional`, or not needed
  bool log_rows = false;            // --binlog-format=ROW, which undoing transactions needs
  std::string relay_log = {};       // "": the configuration names it
  long semi_sync_timeout_ms = 1000;
  bool acknowledges = true;  // as a replica, what it receives
  unsigned extra_port = 0;   // 0: none
  bool extra_connections_configured = false;
  bool sync_relay_log = false;  // and only what is on its disk
  Dialect dialect = Dialect::usual();
  bool by_file = false;               // MariaDB: replication goes by file and position
  bool server_id_configured = false;  // MySQL 5.7 wants one
};

/// argv, the binary first.
std::vector<std::string> command_line(const ServerOptions& options);

/// Does the list of options set `name` (with - or _ , with or without a value)?
bool sets_option(const std::vector<std::string>& options, std::string_view name);

// A server's options as words ("--name=value", "--name"); the last one of a name counts, as for the server, which takes
// "_" for "-" and "--loose-name" for "--name".

/// The options in what `mariadbd --print-defaults` printed. A value may hold blanks.
std::vector<std::string> printed_options(std::string_view output);
/// nullopt: not set, or without a value.
std::optional<std::string> option_value(const std::vector<std::string>& options, std::string_view name);
/// By --skip-NAME, --disable-NAME, or the value 0, OFF or FALSE.
bool is_switched_off(const std::vector<std::string>& options, std::string_view name);

/// Which settings of the server cannot be safe for a primary with replicas: one sentence each, by the option's name.
std::vector<std::string> unsafe_options(const std::vector<std::string>& options);

/// Is it mysqld_safe (mariadbd-safe, safe_mysqld)? That wrapper restarts a dead server behind the cluster's back.
bool is_safe_wrapper(std::string_view binary);

}  // namespace systole::mysql

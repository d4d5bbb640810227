// SPDX-License-Identifier: GPL-2.0-or-later
// The database server that is installed here, as ocf:systole:mysql would find it: binary, configuration, layout.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/ocf/mysql/process.hpp"
#include "agents/ocf/mysql/settings.hpp"
#include "tools/agent/mysql_client.hpp"

namespace systole::tools {

struct OwnServer {
  mysql::Settings settings;
  std::vector<std::string> options = {};  // of its configuration
  std::string version = {};               // for people: "MariaDB 10.11.6"
  std::string series = {};                // "10.11"; "": it is no MariaDB
  std::string include_folder = {};        // where a drop-in counts; "": nowhere
  std::vector<std::string> faults = {};
  std::optional<pid_t> pid = {};  // it runs
};
/// `credentials`: the agent's file, for the account; one that is not there counts for nothing.
OwnServer look_at_server(const std::string& credentials);

/// The login of the agent on its own server.
Login control_login(const OwnServer& server);

/// For mysql::PrivateServer: does it answer this login, wherever its socket is?
std::function<Result<void>(const std::string&)> answers_to(Login login);

/// Ends a server on this datadir that a killed run of ours left behind.
Result<void> end_left_server(const OwnServer& server);

}  // namespace systole::tools

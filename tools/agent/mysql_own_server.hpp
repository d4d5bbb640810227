// SPDX-License-Identifier: GPL-2.0-or-later
// The database server that is installed here, as ocf:systole:mysql would find it: binary, configuration, layout; and a
// start of it that nobody but we can reach, to prepare what is in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/ocf/mysql/process.hpp"
#include "agents/ocf/mysql/settings.hpp"
#include "tools/agent/mysql_client.hpp"

namespace systole::tools {

/// "10.11"; "" for what is no version of MariaDB. Text as `mariadbd --version` or VERSION() give it.
std::string series_of(std::string_view version);
/// At least 10.11.
bool is_supported_series(std::string_view series);

struct OwnServer {
  mysql::Settings settings;
  std::vector<std::string> options = {};  // of its configuration
  std::string version = {}, series = {};
  std::string include_folder = {};  // where a drop-in counts; "": nowhere
  std::vector<std::string> faults = {};
  std::optional<pid_t> pid = {};  // it runs
};
/// `credentials`: the agent's file, for the account; one that is not there counts for nothing.
OwnServer look_at_server(const std::string& credentials);

/// The login of the agent on its own server.
Login control_login(const OwnServer& server);

/// A server that listens on one socket only and follows nobody. It ends the hard way if it was not stopped, and with
/// us.
class PrivateServer {
 public:
  struct Wish {
    std::string folder;                     // of socket and pid file: only root and the server's user may enter
    std::vector<std::string> options = {};  // further ones
    std::string user, password;             // by whom it is asked whether it answers
    Duration patience = 120s;
  };
  static Result<PrivateServer> start(const OwnServer& server, const Wish& wish);
  const std::string& socket() const { return socket_; }
  /// A clean end: all is on the disk.
  Result<void> stop(Duration patience);

 private:
  explicit PrivateServer(std::string folder) : folder_(std::move(folder)), socket_(folder_ + "/socket") {}
  std::string folder_, socket_;
  Child process_;
};

/// Ends a server on this datadir that a killed run of ours left behind.
Result<void> end_left_server(const OwnServer& server);

}  // namespace systole::tools

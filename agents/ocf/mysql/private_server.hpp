// SPDX-License-Identifier: GPL-2.0-or-later
// A server that nobody but we can reach, to prepare what is in a database: it listens on one socket only and follows
// nobody. It ends the hard way if it was not stopped, and with us.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agents/kit/child.hpp"
#include "agents/ocf/mysql/settings.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/result.hpp"

namespace systole::mysql {

class PrivateServer {
 public:
  struct Wish {
    std::string folder;                     // of socket, pid file and log: only root and the server's user may enter
    std::string datadir = {};               // "": that of the settings
    std::vector<std::string> options = {};  // further ones
    std::function<Result<void>(const std::string& socket)> answers;  // permission: it does, and refuses us
    std::function<bool()> interrupted = [] { return false; };
    Duration patience = 120s;
  };
  static Result<PrivateServer> start(const Settings& settings, const Wish& wish);
  const std::string& socket() const { return socket_; }
  /// A clean end: all is on the disk.
  Result<void> stop(Duration patience);

 private:
  explicit PrivateServer(std::string folder) : folder_(std::move(folder)), socket_(folder_ + "/socket") {}
  std::string folder_, socket_;
  agents::Child process_;
};

}  // namespace systole::mysql

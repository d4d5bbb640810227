// SPDX-License-Identifier: GPL-2.0-or-later
// One connection to a database, with a deadline for each call. libmariadb's own time-outs count whole seconds, too
// coarse for a client that must notice a dead server within 200 ms; its non-blocking calls and poll() give any
// deadline.
#pragma once

#include <mysql.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/handles.hpp"
#include "common/base/result.hpp"

namespace systole::ledger {

struct Target {
  std::string host;  // numeric, so that no resolver can hold us up
  std::uint16_t port = 3306;
  std::string user = "app";
  std::string password = "app";
  std::string database = "demo";
};

using Milliseconds = std::chrono::milliseconds;

class Session {
 public:
  /// Error timeout or not_connected; after either nothing was written.
  static Result<Session> open(const Target& target, Milliseconds limit);

  /// Success: the server said OK. Any error: it may or may not have done it, and the session is of no more use.
  Result<void> execute(const std::string& sql, Milliseconds limit);

  using Row = std::function<void(char** fields)>;
  /// Runs a SELECT and hands each row over as it comes.
  Result<void> query(const std::string& sql, const Row& row);

 private:
  using Handle = std::unique_ptr<MYSQL, Release<mysql_close>>;
  explicit Session(Handle handle) : handle_(std::move(handle)) {}
  Handle handle_;
};

}  // namespace systole::ledger

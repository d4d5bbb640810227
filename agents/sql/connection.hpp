// SPDX-License-Identifier: GPL-2.0-or-later
// One connection to a MariaDB server through libmariadb, in which nothing can hang: connecting, sending and reading
// all use the library's non-blocking calls, waited for with our own poll() up to a Deadline. The library's own
// time-outs are whole seconds, and a read time-out alone does not bound the greeting of a stopped server.
// A call that misses its deadline leaves the connection useless; close it and open another.
//
// What an Error's code means here:
//   not_connected  nobody listens (client errors 2002, 2003, 2005)
//   timeout        the server did not answer in time
//   refused        "too many connections" (1040): the server lives but has no place for us
//   permission     access denied (1044, 1045, 1227, 1698)
//   invalid        the server refused the statement; the text carries its number and words
//   io             the connection broke in the middle (2006, 2013)
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/sql/deadline.hpp"
#include "common/base/result.hpp"

struct st_mysql;

namespace systole::sql {

struct Tls {
  bool required = false;
  std::string ca, cert, key;
  bool is_used() const { return required || !ca.empty() || !key.empty(); }
};

/// Before the first connection of a process that will never use TLS: OpenSSL does not read its configuration then,
/// which takes longer than all that a monitor asks.
void leave_tls_alone();

/// Where the server listens: a unix socket, or (socket empty) host and port.
struct Endpoint {
  std::string socket;
  std::string host;
  unsigned port = 3306;
  Tls tls;
};

struct Account {
  std::string user, password;
};

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;

  /// The cell, or "" when there is no such row or column or it is NULL; column names ignore case.
  std::string text(std::size_t row, std::string_view column) const;
  /// First cell of the first row, or "".
  std::string value() const;
};

class Connection {
 public:
  static Result<Connection> open(const Endpoint& endpoint, const Account& account, Deadline deadline);
  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) noexcept = default;

  Result<Table> query(const std::string& statement, Deadline deadline);
  /// As query; while the server thinks, `meanwhile` is called every `pause`.
  Result<Table> query(const std::string& statement, Deadline deadline, Duration pause,
                      const std::function<void()>& meanwhile);
  /// The text as an SQL string literal, quotes included.
  std::string quoted(std::string_view text);
  /// The server's id of this connection, as SHOW PROCESSLIST names it.
  unsigned long thread_id() const;
  /// What the server said of its version when it greeted us; it may be what its configuration makes it say.
  std::string server_version() const;

 private:
  struct Closer {
    void operator()(st_mysql* mysql) const noexcept;
  };
  explicit Connection(std::unique_ptr<st_mysql, Closer> mysql) : mysql_(std::move(mysql)) {}

  std::unique_ptr<st_mysql, Closer> mysql_;
};

}  // namespace systole::sql

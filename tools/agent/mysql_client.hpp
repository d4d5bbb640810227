// SPDX-License-Identifier: GPL-2.0-or-later
// Statements by the client program `mariadb`, for who prepares a server: `systole` runs also where no database is, so
// it is not linked with a client library. Passwords reach the program by a descriptor, statements by its input.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/agent/piped.hpp"

namespace systole::tools {

/// Where a server listens, and who we are there.
struct Login {
  std::string socket = {};  // or:
  std::string host = {};
  unsigned port = 3306;
  std::string user = "root", password = {};
};

/// An option file of the clients with this login and nothing else.
std::string option_file(const Login& login);

/// Text as an SQL literal, quotes included.
std::string sql_literal(std::string_view text);

using Rows = std::vector<std::vector<std::string>>;

class MysqlClient {
 public:
  explicit MysqlClient(Login login) : login_(std::move(login)) {}

  /// The rows of all the statements. permission: the account is refused. not_connected: no server answers.
  Result<Rows> ask(std::string_view statements, Duration patience) const;
  /// The first cell of the first row, or "".
  Result<std::string> value(std::string_view statement, Duration patience) const;
  Result<void> run(std::string_view statements, Duration patience) const;

  const Login& login() const { return login_; }

 private:
  Login login_;
};

}  // namespace systole::tools

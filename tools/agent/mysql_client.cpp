// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_client.hpp.
#include "tools/agent/mysql_client.hpp"

#include <fmt/format.h>

#include "agents/ocf/mysql/option_file.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/text.hpp"

namespace systole::tools {
namespace {

/// "ERROR 1045 (28000) at line 1: Access denied …".
Errc code_of(std::string_view said) {
  constexpr std::string_view mark = "ERROR ";
  const std::size_t at = said.find(mark);
  if (at == std::string_view::npos) return Errc::io;
  const std::string_view rest = said.substr(at + mark.size());
  switch (parse_int<int>(rest.substr(0, rest.find(' '))).value_or(0)) {
    case 1044:
    case 1045:
    case 1130:
    case 1227:
    case 1698:
      return Errc::permission;
    case 2002:
    case 2003:
    case 2005:
    case 2006:
    case 2013:
      return Errc::not_connected;
    default:
      return Errc::invalid;
  }
}

/// `mariadb --batch` writes a tab, a line's end, a zero byte and "\" within a cell as escapes.
std::string plain(std::string_view cell) {
  std::string text;
  for (std::size_t i = 0; i < cell.size(); ++i) {
    if (cell[i] != '\\' || i + 1 == cell.size()) {
      text += cell[i];
      continue;
    }
    const char code = cell[++i];
    text += code == 't' ? '\t' : code == 'n' ? '\n' : code == '0' ? '\0' : code;
  }
  return text;
}

}  // namespace

std::string option_file(const Login& login) {
  return mysql::client_options({.socket = login.socket, .host = login.host, .port = login.port, .tls = {}},
                               {.user = login.user, .password = login.password});
}

std::string sql_literal(std::string_view text) {
  std::string literal = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') literal += c;
    literal += c;
  }
  return literal + "'";
}

Result<Rows> MysqlClient::ask(std::string_view statements, Duration patience) const {
  const auto options = SecretText::of(option_file(login_));
  if (!options) return options.error();
  const std::string where = login_.socket.empty() ? fmt::format("{}:{}", login_.host, login_.port) : login_.socket;
  const Command command{.argv = {"mariadb", "--defaults-file=" + options->path(), "--batch", "--skip-column-names",
                                 "--connect-timeout=10"},
                        .inherits = {options->fd()}};
  const auto ran = run_with_input(command, statements, boot_time() + patience);
  if (!ran) return Error{ran.error().code, fmt::format("asking the server at {}: {}", where, ran.error().what)};
  if (ran->code != 0)
    return Error{code_of(ran->err),
                 fmt::format("asking the server at {} as '{}': {}", where, login_.user, trim(ran->err))};
  Rows rows;
  for (const std::string& line : split(ran->out, '\n')) {
    if (line.empty()) continue;
    std::vector<std::string>& cells = rows.emplace_back();
    for (const std::string& cell : split(line, '\t')) cells.push_back(plain(cell));
  }
  return rows;
}

Result<std::string> MysqlClient::value(std::string_view statement, Duration patience) const {
  const auto rows = ask(statement, patience);
  if (!rows) return rows.error();
  return rows->empty() ? std::string() : rows->front().front();
}

Result<void> MysqlClient::run(std::string_view statements, Duration patience) const {
  const auto rows = ask(statements, patience);
  if (!rows) return rows.error();
  return {};
}

}  // namespace systole::tools

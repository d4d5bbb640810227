// SPDX-License-Identifier: GPL-2.0-or-later
// See option_file.hpp.
#include "agents/ocf/mysql/option_file.hpp"

#include <fmt/format.h>

namespace systole::mysql {

std::string quoted_option(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '\\' || c == '"') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string client_options(const sql::Endpoint& endpoint, const sql::Account& account) {
  std::string text = "[client]\n";
  if (!endpoint.socket.empty())
    text += fmt::format("protocol=socket\nsocket={}\n", quoted_option(endpoint.socket));
  else
    text += fmt::format("protocol=tcp\nhost={}\nport={}\n", quoted_option(endpoint.host), endpoint.port);
  text += fmt::format("user={}\n", quoted_option(account.user));
  if (!account.password.empty()) text += fmt::format("password={}\n", quoted_option(account.password));
  return text;
}

}  // namespace systole::mysql

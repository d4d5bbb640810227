// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_own_server.hpp.
#include "tools/agent/mysql_own_server.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include "agents/kit/agent.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/credentials.hpp"
#include "agents/ocf/mysql/dialect.hpp"
#include "agents/ocf/mysql/options.hpp"
#include "agents/ocf/mysql/server_config.hpp"
#include "common/base/text.hpp"
#include "tools/agent/mysql_dropin.hpp"

namespace systole::tools {
namespace {

constexpr Duration tool_patience = 10s, kill_patience = 30s;

constexpr mysql::Version oldest{.major = 10, .minor = 11};

void take_version(OwnServer& server, std::string_view printed) {
  const auto dialect = mysql::Dialect::of_program(printed);
  if (dialect) {
    server.version = fmt::format("{} {}", to_string(dialect->product()), to_string(dialect->version()));
    if (!dialect->is_mysql()) server.series = mysql::series_of(dialect->version());
    if (!dialect->is_mysql() && dialect->version() >= oldest) return;
  }
  server.faults.push_back(fmt::format("'{}' is no MariaDB of {} or later ({})", server.settings.binary,
                                      mysql::series_of(oldest), dialect ? server.version : dialect.error().what));
}

void find_layout(OwnServer& server, const agents::Environment& env) {
  agents::Values values(mysql::about_mysql(), {});
  const auto asked = mysql::configured_options(server.settings, env, Deadline::in(tool_patience));
  if (!asked) {
    server.faults.push_back(asked.error().what);
    return;
  }
  server.options = *asked;
  values.fall_back(mysql::about_mysql(), mysql::fallbacks_from(server.options, values));
  server.settings = mysql::settings_from(values);
}

void find_include_folder(OwnServer& server) {
  const auto text = agents::read_file(server.settings.config);
  if (!text) {
    server.faults.push_back(fmt::format("the server's configuration '{}' cannot be read", server.settings.config));
    return;
  }
  server.include_folder = last_included_folder(*text);
  if (server.include_folder.empty())
    server.faults.push_back(
        fmt::format("'{}' has no line !includedir, so that no file of ours would count; add one, such as "
                    "'!includedir /etc/mysql/mariadb.conf.d/', as its last line",
                    server.settings.config));
}

void take_control_account(OwnServer& server, const std::string& credentials) {
  if (::access(credentials.c_str(), F_OK) != 0) return;
  const auto found = mysql::load_credentials(credentials);
  if (!found) {
    server.faults.push_back(found.error().what);
    return;
  }
  if (found->control.user) server.settings.control.user = *found->control.user;
  if (found->control.password) server.settings.control.password = *found->control.password;
  if (found->replication.user) server.settings.replication.user = *found->replication.user;
  if (found->replication.password) server.settings.replication.password = *found->replication.password;
}

}  // namespace

OwnServer look_at_server(const std::string& credentials) {
  const agents::Environment env = agents::process_environment();
  OwnServer server{.settings = mysql::settings_from(agents::Values(mysql::about_mysql(), {}))};
  if (::access(server.settings.binary.c_str(), X_OK) != 0) {
    server.faults.emplace_back("no MariaDB server is installed here: apt install mariadb-server (or dnf)");
    return server;
  }
  if (const auto ran =
          agents::run_program({server.settings.binary, "--no-defaults", "--version"}, env, boot_time() + tool_patience))
    take_version(server, ran->out);
  find_layout(server, env);
  find_include_folder(server);
  if (::getpwnam(server.settings.user.c_str()) == nullptr)
    server.faults.push_back(fmt::format("there is no user '{}', as which the server would run", server.settings.user));
  for (const char* const program : {"mariadb", "mariadb-dump"})
    if (const auto ran = agents::run_program({program, "--version"}, env, boot_time() + tool_patience); !ran)
      server.faults.push_back(fmt::format("{}: install the package mariadb-client", ran.error().what));
  for (std::string& fault : mysql::unsafe_options(server.options)) server.faults.push_back(std::move(fault));
  if (mysql::sets_option(server.options, "wsrep-on") && !mysql::is_switched_off(server.options, "wsrep-on"))
    server.faults.emplace_back("wsrep-on is set in the server's configuration: Galera copies by itself; remove it");
  take_control_account(server, credentials);
  if (const auto process = mysql::ServerProcess::find(server.settings.place())) server.pid = process->pid();
  return server;
}

std::function<Result<void>(const std::string&)> answers_to(Login login) {
  return [login = std::move(login)](const std::string& socket) mutable {
    login.socket = socket;
    return MysqlClient(login).run("SELECT 1", tool_patience);
  };
}

Login control_login(const OwnServer& server) {
  return {.socket = server.settings.socket,
          .user = server.settings.control.user,
          .password = server.settings.control.password};
}

Result<void> end_left_server(const OwnServer& server) {
  while (const auto left = mysql::ServerProcess::find(server.settings.place())) {
    if (const auto told = left->signal(SIGKILL); !told) return told;
    if (!left->ended_by(Deadline::in(kill_patience)))
      return Error{Errc::timeout, fmt::format("the server, pid {}, cannot be killed", left->pid())};
  }
  return {};
}

}  // namespace systole::tools

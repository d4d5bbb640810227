// SPDX-License-Identifier: GPL-2.0-or-later
// See mysql_own_server.hpp.
#include "tools/agent/mysql_own_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "agents/kit/agent.hpp"
#include "agents/kit/process.hpp"
#include "agents/ocf/mysql/credentials.hpp"
#include "agents/ocf/mysql/options.hpp"
#include "agents/ocf/mysql/server_config.hpp"
#include "common/base/text.hpp"
#include "tools/agent/interrupt.hpp"
#include "tools/agent/mysql_dropin.hpp"

namespace systole::tools {
namespace {

constexpr Duration tool_patience = 10s, kill_patience = 30s, try_again = 100ms;

/// "Ver 10.11.6-MariaDB-…" → "10.11.6-MariaDB-…".
std::string version_word(std::string_view text) {
  for (const std::string& word : words(text))
    if (lower(word).find("mariadb") != std::string::npos && !word.empty() && word.front() >= '0' && word.front() <= '9')
      return word;
  return {};
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

Result<void> make_private_folder(const std::string& folder, const mysql::Settings& settings) {
  if (const auto made = agents::make_folder(folder); !made) return made;
  const passwd* const user = ::getpwnam(settings.user.c_str());
  if (user == nullptr) return Error{Errc::not_found, fmt::format("there is no user '{}'", settings.user)};
  if (::chmod(folder.c_str(), 0700) != 0 || ::chown(folder.c_str(), user->pw_uid, user->pw_gid) != 0)
    return errno_error(fmt::format("cannot give '{}' to '{}'", folder, settings.user));
  const std::string log = folder + "/log";
  if (const auto made = agents::write_file(log, ""); !made) return made;
  if (::chown(log.c_str(), user->pw_uid, user->pw_gid) != 0)
    return errno_error(fmt::format("cannot give '{}' to '{}'", log, settings.user));
  return {};
}

std::string last_line_of(const std::string& path) {
  const auto text = agents::read_file(path, 16 << 20);
  if (!text) return "it wrote no log";
  const std::string_view said = trim(*text);
  std::string error;
  for (const std::string& line : split(said, '\n'))
    if (const std::size_t at = line.find("[ERROR]"); at != std::string::npos && !line.ends_with("Aborting"))
      error = trim(std::string_view(line).substr(at + 7));
  return error.empty() ? std::string(said.substr(said.rfind('\n') + 1)) : error;
}

}  // namespace

std::string series_of(std::string_view version) {
  const std::string word = version_word(version);
  const auto parts = split(word, '.');
  if (parts.size() < 2 || !parse_int<int>(parts[0]) || !parse_int<int>(parts[1])) return {};
  return fmt::format("{}.{}", parts[0], parts[1]);
}

bool is_supported_series(std::string_view series) {
  const auto parts = split(series, '.');
  if (parts.size() != 2) return false;
  return std::pair(parse_int<int>(parts[0]).value_or(0), parse_int<int>(parts[1]).value_or(0)) >= std::pair(10, 11);
}

OwnServer look_at_server(const std::string& credentials) {
  const agents::Environment env = agents::process_environment();
  OwnServer server{.settings = mysql::settings_from(agents::Values(mysql::about_mysql(), {}))};
  if (::access(server.settings.binary.c_str(), X_OK) != 0) {
    server.faults.emplace_back("no MariaDB server is installed here: apt install mariadb-server (or dnf)");
    return server;
  }
  if (const auto ran =
          agents::run_program({server.settings.binary, "--no-defaults", "--version"}, env, boot_time() + tool_patience))
    server.version = version_word(ran->out);
  server.series = series_of(server.version);
  if (!is_supported_series(server.series))
    server.faults.push_back(fmt::format("'{}' is no MariaDB of 10.11 or later ({})", server.settings.binary,
                                        server.version.empty() ? "it does not say what it is" : server.version));
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

Login control_login(const OwnServer& server) {
  return {.socket = server.settings.socket,
          .user = server.settings.control.user,
          .password = server.settings.control.password};
}

Result<PrivateServer> PrivateServer::start(const OwnServer& server, const Wish& wish) {
  const mysql::Settings& settings = server.settings;
  if (const auto made = make_private_folder(wish.folder, settings); !made) return made.error();
  const std::string log = wish.folder + "/log";
  std::vector<std::string> argv{settings.binary,
                                "--defaults-file=" + settings.config,
                                "--datadir=" + settings.datadir,
                                "--socket=" + wish.folder + "/socket",
                                "--pid-file=" + wish.folder + "/pid",
                                "--log-error=" + log,
                                "--skip-networking=1",
                                "--skip-slave-start",
                                "--event-scheduler=OFF",
                                "--read-only=OFF"};
  argv.insert(argv.end(), wish.options.begin(), wish.options.end());
  auto user = user_by_name(settings.user);
  if (!user) return user.error();
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC)), words(::open(log.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!null || !words) return errno_error(fmt::format("cannot open '{}'", log));
  PrivateServer made(wish.folder);
  const Command command{.argv = std::move(argv), .as = std::move(*user)};
  if (const auto begun = made.process_.begin(command, {null.get(), words.get(), words.get()}); !begun)
    return begun.error();
  const Login login{.socket = made.socket_, .user = wish.user, .password = wish.password};
  const Deadline deadline = Deadline::in(wish.patience);
  for (;;) {
    const auto answer = MysqlClient(login).run("SELECT 1", tool_patience);
    if (answer) return made;
    if (answer.error().code == Errc::permission) return answer.error();
    if (InterruptMark::is_set()) return Error{Errc::refused, "interrupted"};
    if (made.process_.ended_by(deadline.within(try_again)))
      return Error{Errc::io, fmt::format("the server ended while it started: {}", last_line_of(log))};
    if (deadline.over())
      return Error{Errc::timeout, fmt::format("the server did not answer in time: {}", answer.error().what)};
  }
}

Result<void> PrivateServer::stop(Duration patience) {
  if (const auto told = process_.signal(SIGTERM); !told) return told;
  if (!process_.ended_by(Deadline::in(patience)))
    return Error{Errc::timeout, fmt::format("the server, pid {}, did not end in time", process_.pid())};
  if (const int code = process_.reap(); code != 0)
    return Error{Errc::io, fmt::format("the server ended with {}: {}", code, last_line_of(folder_ + "/log"))};
  std::error_code none;
  std::filesystem::remove_all(folder_, none);
  return {};
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

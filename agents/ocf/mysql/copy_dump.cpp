// SPDX-License-Identifier: GPL-2.0-or-later
// See copy_dump.hpp.
#include "agents/ocf/mysql/copy_dump.hpp"

#include <fmt/format.h>

#include "agents/ocf/mysql/dump.hpp"
#include "agents/ocf/mysql/install.hpp"
#include "agents/ocf/mysql/option_file.hpp"
#include "agents/ocf/mysql/owner.hpp"
#include "agents/ocf/mysql/server.hpp"

namespace systole::mysql {

namespace {

constexpr Duration install_patience = 5min, start_patience = 5min, stop_patience = 30min, answer_patience = 5s;

}  // namespace

Result<DumpTarget> DumpTarget::make(const Settings& settings, const std::string& folder, const std::string& place,
                                    const agents::Environment& env) {
  const auto owner = Owner::of(settings);
  if (!owner) return owner.error();
  if (const auto given = owner->take(folder); !given) return given.error();
  const auto made = install_database(settings, folder, {"--auth-root-authentication-method=socket"}, env,
                                     Deadline::in(install_patience));
  if (!made) return made.error();
  Settings own = settings;
  own.control = {.user = "root", .password = {}};
  const auto answers = [own](const std::string& socket) mutable -> Result<void> {
    own.socket = socket;
    const auto server = Server::connect(own, Deadline::in(answer_patience));
    return server ? Result<void>() : server.error();
  };
  // The server's configuration was made for the other one: its memory, and perhaps relay logs beside its datadir.
  std::vector<std::string> options = options_to_load();
  options.insert(options.end(),
                 {"--innodb-buffer-pool-size=128M", "--performance-schema=OFF", "--relay-log=systole-private",
                  "--relay-log-index=systole-private.index", "--relay-log-info-file=systole-private.info"});
  auto server = PrivateServer::start(settings, {.folder = place,
                                                .datadir = folder,
                                                .options = std::move(options),
                                                .answers = answers,
                                                .patience = start_patience});
  if (!server) return server.error();
  auto login = agents::SecretText::of(
      client_options({.socket = server->socket(), .host = {}, .port = 0, .tls = {}}, own.control));
  if (!login) return login.error();
  return DumpTarget(std::move(*server), std::move(*login));
}

agents::Command DumpTarget::load() const {
  return {.argv = load_command(options_.path()), .inherits = {options_.fd()}};
}

Result<GtidList> DumpTarget::finish(std::string_view tail) {
  const auto text = position_in_dump(tail);
  const auto position = text ? parse_gtids(*text) : std::nullopt;
  if (!position || position->empty())
    return Error{Errc::invalid,
                 "the dump does not say at which transaction it was made: does the giver write a binary log?"};
  if (const auto stopped = server_.stop(stop_patience); !stopped) return stopped.error();
  return *position;
}

}  // namespace systole::mysql

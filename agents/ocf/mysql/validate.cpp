// SPDX-License-Identifier: GPL-2.0-or-later
// validate: what can be known to be wrong before anything runs, as an exit code and a sentence. The codes are those
// that people know from ocf:heartbeat:mysql: what is missing is 5, at a monitor 1 where the server runs all the same
// and 7 where it does not; stop asks nothing.
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/ocf/mysql/dangers.hpp"
#include "agents/ocf/mysql/mysql_agent.hpp"
#include "agents/ocf/mysql/server_config.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

using agents::Call;
using agents::Ocf;

struct Fault {
  Ocf code = Ocf::ok;
  std::string what = {};
};

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Ocf code_of(Errc code) {
  if (code == Errc::not_found) return Ocf::installed;
  return code == Errc::permission ? Ocf::permission : Ocf::args;
}

/// The passwords' file. Somebody who may not read it can still ask whether the rest is right.
Fault fault_of_credentials(const Settings& settings) {
  if (!settings.credentials_fault) return {};
  const bool not_for_us = ::geteuid() != 0 && settings.credentials_fault->code == Errc::permission;
  if (not_for_us) return {};
  return {code_of(settings.credentials_fault->code), settings.credentials_fault->what};
}

/// The datadir, unless start is going to make it.
Fault fault_of_datadir(const Settings& settings, bool may_be_made) {
  if (may_be_made && settings.enable_creation) return {};
  if (!is_folder(settings.datadir))
    return {Ocf::installed, fmt::format("there is no directory '{}' (parameter datadir)", settings.datadir)};
  if (::geteuid() == 0 && !is_folder(settings.datadir + "/mysql"))
    return {Ocf::installed, fmt::format("'{}' holds no database: mount it, copy the primary's, or make a new one with "
                                        "mariadb-install-db or enable_creation=true",
                                        settings.datadir)};
  return {};
}

Fault first_fault(const Settings& settings, bool may_be_made) {
  if (::access(settings.binary.c_str(), X_OK) != 0)
    return {Ocf::installed, fmt::format("there is no server '{}': install mariadb-server or set the parameter binary",
                                        settings.binary)};
  if (::access(settings.config.c_str(), R_OK) != 0)
    return {Ocf::installed, fmt::format("cannot read the configuration file '{}' (parameter config)", settings.config)};
  if (::getpwnam(settings.user.c_str()) == nullptr)
    return {Ocf::installed, fmt::format("there is no user '{}' (parameter user)", settings.user)};
  if (::getgrnam(settings.group.c_str()) == nullptr)
    return {Ocf::installed, fmt::format("there is no group '{}' (parameter group)", settings.group)};
  if (Fault fault = fault_of_datadir(settings, may_be_made); fault.code != Ocf::ok) return fault;
  return fault_of_credentials(settings);
}

/// A monitor looks for the process itself, installed or not. What is missing matters where the server runs: it could
/// not be started again.
Ocf before_monitor(const Settings& settings, Call& call) {
  const Fault fault = first_fault(settings, true);
  if (fault.code == Ocf::ok || !ServerProcess::find(settings.place())) return Ocf::ok;
  return call.fail(Ocf::generic, "the server runs, but could not be started again: {}", fault.what);
}

/// What the agent does for MariaDB alone, asked for with a MySQL server.
std::vector<std::string> faults_on_mysql(const Settings& settings, const Dialect& dialect) {
  std::vector<std::string> all;
  const std::string what = fmt::format("the server '{}' is MySQL {}", settings.binary, to_string(dialect.version()));
  if (settings.promotable && settings.durability != Durability::available)
    all.push_back(
        fmt::format("{}, and 'durability' is {}: that no acknowledged write is lost is proven with MariaDB's "
                    "GTIDs and crash recovery only; set durability=available, or install MariaDB",
                    what, settings.durability ? to_string(*settings.durability) : "auto"));
  if (settings.extra_port != 0)
    all.push_back(fmt::format("{}, which has no extra-port: leave the parameter 'extra_port' out", what));
  if (settings.enable_creation)
    all.push_back(
        fmt::format("{}: enable_creation makes databases of MariaDB only; make this one with mysqld "
                    "--initialize, and leave the parameter out",
                    what));
  return all;
}

/// What can be seen of a server that runs already.
void warn_of_running_server(const Settings& settings, Call& call) {
  if (!ServerProcess::find(settings.place())) return;
  const Deadline deadline = Deadline(call.deadline()).within(settings.sql_timeout);
  auto server = Server::connect(settings, deadline);
  if (server)
    warn_of_dangers(*server, settings, call, deadline);
  else if (::geteuid() == 0)
    call.log().warning("the running server was not looked into: {}", server.error().what);
}

}  // namespace

Ocf MysqlAgent::validate(Call& call) {
  const Settings settings = settings_of(call);
  if (const auto faults = value_faults(settings, call.params()); !faults.empty())
    return call.explain(Ocf::configured, join(faults, "; "));
  if (call.action() == "monitor") return before_monitor(settings, call);
  const bool starts = call.action() == "start" || call.action() == "validate-all";
  if (const Fault fault = first_fault(settings, starts); fault.code != Ocf::ok)
    return call.explain(fault.code, fault.what);
  if (!starts) return Ocf::ok;
  const auto dialect = dialect_of_program(settings, call.environment(), Deadline(call.deadline()).within(5s));
  if (!dialect) return call.explain(Ocf::installed, dialect.error().what);
  dialect_ = *dialect;
  if (dialect_.is_mysql())
    if (const auto faults = faults_on_mysql(settings, dialect_); !faults.empty())
      return call.explain(Ocf::configured, join(faults, "; "));
  if (!configuration_fault_.empty()) return call.explain(Ocf::installed, configuration_fault_);
  // Of several, the server obeys the first.
  if (const auto other = option_value(configured_, "user"); other && *other != settings.user)
    return call.fail(Ocf::configured,
                     "parameter 'user' is '{}', but '{}' sets user={}, which the server obeys: make them equal",
                     settings.user, settings.config, *other);
  if (!call.meta().is_promotable()) return Ocf::ok;
  if (const auto unsafe = unsafe_options(configured_); !unsafe.empty())
    return call.explain(Ocf::configured, join(unsafe, "; "));
  if (call.action() == "validate-all") warn_of_running_server(settings, call);
  return Ocf::ok;
}

}  // namespace systole::mysql

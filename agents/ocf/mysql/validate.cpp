// SPDX-License-Identifier: GPL-2.0-or-later
// validate: what can be known to be wrong before anything runs, as an exit code and a sentence.
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/ocf/mysql/mysql_agent.hpp"

namespace systole::mysql {

namespace {

using agents::Call;
using agents::Ocf;

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

Ocf MysqlAgent::validate(Call& call) {
  if (call.action() == "monitor") return Ocf::ok;  // looks for the process itself, installed or not
  const Settings settings = settings_from(call.params());
  if (::access(settings.binary.c_str(), X_OK) != 0)
    return call.fail(Ocf::installed, "there is no server '{}': install mariadb-server or set the parameter binary",
                     settings.binary);
  if (::access(settings.config.c_str(), R_OK) != 0)
    return call.fail(Ocf::installed, "cannot read the configuration file '{}' (parameter config)", settings.config);
  if (::getpwnam(settings.user.c_str()) == nullptr)
    return call.fail(Ocf::installed, "there is no user '{}' (parameter user)", settings.user);
  if (::getgrnam(settings.group.c_str()) == nullptr)
    return call.fail(Ocf::installed, "there is no group '{}' (parameter group)", settings.group);
  if (!is_folder(settings.datadir))
    return call.fail(Ocf::installed, "there is no directory '{}' (parameter datadir)", settings.datadir);
  if (::geteuid() == 0 && !is_folder(settings.datadir + "/mysql"))
    return call.fail(Ocf::installed, "'{}' holds no database: make one with mariadb-install-db, or copy the primary's",
                     settings.datadir);
  return Ocf::ok;
}

}  // namespace systole::mysql

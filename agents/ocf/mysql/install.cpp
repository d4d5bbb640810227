// SPDX-License-Identifier: GPL-2.0-or-later
// See install.hpp.
#include "agents/ocf/mysql/install.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "agents/kit/process.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

/// The installer's words for what went wrong: of its many lines the last that says error.
std::string last_error(const std::string& output) {
  std::string last, error;
  for (const std::string& line : split(output, '\n')) {
    if (trim(line).empty()) continue;
    last = trim(line);
    if (lower(line).find("error") != std::string::npos) error = last;
  }
  return error.empty() ? last : error;
}

}  // namespace

Result<void> install_database(const Settings& settings, const std::string& datadir,
                              const std::vector<std::string>& options, const agents::Environment& env,
                              Deadline deadline) {
  std::vector<std::string> argv{"mariadb-install-db", "--defaults-file=" + settings.config, "--user=" + settings.user,
                                "--datadir=" + datadir, "--skip-test-db"};
  argv.insert(argv.end(), options.begin(), options.end());
  auto ran = agents::run_program(argv, env, deadline.at());
  if (!ran && ran.error().code == Errc::not_found) {
    argv.front() = "mysql_install_db";
    ran = agents::run_program(argv, env, deadline.at());
  }
  if (!ran) return ran.error();
  if (ran->code != 0)
    return Error{Errc::io,
                 fmt::format("{} ended with {}: {}", argv.front(), ran->code, last_error(ran->out + ran->err))};
  if (::access((datadir + "/mysql").c_str(), F_OK) != 0)
    return Error{Errc::io, fmt::format("{} succeeded, but there is no '{}/mysql'", argv.front(), datadir)};
  return {};
}

}  // namespace systole::mysql

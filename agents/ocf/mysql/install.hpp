// SPDX-License-Identifier: GPL-2.0-or-later
// A new, empty database by mariadb-install-db.
#pragma once

#include <string>
#include <vector>

#include "agents/kit/values.hpp"
#include "agents/ocf/mysql/settings.hpp"
#include "agents/sql/deadline.hpp"
#include "common/base/result.hpp"

namespace systole::mysql {

/// Into the folder, as the server's user. Errors: the installer's own words; what it has made by then is left there.
Result<void> install_database(const Settings& settings, const std::string& datadir,
                              const std::vector<std::string>& options, const agents::Environment& env,
                              Deadline deadline);

}  // namespace systole::mysql

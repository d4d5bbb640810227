// SPDX-License-Identifier: GPL-2.0-or-later
// A copy of a running primary: a new database, filled by mariadb-dump over the network, which knows at what point of
// the primary's binary log it was made. The primary goes on writing meanwhile; no lock is held there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tools/agent/mysql_client.hpp"
#include "tools/agent/mysql_own_server.hpp"

namespace systole::tools {

struct Seeded {
  std::string position;  // GTID
  std::uint64_t bytes = 0;
};
/// Into the empty datadir, which bears the mark of a copy that is not whole; at its end it bears the other mark. Errors
/// leave the first one.
Result<Seeded> seed(const OwnServer& server, const Login& primary, std::string_view note);

}  // namespace systole::tools

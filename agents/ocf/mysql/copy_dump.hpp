// SPDX-License-Identifier: GPL-2.0-or-later
// A copy that comes as a dump, where one of the two nodes has no mariadb-backup: statements for a new database with a
// server of its own, beside the one that runs. Slower than files, and what is not InnoDB is not of one moment.
#pragma once

#include <string>
#include <string_view>

#include "agents/kit/child.hpp"
#include "agents/kit/values.hpp"
#include "agents/ocf/mysql/gtid.hpp"
#include "agents/ocf/mysql/private_server.hpp"
#include "agents/ocf/mysql/settings.hpp"

namespace systole::mysql {

class DumpTarget {
 public:
  /// A new, empty database in `folder`, which is there. `place`: of its server's socket.
  static Result<DumpTarget> make(const Settings& settings, const std::string& folder, const std::string& place,
                                 const agents::Environment& env);
  /// What takes the dump on its standard input; this must outlive it.
  agents::Command load() const;
  /// After its end: the last of what it took. Afterwards no server runs there. Returns where the dump was made.
  Result<GtidList> finish(std::string_view tail);

 private:
  DumpTarget(PrivateServer server, agents::SecretText options)
      : server_(std::move(server)), options_(std::move(options)) {}
  PrivateServer server_;
  agents::SecretText options_;
};

}  // namespace systole::mysql

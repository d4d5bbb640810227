// SPDX-License-Identifier: GPL-2.0-or-later
// Whose files a server's are: the parameters user and group.
#pragma once

#include <sys/types.h>

#include <string>

#include "agents/ocf/mysql/settings.hpp"
#include "common/base/result.hpp"

namespace systole::mysql {

class Owner {
 public:
  /// A group that is not there counts as the user's own. not_found: there is no such user.
  static Result<Owner> of(const Settings& settings);
  /// The file or folder, not what it points to, becomes its. Only root can do that, and for others nothing is done: it
  /// is theirs already.
  Result<void> take(const std::string& path) const;

 private:
  uid_t user_ = 0;
  gid_t group_ = 0;
  std::string name_;
};

}  // namespace systole::mysql

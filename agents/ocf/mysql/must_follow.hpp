// SPDX-License-Identifier: GPL-2.0-or-later
// The mark of a server that was started in the replica's role: crash recovery may have removed transactions that only
// its peers still have, so it must not be promoted before it has caught up. It is a property of the data, hence in the
// datadir.
#pragma once

#include <string>

#include "agents/ocf/mysql/gtid.hpp"
#include "agents/ocf/mysql/settings.hpp"

namespace systole::mysql {

class MustFollow {
 public:
  explicit MustFollow(const Settings& settings);
  bool is_set() const;
  Result<void> set() const;
  /// The position to reach, known once a primary was asked.
  void aim(const GtidList& position) const;
  void clear_when_reached(const GtidList& applied) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// The mark of a server that was started in the replica's role: crash recovery may have removed transactions that only
// its peers still have, so it must not be promoted before it has caught up.
#pragma once

#include <string>

#include "agents/ocf/mysql/datadir_mark.hpp"
#include "agents/ocf/mysql/gtid.hpp"
#include "agents/ocf/mysql/settings.hpp"

namespace systole::mysql {

class MustFollow : public DatadirMark {
 public:
  explicit MustFollow(const Settings& settings) : MustFollow(settings.datadir) {}
  /// Of one that is no server's yet.
  explicit MustFollow(const std::string& datadir) : DatadirMark(datadir, "must_follow") {}
  /// The position to reach, known once a primary was asked.
  void aim(const GtidList& position) const;
  void clear_when_reached(const GtidList& applied) const;
};

}  // namespace systole::mysql

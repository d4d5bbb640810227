// SPDX-License-Identifier: GPL-2.0-or-later
// Marks of databases that cannot follow a primary as they are.
#pragma once

#include <string>

#include "agents/ocf/mysql/datadir_mark.hpp"
#include "agents/ocf/mysql/settings.hpp"

namespace systole::mysql {

/// Surplus transactions are being undone (rejoin.hpp): it is neither what it was nor what it shall be.
class RejoinMark : public DatadirMark {
 public:
  explicit RejoinMark(const Settings& settings) : DatadirMark(settings.datadir, "rejoin") {}
  /// Returns the name of the receipt's folder: that of the first call.
  Result<std::string> set_once(const std::string& receipt) const;
};

/// It was made new and empty where there is a primary: it has nothing to lose, and following from nothing would leave
/// out whatever the primary's binary logs do not hold any more. It goes with the database, when a copy replaces that.
class EmptyMark : public DatadirMark {
 public:
  explicit EmptyMark(const Settings& settings) : DatadirMark(settings.datadir, "empty") {}
};

}  // namespace systole::mysql

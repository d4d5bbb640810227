// SPDX-License-Identifier: GPL-2.0-or-later
// Where there is no cluster: small programs with the names of crm_attribute, crm_master, attrd_updater and crm_node
// that keep a node's attributes in files, for agents that set promotion scores and the like.
#pragma once

#include <string>

#include "common/base/result.hpp"

namespace systole::tools {

/// Their folder; it goes with this object, and all values with it.
class StandIns {
 public:
  StandIns();
  ~StandIns();
  StandIns(const StandIns&) = delete;
  StandIns& operator=(const StandIns&) = delete;
  const Result<void>& made() const { return made_; }
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  Result<void> made_;
};

}  // namespace systole::tools

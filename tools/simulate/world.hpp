// SPDX-License-Identifier: GPL-2.0-or-later
// A cluster out of a CIB, in which transitions can be played: every action succeeds, as long as nobody says otherwise.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cib/model/configuration.hpp"
#include "cib/model/status.hpp"
#include "common/base/result.hpp"
#include "crmd/scheduler/scheduler.hpp"

namespace systole::tools {

class World {
 public:
  /// now_s: seconds since the epoch, where the CIB does not say when it was.
  static Result<World> of(std::string_view cib, std::int64_t now_s);

  scheduler::View view() const;
  /// Seconds since the epoch at which the CIB says that it was; nullopt: it does not.
  std::optional<std::int64_t> said_time() const { return said_time_; }
  /// The CIB says that no schema holds for it.
  bool unchecked() const { return unchecked_; }
  /// Each action's line, in the order in which they were done.
  std::vector<std::string> play(const scheduler::Transition& transition);

 private:
  void succeed(const scheduler::Action& action);
  static std::string plain_name(const scheduler::Action& action);
  std::string shown_name(const scheduler::Action& action) const;
  std::string line_of(const scheduler::Action& action) const;

  cib::Configuration configuration_;
  cib::Status status_;
  std::vector<scheduler::Mentioned> order_;
  bool quorate_ = false, panics_ = false, unchecked_ = false;
  NodeName dc_;
  std::int64_t now_s_ = 0;
  std::optional<std::int64_t> said_time_;
  std::set<std::string> known_;  // what the CIB's histories are of
  std::int32_t call_id_ = 0;
};

}  // namespace systole::tools

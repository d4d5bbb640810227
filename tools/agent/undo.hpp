// SPDX-License-Identifier: GPL-2.0-or-later
// Steps that can be taken back: when a later one fails, what was done is undone in reverse order, and what cannot be
// undone is said.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace systole::tools {

class Undo {
 public:
  using Say = std::function<void(std::string_view)>;
  explicit Undo(Say say) : say_(std::move(say)) {}

  enum class Weight {
    may_fail,
    decides,  // when it fails, what was done before it is left as it is, too: it would do harm
  };
  /// `what` is what will be said of it: "service mariadb enabled again".
  void add(std::string what, std::function<Result<void>()> step, Weight weight = Weight::may_fail) {
    steps_.push_back({std::move(what), std::move(step), weight});
  }
  /// All that was added, the last one first. False: something could not be undone; it was said.
  bool all();
  /// From now on nothing is undone.
  void forget() { steps_.clear(); }

 private:
  struct Step {
    std::string what;
    std::function<Result<void>()> act;
    Weight weight;
  };
  Say say_;
  std::vector<Step> steps_;
};

}  // namespace systole::tools

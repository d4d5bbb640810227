// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests of the executor share.
#pragma once

#include <vector>

#include "crmd/executor/executor.hpp"

namespace systole::executor {

inline Now at(Duration since_start) {
  return {Time{} + since_start, 1'000'000 + to_ms(since_start) / 1000};
}

/// The effects of one kind.
template <class T>
std::vector<T> only(const std::vector<Effect>& effects) {
  std::vector<T> found;
  for (const Effect& effect : effects) {
    if (const T* one = std::get_if<T>(&effect)) found.push_back(*one);
  }
  return found;
}

}  // namespace systole::executor

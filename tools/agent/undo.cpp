// SPDX-License-Identifier: GPL-2.0-or-later
// See undo.hpp.
#include "tools/agent/undo.hpp"

#include <fmt/format.h>

namespace systole::tools {

bool Undo::all() {
  bool whole = true;
  while (!steps_.empty()) {
    const Step step = std::move(steps_.back());
    steps_.pop_back();
    const auto done = step.act();
    whole = whole && done;
    say_(done ? fmt::format("  undone: {}\n", step.what)
              : fmt::format("  NOT undone: {}: {}\n", step.what, done.error().what));
    if (done || step.weight != Weight::decides) continue;
    for (const Step& left : steps_) say_(fmt::format("  therefore left: {}\n", left.what));
    steps_.clear();
  }
  return whole;
}

}  // namespace systole::tools

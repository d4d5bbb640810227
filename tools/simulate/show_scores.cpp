// SPDX-License-Identifier: GPL-2.0-or-later
// Scripts look for these lines, so each begins with the name of the function that prints it in Pacemaker 2.1.5.
#include <fmt/format.h>

#include "tools/simulate/show.hpp"

namespace systole::tools {

namespace {

using Score = scheduler::ShownScore;

std::string line_of(const Score& score) {
  const std::string node = score.node.empty() ? "none" : score.node.value;
  if (score.what == Score::For::promotion)
    return fmt::format("{} promotion score on {}: {}", score.resource, node, to_string(score.score));
  const std::string_view function = score.what == Score::For::clone   ? "pcmk__clone_allocate"
                                    : score.what == Score::For::group ? "pcmk__group_assign"
                                                                      : "pcmk__primitive_assign";
  return fmt::format("{}: {} allocation score on {}: {}", function, score.resource, node, to_string(score.score));
}

}  // namespace

std::string show_scores(const scheduler::Picture& picture, std::string_view indent) {
  std::string text;
  for (const Score& score : picture.scores) text += fmt::format("{}{}\n", indent, line_of(score));
  return text;
}

}  // namespace systole::tools

// SPDX-License-Identifier: GPL-2.0-or-later
// What is to be done in green, what should be and cannot in red; points in time have orange names.
#include <fmt/format.h>

#include "tools/simulate/show.hpp"

namespace systole::tools {

std::string show_graph(const scheduler::Picture& picture) {
  std::string text = " digraph \"g\" {\n";
  for (const scheduler::ShownPoint& point : picture.points)
    text +=
        fmt::format("\"{}\" [ style={} color=\"{}\" fontcolor=\"{}\"]\n", point.name, point.done ? "bold" : "dashed",
                    point.done ? "green" : "red", point.pseudo ? "orange" : "black");
  for (const auto& [first, then] : picture.arrows) {
    const auto &before = picture.points[first], &after = picture.points[then];
    text += fmt::format("\"{}\" -> \"{}\" [ style = {}]\n", before.name, after.name,
                        before.done && after.done ? "bold" : "dashed");
  }
  return text + "}\n";
}

}  // namespace systole::tools

// SPDX-License-Identifier: GPL-2.0-or-later
// What is to be done in green, what should be and cannot in red, what nothing asks for in blue; points in time have
// orange names, what nobody manages purple ones.
#include <fmt/format.h>

#include "tools/simulate/show.hpp"

namespace systole::tools {

namespace {

using scheduler::ShownPoint;

bool belongs(const ShownPoint& point, bool all) {
  return all || point.done || (!point.optional && point.managed);
}

std::string line_of(const ShownPoint& point) {
  const std::string_view color = point.done ? "green" : point.managed && point.optional ? "blue" : "red";
  const std::string_view font = !point.done && !point.managed ? "purple" : point.pseudo ? "orange" : "black";
  return fmt::format("\"{}\" [ style={} color=\"{}\" fontcolor=\"{}\"]\n", point.name, point.done ? "bold" : "dashed",
                     color, font);
}

}  // namespace

std::string show_graph(const scheduler::Picture& picture, bool all) {
  std::string text = " digraph \"g\" {\n";
  for (const ShownPoint& point : picture.points)
    if (belongs(point, all)) text += line_of(point);
  for (const auto& [first, then] : picture.arrows) {
    const auto &before = picture.points[first], &after = picture.points[then];
    if (!belongs(before, all) || !belongs(after, all)) continue;
    text += fmt::format("\"{}\" -> \"{}\" [ style = {}]\n", before.name, after.name,
                        before.done && after.done ? "bold" : "dashed");
  }
  return text + "}\n";
}

}  // namespace systole::tools

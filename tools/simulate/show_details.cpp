// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of each node beyond where resources run: its attributes, and how often what failed on it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

#include "tools/simulate/show.hpp"

namespace systole::tools {

namespace {

/// What the cluster keeps in attributes for itself.
bool is_internal(std::string_view name) {
  constexpr std::array<std::string_view, 7> own = {"fail-count", "last-failure", "shutdown", "terminate",
                                                   "standby",    "maintenance",  "#"};
  return std::ranges::any_of(own, [&](std::string_view each) { return name.starts_with(each); });
}

std::string local_time(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm local{};
  ::localtime_r(&time, &local);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y", &local);
  return text.data();
}

}  // namespace

std::string show_attributes(const scheduler::Picture& picture) {
  std::string text = "  * Node Attributes:\n";
  for (const scheduler::ShownNode& node : picture.nodes) {
    if (!node.online) continue;
    std::string lines;
    for (const auto& [name, value] : node.attributes)
      if (!is_internal(name)) lines += fmt::format("      * {:<32}\t: {:<10}\n", name, value);
    if (!lines.empty()) text += fmt::format("    * Node: {}:\n{}", node.name.value, lines);
  }
  return text;
}

std::string show_fail_counts(const scheduler::Picture& picture) {
  std::string text = "  * Migration Summary:\n";
  for (const scheduler::ShownNode& node : picture.nodes) {
    if (node.failures.empty()) continue;
    text += fmt::format("    * Node: {}:\n", node.name.value);
    for (const scheduler::ShownFailures& failed : node.failures) {
      text += fmt::format("      * {}: migration-threshold={} fail-count={}", failed.resource.value, failed.threshold,
                          failed.count.points);
      if (failed.last > 0) text += fmt::format(" last-failure='{}'", local_time(failed.last));
      text += "\n";
    }
  }
  return text;
}

}  // namespace systole::tools

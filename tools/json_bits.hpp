// SPDX-License-Identifier: GPL-2.0-or-later
// As much JSON as the tools print.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/text.hpp"

namespace systole::tools {

/// With its quotes; control characters escaped.
std::string quoted(std::string_view text);

/// print: an item of the list → its JSON.
template <class List, class Print>
std::string array(const List& list, Print print) {
  std::vector<std::string> items;
  for (const auto& item : list) items.push_back(print(item));
  return "[" + join(items, ", ") + "]";
}

}  // namespace systole::tools

// SPDX-License-Identifier: GPL-2.0-or-later
// See json_bits.hpp.
#include "tools/json_bits.hpp"

#include <fmt/format.h>

namespace systole::tools {

std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      json.append("\\").push_back(c);
    else if (static_cast<unsigned char>(c) < 0x20)
      json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      json.push_back(c);
  }
  return json + "\"";
}

}  // namespace systole::tools

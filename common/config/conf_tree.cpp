// SPDX-License-Identifier: GPL-2.0-or-later
// See conf_tree.hpp.
#include "common/config/conf_tree.hpp"

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace systole::config {
namespace {

constexpr std::size_t section_depth_max = 8;

}  // namespace

Error error_at(std::string_view file, int line, std::string_view what) {
  return {Errc::invalid, fmt::format("{}:{}: {}", file, line, what)};
}

Result<Section> read_tree(std::string_view text, std::string_view file) {
  if (text.size() > conf_bytes_max)
    return Error{Errc::too_big, fmt::format("{}: {} bytes; at most {} are read", file, text.size(), conf_bytes_max)};
  if (text.find('\0') != std::string_view::npos)
    return Error{Errc::invalid, fmt::format("{}: holds a zero byte: this is no text file", file)};
  std::vector<Section> open{Section{}};
  int number = 0;
  for (const std::string& raw : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#') continue;
    if (line == "}") {
      if (open.size() == 1) return error_at(file, number, "'}' closes nothing");
      Section done = std::move(open.back());
      open.pop_back();
      done.end_line = number;
      open.back().sections.push_back(std::move(done));
    } else if (line.back() == '{') {
      const std::string name(trim(line.substr(0, line.size() - 1)));
      if (open.size() > section_depth_max) return error_at(file, number, "sections are nested too deeply");
      open.push_back(Section{name, number, 0, {}, {}});
    } else {
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos)
        return error_at(file, number, fmt::format("'{}' is neither 'word: value', 'section {{' nor '}}'", line));
      open.back().words.push_back(
          {std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1))), number});
    }
  }
  if (open.size() > 1)
    return error_at(file, open.back().line, fmt::format("section '{}' is never closed by a '}}'", open.back().name));
  return std::move(open.front());
}

}  // namespace systole::config

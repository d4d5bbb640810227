// SPDX-License-Identifier: GPL-2.0-or-later
// See undo_file.hpp.
#include "agents/ocf/mysql/undo_file.hpp"

#include <algorithm>

namespace systole::mysql {

namespace {

constexpr std::string_view opening = "BINLOG '", closing = "'/*!*/;";

bool is_base64(std::string_view line) {
  return std::ranges::all_of(line, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
           c == '=';
  });
}

}  // namespace

Result<std::optional<std::string>> next_undo_statement(std::istream& text) {
  std::string line;
  while (std::getline(text, line) && line != opening)
    if (line.starts_with("BINLOG") || line.starts_with("SET @binlog_fragment"))
      return Error{Errc::invalid, "a change of rows is too large to be undone in one statement"};
  if (line != opening) return std::optional<std::string>{};
  std::string statement(opening);
  while (std::getline(text, line)) {
    if (line == closing) return std::optional(statement + "'");
    if (!is_base64(line)) return Error{Errc::corrupt, "a line that is no base64 stands in what would undo the tail"};
    statement += "\n" + line;
  }
  return Error{Errc::corrupt, "what would undo the tail ends in the middle of a statement"};
}

}  // namespace systole::mysql

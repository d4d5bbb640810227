// SPDX-License-Identifier: GPL-2.0-or-later
// See key_change.hpp.
#include "common/config/key_change.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/base/text.hpp"
#include "common/config/key_file.hpp"

namespace systole::config {
namespace {

/// A file whose lines can be told apart: of raw bytes, a text with the same key is made.
std::string as_text(std::string_view content, const Key& first) {
  std::string text = content.size() == key_bytes ? first_key_text(first) : std::string(content);
  if (text.back() != '\n') text += '\n';
  return text;
}

bool is_key(std::string_view line) {
  const std::string_view bare = trim(line);
  return !bare.empty() && bare.front() != '#';
}

struct Lines {
  std::vector<std::string> all;   // without their line feeds
  std::vector<std::size_t> keys;  // which of them hold a key; at least two
};

Result<Lines> lines_of_several(std::string_view content, std::string_view file) {
  const auto keys = parse_keys(content, file);
  if (!keys) return keys.error();
  if (keys->size() < 2)
    return Error{Errc::refused,
                 fmt::format("{} holds one key only; 'systole keygen --add' begins a change of keys", file)};
  Lines lines;
  std::string text = as_text(content, keys->front());
  text.pop_back();
  lines.all = split(text, '\n');
  for (std::size_t i = 0; i < lines.all.size(); ++i)
    if (is_key(lines.all[i])) lines.keys.push_back(i);
  return lines;
}

std::string put_together(const std::vector<std::string>& lines) {
  return join(lines, "\n") + "\n";
}

}  // namespace

Result<std::string> with_last_key_first(std::string_view content, std::string_view file) {
  auto lines = lines_of_several(content, file);
  if (!lines) return lines.error();
  const auto at = [&](std::size_t line) { return lines->all.begin() + static_cast<std::ptrdiff_t>(line); };
  std::rotate(at(lines->keys.front()), at(lines->keys.back()), at(lines->keys.back()) + 1);
  return put_together(lines->all);
}

Result<std::string> with_first_key_only(std::string_view content, std::string_view file) {
  auto lines = lines_of_several(content, file);
  if (!lines) return lines.error();
  for (std::size_t i = lines->keys.size(); --i > 0;)
    lines->all.erase(lines->all.begin() + static_cast<std::ptrdiff_t>(lines->keys[i]));
  return put_together(lines->all);
}

}  // namespace systole::config

// SPDX-License-Identifier: GPL-2.0-or-later
// The syntax of cluster.conf: lines become a tree of sections and words, each with its place. What a word means is not
// known here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace systole::config {

inline constexpr std::size_t conf_bytes_max = 1 << 20;

struct Word {
  std::string key, value;
  int line = 0;
};

struct Section {
  std::string name;
  int line = 0, end_line = 0;  // of 'name {' and of '}', counted from 1
  std::vector<Word> words;
  std::vector<Section> sections;
};

/// "FILE:LINE: what", Errc::invalid.
Error error_at(std::string_view file, int line, std::string_view what);

/// The root has no name and no line. file is only for messages.
Result<Section> read_tree(std::string_view text, std::string_view file);

}  // namespace systole::config

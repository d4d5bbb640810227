// SPDX-License-Identifier: GPL-2.0-or-later
// Files of NAME=value lines as /etc/default holds them, read with the quotes of the shell but never run by one: what a
// shell would compute (variables, commands) is refused with its line, because taking it literally would hand an agent
// another value than the one that was meant. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace systole::lsb {

inline constexpr std::size_t assignments_bytes_max = 64 << 10;
inline constexpr std::size_t assignments_max = 256;

struct Assignment {
  std::string name, value;
  std::size_t line = 0;  // where it begins, from 1
  bool operator==(const Assignment&) const = default;
};

/// In the order of the file; a later one of the same name holds, as in a shell. Errors begin with "FILE:LINE: ".
Result<std::vector<Assignment>> parse_assignments(std::string_view text, std::string_view file);

/// The value in single quotes, as any shell and parse_assignments read it back.
std::string shell_quoted(std::string_view value);

}  // namespace systole::lsb

// SPDX-License-Identifier: GPL-2.0-or-later
// The comment block at the head of an init script, by which insserv and systemd order it (LSB Core 5, "Comment
// Conventions for Init Scripts"): pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace systole::lsb {

inline constexpr std::size_t script_bytes_max = 1 << 20;

struct Header {
  std::map<std::string, std::string, std::less<>> fields;  // keyword as the standard spells it → value
  std::size_t begin = 0, end = 0;                          // lines of its two marks, from 1
};

struct ReadHeader {
  std::optional<Header> header;     // none: no block, or one that never ends
  std::vector<std::string> faults;  // "line 3: …": what a reader of the block would trip over
};

/// Any text. Missing and wrong fields are among the faults; fields beginning with "X-" are kept and not judged.
ReadHeader read_header(std::string_view script);

/// The facility names of a field, "" and "none" being none.
std::vector<std::string> facilities(const Header& header, std::string_view keyword);

/// A name that insserv, systemd and Pacemaker all take for a script: letters, digits, '-' and '_'.
bool is_script_name(std::string_view name);

/// The block of a service that needs the network, with a newline at the end.
std::string make_header(std::string_view name, std::string_view brief, std::string_view description);

}  // namespace systole::lsb

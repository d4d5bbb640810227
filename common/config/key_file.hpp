// SPDX-License-Identifier: GPL-2.0-or-later
// The cluster's key: whoever has it is a member. A file with one key per line, the first seals, all of them open (so a
// new key is rolled out by adding it below on every node, then moving it up, then removing the old one). A line is
// 64 hex digits or base64 of 32 bytes; "#" begins a comment. A file of exactly 32 raw bytes is one key too.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace systole::config {

inline constexpr std::size_t key_bytes = 32;
using Key = std::array<unsigned char, key_bytes>;

/// At least one key; at most 8. file is for messages. Keys never appear in messages.
Result<std::vector<Key>> parse_keys(std::string_view content, std::string_view file);

/// Refuses (Errc::permission) what is no regular file, belongs to neither root nor us, or that group or others may
/// touch: its mode must be 0400 or 0600.
Result<std::vector<Key>> read_key_file(const std::string& path);

/// The same checks; the file as it is written, comments and all. It is not parsed.
Result<std::string> read_key_text(const std::string& path);

/// From the kernel's random numbers.
Result<Key> random_key();

/// A key file with this one key.
std::string first_key_text(const Key& key);

/// The first step of a change of keys: content with one key more at its end, which opens but does not seal yet. Errors
/// when there is no room for one more, or content is no key file.
Result<std::string> with_added_key(std::string_view content, const Key& key, std::string_view file);

/// Writes a new random key, mode 0400, so that it is there as a whole or not at all. Errc::exists when there is one
/// already: it is never replaced.
Result<void> generate_key_file(const std::string& path);

}  // namespace systole::config

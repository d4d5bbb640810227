// SPDX-License-Identifier: GPL-2.0-or-later
// Reading plain values out of bytes from outside, which may be cut off anywhere and need no alignment.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace systole {

using Bytes = std::span<const std::byte>;

/// The value at the beginning; nullopt when there are fewer bytes than it has.
template <class T>
requires std::is_trivially_copyable_v<T> std::optional<T> peek(Bytes bytes) {
  T value{};
  if (bytes.size() < sizeof value) return std::nullopt;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace systole

// SPDX-License-Identifier: GPL-2.0-or-later
// Small, total functions over text: they accept any bytes and say no by nullopt.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace systole {

std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
/// Words between runs of blanks; no empty ones.
std::vector<std::string> words(std::string_view text);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
bool has(const std::vector<std::string>& list, std::string_view word);
std::string lower(std::string_view text);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);

/// What stands between the first `before` and the next `after`; nullopt: one of them is missing.
std::optional<std::string> between(std::string_view text, std::string_view before, std::string_view after);

/// The whole text is a decimal number of type N; no blanks, no plus sign.
template <std::integral N>
std::optional<N> parse_int(std::string_view text) {
  N value{};
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc{} || stop != end || text.empty()) return std::nullopt;
  return value;
}

/// Pacemaker's booleans, any case: true on yes y 1 / false off no n 0.
std::optional<bool> parse_bool(std::string_view text);

}  // namespace systole

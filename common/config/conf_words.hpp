// SPDX-License-Identifier: GPL-2.0-or-later
// The words that a section of cluster.conf may hold, as a table from word to setter: what is no word of the table is
// refused with its place and the words that are known.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/text.hpp"
#include "common/base/time.hpp"
#include "common/config/conf_tree.hpp"

namespace systole::config {

using Problem = std::optional<std::string>;  // nullopt: fine
using Setter = std::function<Problem(const std::string& value)>;
using Table = std::map<std::string, Setter>;

/// Each word of the section once, by its setter.
Result<void> apply(const Section& section, const Table& table, std::string_view file);

/// "a, b, c": the keys of a map.
template <class Map>
std::string known(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [name, ignored] : map) names.push_back(name);
  return join(names, ", ");
}

bool is_address(const std::string& text);

Setter into_text(std::string& target, std::size_t bytes_max);
Setter into_path(std::string& target);
Setter into_bool(bool& target);
/// IP literals between commas or blanks.
Setter into_addresses(std::vector<std::string>& target);
/// Milliseconds, as corosync writes them; a unit may be said ("1s", "200ms").
Setter into_ms(std::optional<Duration>& target, Duration least, Duration most);
/// The same, a bare number being seconds.
Setter into_seconds(std::optional<Duration>& target, Duration least, Duration most);
/// Only this value; why is said to who gives another.
Setter only(std::string expected, std::string why);

template <class N>
Setter into_number(std::optional<N>& target, N least, N most) {
  return [&target, least, most](const std::string& value) -> Problem {
    const auto number = parse_int<N>(value);
    if (!number || *number < least || *number > most)
      return fmt::format("'{}' is no number from {} to {}", value, least, most);
    target = *number;
    return {};
  };
}

}  // namespace systole::config

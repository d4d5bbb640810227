// SPDX-License-Identifier: GPL-2.0-or-later
// See conf_words.hpp.
#include "common/config/conf_words.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace systole::config {
namespace {

/// Words of corosync.conf that we refuse for a reason of their own.
const std::map<std::string, std::string>& reasons() {
  static const std::map<std::string, std::string> reasons{
      {"crypto_cipher", "packets are always sealed with XChaCha20-Poly1305; remove this line"},
      {"crypto_hash", "packets are always sealed with XChaCha20-Poly1305; remove this line"},
      {"secauth", "packets are always sealed; remove this line"},
      {"keyfile", "the word here is key_file"},
      {"bindnetaddr", "each node is bound to its own ringN_addr; remove this line, or name an 'interface'"},
      {"mcastaddr", "it belongs into a section 'interface'"},
      {"mcastport", "it belongs into a section 'interface'"},
      {"hostname", "the word here is name"},
  };
  return reasons;
}

Setter into_duration(std::optional<Duration>& target, Duration least, Duration most, Duration unit,
                     std::string_view unit_name) {
  return [&target, least, most, unit, unit_name](const std::string& value) -> Problem {
    std::optional<Duration> parsed;
    if (const auto number = parse_int<std::uint32_t>(value))
      parsed = *number * unit;
    else
      parsed = parse_duration(value);
    if (!parsed) return fmt::format("'{}' is no number of {}", value, unit_name);
    if (*parsed < least || *parsed > most)
      return fmt::format("{} is outside of {} … {}", to_text(*parsed), to_text(least), to_text(most));
    target = *parsed;
    return {};
  };
}

}  // namespace

bool is_address(const std::string& text) {
  in6_addr space{};
  // An address of one interface alone says which: fe80::1%eth0.
  if (const auto percent = text.find('%'); percent != std::string::npos && percent + 1 < text.size())
    return inet_pton(AF_INET6, text.substr(0, percent).c_str(), &space) == 1 && IN6_IS_ADDR_LINKLOCAL(&space) != 0;
  return inet_pton(AF_INET, text.c_str(), &space) == 1 || inet_pton(AF_INET6, text.c_str(), &space) == 1;
}

Result<void> apply(const Section& section, const Table& table, std::string_view file) {
  std::map<std::string, int> seen;
  for (const Word& word : section.words) {
    const auto setter = table.find(word.key);
    if (setter == table.end()) {
      const auto reason = reasons().find(word.key);
      const std::string where = section.name.empty() ? "outside of a section" : fmt::format("in '{}'", section.name);
      if (reason != reasons().end())
        return error_at(file, word.line, fmt::format("'{}' {}: {}", word.key, where, reason->second));
      return error_at(file, word.line, fmt::format("unknown word '{}' {}; known: {}", word.key, where, known(table)));
    }
    if (const auto [at, fresh] = seen.emplace(word.key, word.line); !fresh)
      return error_at(file, word.line, fmt::format("'{}' was given before, in line {}", word.key, at->second));
    if (const Problem problem = setter->second(word.value))
      return error_at(file, word.line, fmt::format("{}: {}", word.key, *problem));
  }
  return {};
}

Setter into_text(std::string& target, std::size_t bytes_max) {
  return [&target, bytes_max](const std::string& value) -> Problem {
    if (value.empty()) return "a value is missing";
    if (value.size() > bytes_max) return fmt::format("{} bytes; at most {} are allowed", value.size(), bytes_max);
    target = value;
    return {};
  };
}

Setter into_path(std::string& target) {
  return [&target](const std::string& value) -> Problem {
    if (value.empty() || value.front() != '/') return fmt::format("'{}' is no absolute path", value);
    target = value;
    return {};
  };
}

Setter into_bool(bool& target) {
  return [&target](const std::string& value) -> Problem {
    const auto parsed = parse_bool(value);
    if (!parsed) return fmt::format("'{}' is neither yes nor no", value);
    target = *parsed;
    return {};
  };
}

Setter into_addresses(std::vector<std::string>& target) {
  return [&target](std::string value) -> Problem {
    std::ranges::replace(value, ',', ' ');
    for (const std::string& address : words(value)) {
      if (!is_address(address)) return fmt::format("'{}' is no IP address", address);
      if (std::ranges::find(target, address) != target.end()) return fmt::format("{} is there twice", address);
      target.push_back(address);
    }
    if (target.empty()) return "an IP address is missing";
    return {};
  };
}

Setter into_ms(std::optional<Duration>& target, Duration least, Duration most) {
  return into_duration(target, least, most, 1ms, "milliseconds");
}

Setter into_seconds(std::optional<Duration>& target, Duration least, Duration most) {
  return into_duration(target, least, most, 1s, "seconds");
}

Setter only(std::string expected, std::string why) {
  return [expected, why](const std::string& value) -> Problem {
    if (value == expected) return {};
    return fmt::format("'{}' is not supported, only '{}': {}", value, expected, why);
  };
}

}  // namespace systole::config

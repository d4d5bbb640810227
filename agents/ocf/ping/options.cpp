// SPDX-License-Identifier: GPL-2.0-or-later
// See options.hpp. Words may be written apart ("-W 2"), together ("-W2") and in heaps ("-nqc3"), as getopt(3) reads
// them.
#include "agents/ocf/ping/options.hpp"

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace systole::agents::ping {

namespace {

constexpr std::string_view with_value = "cCeFiIlmMNpQsStTwW";
constexpr std::string_view without_effect = "nqOv";  // about how ping(8) prints

/// "2", "0.5": at most a thousandth of a second counts.
std::optional<Duration> parse_seconds(std::string_view text) {
  const std::size_t point = text.find('.');
  const auto whole = parse_int<int>(text.substr(0, point));
  if (!whole || *whole < 0 || *whole > 3600) return std::nullopt;
  if (point == std::string_view::npos) return std::chrono::seconds(*whole);
  const std::string digits = std::string(text.substr(point + 1)) + "000";
  const auto thousandths = parse_int<int>(std::string_view(digits).substr(0, 3));
  if (!thousandths || *thousandths < 0) return std::nullopt;
  return std::chrono::seconds(*whole) + std::chrono::milliseconds(*thousandths);
}

std::optional<int> parse_within(std::string_view text, int least, int greatest) {
  const auto number = parse_int<int>(text);
  return number && *number >= least && *number <= greatest ? number : std::nullopt;
}

/// False: the value makes no sense for this letter.
bool take(Options& options, char letter, std::string_view value) {
  constexpr int payload_max = 65'499;  // what an IPv4 packet holds
  switch (letter) {
    case 'I':
      options.through = value;
      return !value.empty();
    case 'c':
      options.attempts = parse_within(value, 1, 100);
      return options.attempts.has_value();
    case 'W':
      options.timeout = parse_seconds(value);
      return options.timeout && *options.timeout > Duration::zero();
    case 't':
      options.ttl = parse_within(value, 1, 255);
      return options.ttl.has_value();
    case 's': {
      const auto bytes = parse_within(value, 0, payload_max);
      if (bytes) options.payload_bytes = static_cast<std::size_t>(*bytes);
      return bytes.has_value();
    }
    default:
      options.unheeded.push_back(fmt::format("-{} {}", letter, value));
      return true;
  }
}

void take(Options& options, char letter) {
  if (letter == '4') options.only = icmp::Family::v4;
  if (letter == '6') options.only = icmp::Family::v6;
  if (letter == '4' || letter == '6' || without_effect.find(letter) != std::string_view::npos) return;
  options.unheeded.push_back(fmt::format("-{}", letter));
}

}  // namespace

Result<Options> parse_options(std::string_view text) {
  Options options;
  const std::vector<std::string> all = words(text);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string& word = all[i];
    if (word.size() < 2 || word[0] != '-' || word[1] == '-') {
      options.unheeded.push_back(word);
      continue;
    }
    for (std::size_t at = 1; at < word.size(); ++at) {
      const char letter = word[at];
      if (with_value.find(letter) == std::string_view::npos) {
        take(options, letter);
        continue;
      }
      std::string value = word.substr(at + 1);
      if (value.empty() && i + 1 < all.size()) value = all[++i];
      if (!take(options, letter, value))
        return Error{Errc::invalid,
                     fmt::format("parameter 'options' holds '-{} {}', which makes no sense", letter, value)};
      break;
    }
  }
  return options;
}

}  // namespace systole::agents::ping

// SPDX-License-Identifier: GPL-2.0-or-later
// See memory.hpp.
#include "agents/ocf/mysql-replication/memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "common/base/text.hpp"

namespace systole::mysql_replication {

namespace {

constexpr std::size_t text_bytes_max = 2000;
constexpr std::int64_t number_max = 1'000'000'000'000'000;  // 11 days in µs, 30,000 years in ms; sums cannot overflow
constexpr int value_max = 1000;                             // of reader_failcount

/// Line breaks would make lines of their own.
std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  text.resize(std::min(text.size(), text_bytes_max));
  return text;
}

std::vector<std::pair<std::string_view, std::int64_t*>> moments(Memory& memory) {
  return {{"changed", &memory.readers.changed_ms},
          {"marked", &memory.readers.marked_ms},
          {"asked", &memory.readers.asked_ms},
          {"late_changed", &memory.late_changed_ms},
          {"fresh", &memory.fresh_ms},
          {"blind_since", &memory.blind_since_ms},
          {"flows_since", &memory.flows_since_ms},
          {"stands_since", &memory.stands_since_ms},
          {"flipped", &memory.flipped_ms},
          {"asked_peer", &memory.asked_peer_ms},
          {"window", &memory.window_ms},
          {"told", &memory.told_ms}};
}

std::vector<std::pair<std::string_view, std::int64_t*>> numbers(Memory& memory) {
  return {
      {"mark", &memory.readers.mark_lag_ms}, {"offset_us", &memory.offset_us}, {"round_trip_us", &memory.round_trip_us},
      {"next_try", &memory.next_try_ms},     {"tries", &memory.tries},         {"flips", &memory.flips},
      {"repairs", &memory.repairs},          {"lag", &memory.lag_ms}};
}

std::vector<std::pair<std::string_view, std::string*>> texts(Memory& memory) {
  return {{"errant", &memory.errant},
          {"receiver", &memory.receiver},
          {"told_readable", &memory.told_readable},
          {"told_writable", &memory.told_writable},
          {"told_score", &memory.told_score},
          {"condition", &memory.condition},
          {"reason", &memory.reason}};
}

void take(Memory& memory, std::string_view key, std::string_view value, std::int64_t now_ms) {
  for (const auto& [name, text] : texts(memory))
    if (key == name) *text = one_line(std::string(value));
  const auto number = parse_int<std::int64_t>(value);
  if (!number || *number > number_max || *number < -number_max) return;
  for (const auto& [name, moment] : moments(memory))
    if (key == name && *number >= 0 && *number <= now_ms) *moment = *number;
  for (const auto& [name, target] : numbers(memory))
    if (key == name) *target = *number;
  if (key == "late") memory.late = *number == 1;
  if (key == "other_writes") memory.other_writes = *number == 1;
  if (key == "readable" && *number >= 0 && *number <= value_max) memory.readers.value = static_cast<int>(*number);
}

}  // namespace

std::string to_text(const Memory& memory) {
  Memory copy = memory;
  std::string text = fmt::format("readable={}\nlate={}\nother_writes={}\n", copy.readers.value, copy.late ? 1 : 0,
                                 copy.other_writes ? 1 : 0);
  for (const auto& [name, value] : texts(copy)) text += fmt::format("{}={}\n", name, one_line(*value));
  for (const auto& [name, value] : moments(copy)) text += fmt::format("{}={}\n", name, *value);
  for (const auto& [name, value] : numbers(copy)) text += fmt::format("{}={}\n", name, *value);
  return text;
}

Memory parse_memory(std::string_view text, std::int64_t now_ms) {
  Memory memory;
  for (const std::string& line : split(text, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    take(memory, std::string_view(line).substr(0, equals), std::string_view(line).substr(equals + 1), now_ms);
  }
  // Counts below nothing, and a next try further off than any pause is long, are nobody's.
  memory.tries = std::clamp<std::int64_t>(memory.tries, 0, 1000);
  memory.flips = std::clamp<std::int64_t>(memory.flips, 0, 1000);
  memory.repairs = std::clamp<std::int64_t>(memory.repairs, 0, 100'000);
  if (memory.next_try_ms > now_ms + 300'000) memory.next_try_ms = -1;
  memory.round_trip_us = std::max<std::int64_t>(memory.round_trip_us, -1);
  return memory;
}

}  // namespace systole::mysql_replication

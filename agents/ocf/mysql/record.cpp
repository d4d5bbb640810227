// SPDX-License-Identifier: GPL-2.0-or-later
// The record as text. It comes from a CIB that people edit and from files that a power cut may have damaged.
#include "agents/ocf/mysql/record.hpp"

#include <fmt/format.h>

#include <tuple>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

bool take_field(Record& record, std::string_view key, const std::string& value) {
  if (key == "e" || key == "q") {
    const auto number = parse_int<std::uint64_t>(value);
    (key == "e" ? record.epoch : record.sequence) = number.value_or(0);
    return number.has_value();
  }
  if (key == "p") record.primary = value;
  if (key == "s") record.in_sync = value == "-" ? std::string{} : value;
  return !value.empty() && (key == "p" || key == "s");
}

}  // namespace

std::optional<Record> parse_record(std::string_view text) {
  Record record;
  std::string seen;
  for (const std::string& word : words(text)) {
    const std::string_view view = word;
    if (view.size() < 3 || view[1] != '=' || seen.find(view[0]) != std::string::npos) return std::nullopt;
    seen += view[0];
    if (!take_field(record, view.substr(0, 1), word.substr(2))) return std::nullopt;
  }
  if (seen.empty()) return record;
  const bool whole = seen.size() == 4 && record.exists() && record.primary != "-" && record.primary != record.in_sync;
  return whole ? std::optional(record) : std::nullopt;
}

std::string to_string(const Record& record) {
  if (!record.exists()) return {};
  return fmt::format("e={} q={} p={} s={}", record.epoch, record.sequence, record.primary,
                     record.in_sync.empty() ? "-" : record.in_sync);
}

std::string version_text(const Record& record) {
  return fmt::format("{}.{}", record.epoch, record.sequence);
}

bool is_newer(const Record& one, const Record& than) {
  const auto order = [](const Record& record) {
    return std::tuple(record.epoch, record.sequence, record.in_sync.empty(), std::string_view(record.primary),
                      std::string_view(record.in_sync));
  };
  return order(one) > order(than);
}

const Record& newer(const Record& one, const Record& other) {
  return is_newer(other, one) ? other : one;
}

Record after_promotion_of(const std::string& node, const Record& before) {
  return {.epoch = before.epoch + 1,
          .sequence = 0,
          .primary = node,
          .in_sync = before.primary == node ? before.in_sync : std::string{}};
}

Record with_in_sync(const Record& before, const std::string& node) {
  Record after = before;
  after.sequence += 1;
  after.in_sync = node;
  return after;
}

}  // namespace systole::mysql

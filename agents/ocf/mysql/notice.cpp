// SPDX-License-Identifier: GPL-2.0-or-later
// Notices as the values of a node attribute: short words, because they travel to every node.
#include <fmt/format.h>

#include <tuple>

#include "agents/ocf/mysql/lineage.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

std::string_view word_of(Notice::Kind kind) {
  switch (kind) {
    case Notice::Kind::down:
      return "down";
    case Notice::Kind::replica:
      return "replica";
    case Notice::Kind::primary:
      return "primary";
  }
  return "";
}

bool take_kind(Notice& notice, std::string_view word) {
  for (const Notice::Kind each : {Notice::Kind::down, Notice::Kind::replica, Notice::Kind::primary})
    if (word == word_of(each)) {
      notice.kind = each;
      return true;
    }
  return false;
}

bool take_version(Notice& notice, std::string_view word) {
  const std::size_t dot = word.find('.');
  if (dot == std::string_view::npos) return false;
  const auto epoch = parse_int<std::uint64_t>(word.substr(0, dot));
  const auto sequence = parse_int<std::uint64_t>(word.substr(dot + 1));
  notice.epoch = epoch.value_or(0);
  notice.sequence = sequence.value_or(0);
  return epoch && sequence;
}

}  // namespace

std::string to_string(const Notice& notice) {
  std::string text = fmt::format("{} {}.{}", word_of(notice.kind), notice.epoch, notice.sequence);
  if (notice.streams) text += " streams";
  if (notice.behind_s > 0) text += fmt::format(" behind={}", notice.behind_s);
  if (notice.stalled) text += " stalled";
  if (!notice.invites.empty()) text += " invites=" + notice.invites;
  if (notice.wants_copy) text += " copy";
  return text;
}

std::optional<Notice> parse_notice(std::string_view text) {
  const std::vector<std::string> all = words(text);
  Notice notice;
  if (all.size() < 2 || !take_kind(notice, all[0]) || !take_version(notice, all[1])) return std::nullopt;
  static constexpr std::string_view invites = "invites=", behind = "behind=";
  for (std::size_t i = 2; i < all.size(); ++i) {
    if (all[i] == "streams") notice.streams = true;
    if (all[i] == "stalled") notice.stalled = true;
    if (all[i] == "copy") notice.wants_copy = true;
    if (all[i].starts_with(behind)) notice.behind_s = parse_int<unsigned>(all[i].substr(behind.size())).value_or(0);
    if (all[i].starts_with(invites)) notice.invites = all[i].substr(invites.size());
  }
  return notice;
}

Notice down_notice(const Record& own) {
  return {.kind = Notice::Kind::down, .epoch = own.epoch, .sequence = own.sequence};
}

bool agrees_with(const Notice& notice, const Record& record) {
  return std::tie(notice.epoch, notice.sequence) <= std::tie(record.epoch, record.sequence);
}

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// Sets are short: a few servers, and each with one interval but in rare cases.
#include "agents/ocf/mysql/gtid_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr std::uint64_t greatest_number = std::numeric_limits<std::int64_t>::max() - 1;  // the manual: 2^63-2
constexpr std::size_t tag_bytes_max = 32;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

/// A letter or _, then letters, digits and _.
bool is_tag(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  return !text.empty() && text.size() <= tag_bytes_max && letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

bool GtidSet::add(std::string_view text, Intervals& all) {
  const std::size_t dash = text.find('-');
  const auto first = parse_int<std::uint64_t>(trim(text.substr(0, dash)));
  const auto last = dash == std::string_view::npos ? first : parse_int<std::uint64_t>(trim(text.substr(dash + 1)));
  if (!first || !last || *first == 0 || *last > greatest_number) return false;
  if (*first <= *last) all.push_back({*first, *last});  // the server takes 5-3 for nothing
  return true;
}

void GtidSet::join_touching(Intervals& all) {
  std::ranges::sort(all, {}, &Interval::first);
  Intervals joined;
  for (const Interval& next : all) {
    if (!joined.empty() && next.first <= joined.back().last + 1)
      joined.back().last = std::max(joined.back().last, next.last);
    else
      joined.push_back(next);
  }
  all = std::move(joined);
}

std::optional<GtidSet> GtidSet::parse(std::string_view text) {
  GtidSet set;
  for (const std::string& part : split(text, ',')) {
    if (trim(part).empty()) continue;
    const std::vector<std::string> pieces = split(lower(part), ':');
    const std::string uuid{trim(pieces.front())};
    if (!is_uuid(uuid) || pieces.size() < 2) return std::nullopt;
    std::string origin = uuid;
    for (std::size_t i = 1; i < pieces.size(); ++i) {
      const std::string_view piece = trim(pieces[i]);
      const bool more_follow = i + 1 < pieces.size();
      if (is_tag(piece) && more_follow) {
        origin = fmt::format("{}:{}", uuid, piece);
      } else if (!add(piece, set.origins_[origin])) {
        return std::nullopt;
      }
    }
  }
  for (auto& [origin, intervals] : set.origins_) join_touching(intervals);
  std::erase_if(set.origins_, [](const auto& entry) { return entry.second.empty(); });
  return set;
}

std::uint64_t GtidSet::count() const {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t sum = 0;
  for (const auto& [origin, intervals] : origins_)
    for (const Interval& one : intervals) {
      const std::uint64_t length = one.last - one.first + 1;
      if (length > most - sum) return most;
      sum += length;
    }
  return sum;
}

bool GtidSet::contains(const GtidSet& other) const {
  return other.without(*this).empty();
}

GtidSet GtidSet::without(const GtidSet& other) const {
  GtidSet rest;
  for (const auto& [origin, intervals] : origins_) {
    const auto found = other.origins_.find(origin);
    if (found == other.origins_.end()) {
      rest.origins_.emplace(origin, intervals);
      continue;
    }
    Intervals left;
    for (Interval one : intervals) {
      for (const Interval& cut : found->second) {
        if (cut.last < one.first || one.first > one.last) continue;
        if (cut.first > one.last) break;
        if (cut.first > one.first) left.push_back({one.first, cut.first - 1});
        one.first = cut.last + 1;
      }
      if (one.first <= one.last) left.push_back(one);
    }
    if (!left.empty()) rest.origins_.emplace(origin, std::move(left));
  }
  return rest;
}

GtidSet GtidSet::with(const GtidSet& other) const {
  GtidSet both = *this;
  for (const auto& [origin, intervals] : other.origins_) {
    Intervals& all = both.origins_[origin];
    all.insert(all.end(), intervals.begin(), intervals.end());
    join_touching(all);
  }
  return both;
}

std::string to_string(const GtidSet& set) {
  std::vector<std::string> parts;
  for (const auto& [origin, intervals] : set.origins_) {
    std::string part = origin;
    for (const GtidSet::Interval& one : intervals)
      part += one.first == one.last ? fmt::format(":{}", one.first) : fmt::format(":{}-{}", one.first, one.last);
    parts.push_back(std::move(part));
  }
  return join(parts, ",");
}

}  // namespace systole::mysql

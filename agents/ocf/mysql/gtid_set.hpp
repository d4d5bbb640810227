// SPDX-License-Identifier: GPL-2.0-or-later
// MySQL's sets of global transaction ids: for each server that wrote something, named by its UUID, the intervals of the
// numbers of its transactions. Unlike MariaDB's positions they say exactly which transactions there are, so that what
// one server has and another has not is a subtraction. Pure. The form is that of "GTID Format and Storage" in MySQL's
// reference manual.
//
// Tagged GTIDs (MySQL 8.3 and later, UUID:TAG:NUMBER) are kept apart from untagged ones of the same UUID, as the server
// does.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace systole::mysql {

class GtidSet {
 public:
  /// "UUID:1-5:8,UUID:tag:1-3" in any order, with overlaps and blanks; "" is the empty set. nullopt: no such set.
  static std::optional<GtidSet> parse(std::string_view text);

  bool empty() const { return origins_.empty(); }
  /// How many transactions; the greatest number that there is when there are more.
  std::uint64_t count() const;
  bool contains(const GtidSet& other) const;
  GtidSet without(const GtidSet& other) const;
  GtidSet with(const GtidSet& other) const;
  bool operator==(const GtidSet&) const = default;

  /// In the order of UUIDs and tags, intervals joined where they touch.
  friend std::string to_string(const GtidSet& set);

 private:
  struct Interval {
    std::uint64_t first = 0, last = 0;  // both belong to it
    bool operator==(const Interval&) const = default;
  };
  using Intervals = std::vector<Interval>;  // ascending, with a gap between two
  static bool add(std::string_view text, Intervals& all);
  static void join_touching(Intervals& all);

  std::map<std::string, Intervals> origins_;  // "uuid" or "uuid:tag", lower case; none is empty
};

std::string to_string(const GtidSet& set);

}  // namespace systole::mysql

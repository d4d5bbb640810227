// SPDX-License-Identifier: GPL-2.0-or-later
// Which database is the true one: one small value that changes at once, so that nobody ever sees half of a change.
// epoch: +1 at each promotion. sequence: +1 at each other change. primary: who may write. in_sync: the one replica
// that has every acknowledged write, because no commit is acknowledged without it. Of two records the higher
// (epoch, sequence) is the true one, everywhere and whatever else is known; after a split of a cluster that promises
// less they may be equal, then the primary's name decides, so that all say the same. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace systole::mysql {

struct Record {
  std::uint64_t epoch = 0;  // 0: there is no record
  std::uint64_t sequence = 0;
  std::string primary = {};
  std::string in_sync = {};  // "": none

  bool exists() const { return epoch != 0; }
  bool operator==(const Record&) const = default;
};

/// "e=7 q=12 p=n1 s=n2", s=- for none; the fields in any order, each once. "" is the record that does not exist.
/// nullopt: anything else.
std::optional<Record> parse_record(std::string_view text);
std::string to_string(const Record& record);
/// For names of private attributes and messages: "7.12".
std::string version_text(const Record& record);

bool is_newer(const Record& one, const Record& than);
const Record& newer(const Record& one, const Record& other);

/// The record after `node` was promoted. Its own in-sync replica stays: it goes on to have all that was acknowledged.
Record after_promotion_of(const std::string& node, const Record& before);
/// The same epoch with another in-sync replica; "" none.
Record with_in_sync(const Record& before, const std::string& node);

}  // namespace systole::mysql

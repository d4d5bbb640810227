// SPDX-License-Identifier: GPL-2.0-or-later
// What a database lost so that it could follow the primary again: kept as files, and told in words. One folder each,
// /var/lib/systole/rejoin/<UTC time>[-…]-<resource>/:
//   receipt       this text
//   tail.binlog   the transactions as a binary log
//   tail.sql      the same to read: each changed row before and after
//   undo.sql      what undid them, where they were undone
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/ocf/mysql/tail.hpp"

namespace systole::mysql {

/// Rows changed in a table, by kind.
struct RowCount {
  std::uint64_t inserted = 0, updated = 0, deleted = 0;
  bool operator==(const RowCount&) const = default;
};
using RowCounts = std::map<std::string, RowCount>;  // by `schema`.`table`

/// Of the text of `mariadb-binlog --verbose`.
RowCounts count_rows(std::istream& readable_tail);

/// What became of transactions that the primary does not have.
enum class Fate {
  undone,    // row by row; the rest of the database stayed
  replaced,  // with the whole database, by a copy of the primary's
  dropped,   // received and never applied; the relay log was given up
};

struct Receipt {
  std::string resource, node, primary;
  std::string when;  // UTC
  Fate fate = Fate::undone;
  std::string why = {};  // they could not be undone; for replaced
  GtidList base;         // up to here the database is the primary's
  std::vector<TailTransaction> transactions;
  RowCounts rows;
};
std::string to_text(const Receipt& receipt);

/// What the folder's receipt says in one line; "" when it has none.
std::string receipt_headline(std::string_view text);

/// 2026-11-29T14:05:59Z of seconds since 1970.
std::string utc(std::int64_t seconds);

}  // namespace systole::mysql

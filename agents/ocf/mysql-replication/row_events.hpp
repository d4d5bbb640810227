// SPDX-License-Identifier: GPL-2.0-or-later
// The rows of the transaction that an applier stopped at, read from the relay log: the evidence for rows.hpp. Pure.
//
// Only what can be compared beyond doubt is read: a transaction that either inserts or deletes and does nothing else,
// with complete row images, and columns that are whole numbers or strings of bytes. Anything else is refused, never
// guessed.
//
// Format (MariaDB knowledge base, "Replication Protocol"): as in relay_log.hpp; between GTID (162) and Xid (16) events
// come Annotate_rows (160), Table_map (19: table id 6, flags 2, names, packed count of columns, types, packed length of
// metadata, metadata), and Write_rows (23) or Delete_rows (25) events: table id 6, flags 2, packed count of columns, a
// bitmap of those that are there, then rows of a bitmap of NULLs and the values. A Format_description (15) says whether
// a checksum of 4 bytes ends each event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agents/ocf/mysql/gtid.hpp"
#include "common/base/result.hpp"

namespace systole::mysql_replication {

struct RowTable {
  std::string database, name;
  std::vector<std::uint8_t> types;  // of the columns, as the event names them
  bool operator==(const RowTable&) const = default;
};

struct RowValue {
  bool null = false;
  std::optional<std::uint64_t> number = {};  // the bytes of a whole number, zero-extended
  unsigned width = 0;                        // its bytes
  std::string bytes = {};                    // of a string
};

/// The number as its column understands it, for a statement.
std::string number_text(const RowValue& value, bool is_unsigned);

struct LoggedRow {
  std::size_t table = 0;  // index
  std::vector<RowValue> values;
};

struct RowTransaction {
  mysql::Gtid gtid;
  bool inserts = false;  // else it deletes
  std::vector<RowTable> tables;
  std::vector<LoggedRow> rows;
};

/// The first transaction of the file that `applied` does not contain. refused: it is none of those that can be
/// compared.
Result<RowTransaction> first_unapplied(std::span<const std::byte> file, const mysql::GtidList& applied);

}  // namespace systole::mysql_replication

// SPDX-License-Identifier: GPL-2.0-or-later
// See row_events.hpp. Every read is checked against the end of its event: a relay log may be cut anywhere.
#include "agents/ocf/mysql-replication/row_events.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace systole::mysql_replication {

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t header_bytes = 19, rows_max = 1000, magic_bytes = 4;
constexpr std::uint8_t ev_xid = 16, ev_format = 15, ev_table_map = 19, ev_write = 23, ev_delete = 25, ev_annotate = 160,
                       ev_gtid = 162;
constexpr std::uint8_t t_tiny = 1, t_short = 2, t_long = 3, t_longlong = 8, t_int24 = 9, t_varchar = 15, t_blob = 252,
                       t_string = 254;

Error refused(std::string why) {
  return {Errc::refused, std::move(why)};
}

/// Reads forward; once it has read past the end it is bad and reads zeros.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : bytes_(bytes) {}
  bool good() const { return good_; }
  std::size_t left() const { return bytes_.size() - at_; }

  std::uint64_t number(std::size_t width) {
    const Bytes taken = take(width);
    std::uint64_t value = 0;
    for (std::size_t i = taken.size(); i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(taken[i]);
    return value;
  }
  /// Length-encoded, as in the client's protocol.
  std::uint64_t packed() {
    const std::uint64_t first = number(1);
    if (first < 251) return first;
    if (first == 252) return number(2);
    if (first == 253) return number(3);
    if (first == 254) return number(8);
    good_ = false;
    return 0;
  }
  std::string text(std::size_t length) {
    const Bytes taken = take(length);
    std::string out(taken.size(), '\0');
    if (!taken.empty()) std::memcpy(out.data(), taken.data(), taken.size());
    return out;
  }
  Bytes take(std::size_t count) {
    if (!good_ || count > left()) {
      good_ = false;
      return {};
    }
    const Bytes taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

bool bit(Bytes bitmap, std::size_t at) {
  return (std::to_integer<unsigned>(bitmap[at / 8]) >> (at % 8) & 1U) != 0;
}

/// How a column's values are stored.
struct Stored {
  unsigned width = 0;   // of a whole number; 0: a string
  unsigned prefix = 0;  // bytes of a string's length
};

std::optional<Stored> stored(std::uint8_t type, Cursor& metadata) {
  switch (type) {
    case t_tiny:
      return Stored{.width = 1};
    case t_short:
      return Stored{.width = 2};
    case t_int24:
      return Stored{.width = 3};
    case t_long:
      return Stored{.width = 4};
    case t_longlong:
      return Stored{.width = 8};
    case t_varchar:
      return Stored{.prefix = metadata.number(2) > 255 ? 2U : 1U};
    case t_blob: {
      const auto prefix = static_cast<unsigned>(metadata.number(1));
      if (prefix < 1 || prefix > 4) return std::nullopt;
      return Stored{.prefix = prefix};
    }
    case t_string: {  // its first byte is the true type, two of whose bits may belong to the length
      const std::uint64_t first = metadata.number(1), second = metadata.number(1);
      if ((first | 0x30U) != t_string) return std::nullopt;
      const std::uint64_t length = second | ((first & 0x30U) ^ 0x30U) << 4U;
      return Stored{.prefix = length > 255 ? 2U : 1U};
    }
    default:
      return std::nullopt;
  }
}

struct Mapped {
  std::size_t table = 0;
  std::vector<Stored> columns;
};

class Reader {
 public:
  explicit Reader(const mysql::GtidList& applied) : applied_(applied) {}

  Result<RowTransaction> read(Bytes file) {
    if (file.size() < magic_bytes) return refused("the relay log is empty");
    std::size_t at = magic_bytes;
    while (at + header_bytes <= file.size()) {
      Cursor header(file.subspan(at, header_bytes));
      header.number(4);
      const auto type = static_cast<std::uint8_t>(header.number(1));
      const auto server = static_cast<std::uint32_t>(header.number(4));
      const std::uint64_t length = header.number(4);
      if (length < header_bytes || length > file.size() - at) return refused("the relay log is cut or damaged");
      const Bytes whole = file.subspan(at, length);
      at += length;
      if (type == ev_format) {
        if (!take_format(whole)) return refused("the relay log's description is not understood");
        continue;
      }
      if (whole.size() < header_bytes + checksum_) return refused("the relay log is cut or damaged");
      const Bytes body = whole.subspan(header_bytes, whole.size() - header_bytes - checksum_);
      if (auto done = take(type, server, body); !done) return done.error();
      if (complete_) return std::move(found_);
    }
    return refused("the relay log holds no complete transaction that is not applied");
  }

 private:
  bool take_format(Bytes whole) {
    if (whole.size() < header_bytes + 5) return false;
    const auto algorithm = std::to_integer<unsigned>(whole[whole.size() - 5]);
    checksum_ = algorithm == 1 ? 4 : 0;
    return algorithm <= 1;
  }

  Result<void> take(std::uint8_t type, std::uint32_t server, Bytes body) {
    if (type == ev_gtid) return take_gtid(server, body);
    if (!inside_ || type == ev_annotate) return {};
    if (type == ev_table_map) return take_table(body);
    if (type == ev_write || type == ev_delete) return take_rows(type == ev_write, body);
    if (type != ev_xid) return refused(fmt::format("it holds an event of type {}", type));
    if (found_.rows.empty()) return refused("it changes no rows");
    complete_ = true;
    return {};
  }

  Result<void> take_gtid(std::uint32_t server, Bytes body) {
    if (inside_) return refused("it has no end");
    Cursor cursor(body);
    const std::uint64_t sequence = cursor.number(8);
    const auto domain = static_cast<std::uint32_t>(cursor.number(4));
    const std::uint64_t flags = cursor.number(1);
    if (!cursor.good()) return refused("the relay log is cut or damaged");
    found_.gtid = {.domain = domain, .server = server, .sequence = sequence};
    if (mysql::contains(applied_, {found_.gtid})) return {};
    if ((flags & 1U) != 0) return refused("it is a statement of its own");  // DDL
    inside_ = true;
    return {};
  }

  Result<void> take_table(Bytes body) {
    Cursor cursor(body);
    const std::uint64_t id = cursor.number(6);
    cursor.number(2);
    RowTable table;
    table.database = cursor.text(cursor.number(1));
    cursor.number(1);
    table.name = cursor.text(cursor.number(1));
    cursor.number(1);
    const std::uint64_t columns = cursor.packed();
    if (!cursor.good() || columns == 0 || columns > 4096) return refused("a table's description is not understood");
    for (const std::byte type : cursor.take(columns)) table.types.push_back(std::to_integer<std::uint8_t>(type));
    Cursor metadata(cursor.take(cursor.packed()));
    Mapped mapped;
    for (const std::uint8_t type : table.types) {
      const auto how = stored(type, metadata);
      if (!how)
        return refused(fmt::format("{}.{} has a column that is compared by no means here", table.database, table.name));
      mapped.columns.push_back(*how);
    }
    if (!cursor.good() || !metadata.good() || metadata.left() != 0)
      return refused("a table's description is not understood");
    mapped.table = found_.tables.size();
    found_.tables.push_back(std::move(table));
    tables_[id] = std::move(mapped);
    return {};
  }

  Result<void> take_rows(bool inserts, Bytes body) {
    if (!found_.rows.empty() && found_.inserts != inserts) return refused("it inserts and deletes");
    found_.inserts = inserts;
    Cursor cursor(body);
    const auto table = tables_.find(cursor.number(6));
    cursor.number(2);
    const std::uint64_t columns = cursor.packed();
    if (table == tables_.end() || columns != table->second.columns.size()) return refused("a row has no table");
    const Bytes present = cursor.take((columns + 7) / 8);
    if (!cursor.good()) return refused("the relay log is cut or damaged");
    for (std::size_t i = 0; i < columns; ++i)
      if (!bit(present, i)) return refused("its rows are not complete (binlog_row_image)");
    while (cursor.left() > 0) {
      LoggedRow row{.table = table->second.table, .values = {}};
      const Bytes nulls = cursor.take((columns + 7) / 8);
      for (std::size_t i = 0; cursor.good() && i < columns; ++i)
        row.values.push_back(value(cursor, table->second.columns[i], bit(nulls, i)));
      if (!cursor.good()) return refused("the relay log is cut or damaged");
      found_.rows.push_back(std::move(row));
      if (found_.rows.size() > rows_max) return refused(fmt::format("it has more than {} rows", rows_max));
    }
    return {};
  }

  static RowValue value(Cursor& cursor, const Stored& how, bool null) {
    if (null) return {.null = true};
    if (how.width != 0) return {.number = cursor.number(how.width), .width = how.width};
    return {.bytes = cursor.text(cursor.number(how.prefix))};
  }

  const mysql::GtidList& applied_;
  std::size_t checksum_ = 0;
  bool inside_ = false, complete_ = false;
  std::map<std::uint64_t, Mapped> tables_;
  RowTransaction found_;
};

}  // namespace

std::string number_text(const RowValue& value, bool is_unsigned) {
  const std::uint64_t raw = value.number.value_or(0);
  const unsigned bits = value.width * 8;
  if (is_unsigned || bits == 0 || (raw >> (bits - 1) & 1U) == 0) return std::to_string(raw);
  const std::uint64_t extended = bits == 64 ? raw : raw | ~std::uint64_t{0} << bits;
  return std::to_string(static_cast<std::int64_t>(extended));
}

Result<RowTransaction> first_unapplied(Bytes file, const mysql::GtidList& applied) {
  return Reader(applied).read(file);
}

}  // namespace systole::mysql_replication

// SPDX-License-Identifier: GPL-2.0-or-later
// From the newest file backwards to the first whose list of what came before it the primary has whole; from there
// forwards, event by event.
#include "agents/ocf/mysql/tail.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr std::size_t rows_fixed_bytes = 8, table_map_fixed_bytes = 8;  // table 6, flags 2
constexpr std::size_t statement_shown = 200, statements_kept = 20;

/// A packed integer; nullopt: it is not all there, or is NULL.
std::optional<std::uint64_t> packed(std::span<const std::byte> bytes, std::size_t& at) {
  if (at >= bytes.size()) return std::nullopt;
  const unsigned first = std::to_integer<unsigned>(bytes[at++]);
  if (first < 251) return first;
  const std::size_t width = first == 252 ? 2 : first == 253 ? 3 : first == 254 ? 8 : 0;
  if (width == 0 || width > bytes.size() - at) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value |= std::to_integer<std::uint64_t>(bytes[at + i]) << (8 * i);
  at += width;
  return value;
}

/// One bit for each column, all of them set.
bool all_set(std::span<const std::byte> bitmap, std::uint64_t columns) {
  for (std::uint64_t column = 0; column < columns; ++column)
    if ((std::to_integer<unsigned>(bitmap[column / 8]) >> (column % 8) & 1U) == 0) return false;
  return true;
}

bool has_whole_rows(const LogEvent& event) {
  std::size_t at = rows_fixed_bytes;
  const auto columns = packed(event.body, at);
  if (!columns || *columns > 4096) return false;
  const std::size_t bitmap = (*columns + 7) / 8, images = event.type == event_update_rows ? 2 : 1;
  if (bitmap * images > event.body.size() - at) return false;
  for (std::size_t image = 0; image < images; ++image)
    if (!all_set(event.body.subspan(at + image * bitmap, bitmap), *columns)) return false;
  return true;
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<TableName> table_of(const LogEvent& event) {
  const auto name_at = [&](std::size_t& at) -> std::optional<std::string> {
    if (at >= event.body.size()) return std::nullopt;
    const std::size_t length = std::to_integer<std::size_t>(event.body[at++]);
    if (length + 1 > event.body.size() - at) return std::nullopt;
    std::string name = text_of(event.body.subspan(at, length));
    at += length + 1;
    return name;
  };
  std::size_t at = table_map_fixed_bytes;
  auto schema = name_at(at);
  auto table = schema ? name_at(at) : std::nullopt;
  if (!table) return std::nullopt;
  return TableName{std::move(*schema), std::move(*table)};
}

/// For people: what is printable of it, without the checksum that may follow.
std::string shown(std::string_view text, std::size_t limit = statement_shown) {
  std::string out;
  for (const char c : text.substr(0, std::min(text.size(), limit)))
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return text.size() > limit ? out + " …" : out;
}

std::string_view without_checksum(std::string_view text) {
  return text.substr(0, text.size() - std::min<std::size_t>(text.size(), 4));
}

class TailScanner {
 public:
  TailScanner(const GtidList& base, const GtidList& primary) : primary_(primary) { tail_.base = position_of(base); }

  Result<void> read(const LogFile& file) {
    const auto end = read_events(file, [&](const LogEvent& event) {
      if (event.type == event_gtid) {
        begin(event, {file.path, event.offset});
      } else if (open_) {
        take(event);
      }
      return true;
    });
    if (!end) return end.error();
    return {};
  }

  Tail finish() && { return std::move(tail_); }

 private:
  void begin(const LogEvent& event, LogPlace place) {
    const auto begun = gtid_of(event);
    open_ = begun.has_value();
    if (!begun) return;
    standalone_ = begun->standalone;
    ours_ = !has_transaction(primary_, begun->gtid);
    if (!ours_) {
      if (tail_.begin) hinder("behind it stand transactions that the primary has");
      tail_.base = merged(tail_.base, {begun->gtid});
      return;
    }
    if (!tail_.begin) tail_.begin = std::move(place);
    tail_.transactions.push_back({.gtid = begun->gtid, .time_s = event.time_s});
  }

  void take(const LogEvent& event) {
    if (ours_) look_at(event);
    const bool statement = event.type == event_query || event.type == event_query_compressed;
    if (ends_transaction(event) || (standalone_ && statement)) open_ = false;
  }

  void look_at(const LogEvent& event) {
    TailTransaction& transaction = tail_.transactions.back();
    switch (event.type) {
      case event_xid:
        return;
      case event_annotate_rows:
        if (transaction.sql.size() < statements_kept)
          transaction.sql.push_back(shown(without_checksum(text_of(event.body))));
        return;
      case event_table_map:
        if (auto table = table_of(event)) {
          if (table->first == "mysql") hinder("it changes the server's own tables");
          transaction.tables.insert(std::move(*table));
        } else {
          hinder("an event that names a table is damaged");
        }
        return;
      case event_write_rows:
      case event_update_rows:
      case event_delete_rows:
        if (!has_whole_rows(event)) hinder("its rows were not logged whole (binlog_row_image is not FULL)");
        return;
      case event_query:
        return look_at_statement(event, transaction);
      default:
        hinder(fmt::format("it has an event of type {}, which cannot be undone", event.type));
    }
  }

  void look_at_statement(const LogEvent& event, TailTransaction& transaction) {
    const Statement statement = statement_of(event);
    transaction.thread = statement.thread;
    const std::string text = shown(without_checksum(statement.text));
    if (transaction.sql.size() < statements_kept) transaction.sql.push_back(text);
    hinder(fmt::format("it is, or has in it, a statement that is no change of rows: {}", text));
  }

  /// Of several obstacles the first is told.
  void hinder(const std::string& why) {
    if (!tail_.obstacle.empty()) return;
    tail_.obstacle = fmt::format("transaction {}: {}", to_string(tail_.transactions.back().gtid), why);
  }

  const GtidList& primary_;
  Tail tail_;
  bool open_ = false, standalone_ = false, ours_ = false;
};

/// The list at the file's head; nullopt: it has none (yet).
Result<std::optional<GtidList>> before(const LogFile& file) {
  std::optional<GtidList> list;
  const auto end = read_events(file, [&](const LogEvent& event) {
    if (event.type == event_gtid_list) list = gtid_list_of(event);
    return event.type == event_format;
  });
  if (!end) return end.error();
  return list;
}

}  // namespace

std::set<TableName> Tail::tables() const {
  std::set<TableName> all;
  for (const TailTransaction& transaction : transactions)
    all.insert(transaction.tables.begin(), transaction.tables.end());
  return all;
}

Result<Tail> scan_tail(std::span<const LogFile> files, const GtidList& primary) {
  for (std::size_t first = files.size(); first-- > 0;) {
    const auto list = before(files[first]);
    if (!list) return list.error();
    if (!*list) continue;
    // Each of them, not the last of each domain: a parallel applier may write the primary's transactions behind one of
    // our own with a lower number.
    if (!std::ranges::all_of(**list, [&](const Gtid& gtid) { return has_transaction(primary, gtid); })) continue;
    TailScanner scanner(**list, primary);
    for (const LogFile& file : files.subspan(first))
      if (const auto read = scanner.read(file); !read) return read.error();
    return std::move(scanner).finish();
  }
  return Error{Errc::not_found, "the binary logs of this server do not reach back to where it and the primary parted"};
}

Result<Tail> scan_received(std::span<const LogFile> files, const GtidList& primary) {
  TailScanner scanner({}, primary);
  for (const LogFile& file : files)
    if (const auto read = scanner.read(file); !read) return read.error();
  return std::move(scanner).finish();
}

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// Binary and relay logs as sequences of events. Pure; hostile bytes end the reading, they never lead it astray.
//
// Format (MariaDB knowledge base, "Binary Log Event Header", "Gtid_event", "Query_event"): magic FE 62 69 6E, then
// events of a 19-byte header {timestamp 4, type 1, server_id 4, length 4, next position 4, flags 2}, little-endian. A
// GTID event (162) carries {sequence 8, domain 4, flags2 1}; its server is the header's. A transaction ends with the
// event after the GTID event when flags2 has bit 0 (standalone: DDL), else with Xid (16), XA prepare (38) or a
// Query (2) COMMIT or ROLLBACK. A body may end with a checksum of four bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/ocf/mysql/gtid.hpp"
#include "common/base/result.hpp"

namespace systole::mysql {

inline constexpr std::size_t log_magic_bytes = 4;

struct LogFile {
  std::string path;                  // as the index file names it, made absolute
  std::span<const std::byte> bytes;  // whole file
};

struct LogPlace {
  std::string path;
  std::uint64_t offset = 0;
  bool operator==(const LogPlace&) const = default;
};

enum LogEventType : std::uint8_t {
  event_query = 2,
  event_stop = 3,
  event_rotate = 4,
  event_format = 15,
  event_xid = 16,
  event_table_map = 19,
  event_write_rows = 23,
  event_update_rows = 24,
  event_delete_rows = 25,
  event_incident = 26,
  event_heartbeat = 27,
  event_xa_prepare = 38,
  event_annotate_rows = 160,
  event_checkpoint = 161,
  event_gtid = 162,
  event_gtid_list = 163,
  event_start_encryption = 164,
  event_query_compressed = 165,
};

struct LogEvent {
  std::uint8_t type = 0;
  std::uint32_t time_s = 0;  // since 1970
  std::uint32_t server = 0;
  std::uint64_t offset = 0;  // of its header in the file
  std::span<const std::byte> body;
};

struct GtidEvent {
  Gtid gtid;
  bool standalone = false;  // one statement, which ends it: DDL
};
/// nullopt: too short.
std::optional<GtidEvent> gtid_of(const LogEvent& event);
/// What the log held before this file: the last transaction of each domain and server; nullopt: it is damaged.
std::optional<GtidList> gtid_list_of(const LogEvent& event);

struct Statement {
  std::uint32_t thread = 0;  // the client's connection
  std::string_view text;     // a checksum may follow it
};
/// Of a Query event; empty when it is too short to hold one.
Statement statement_of(const LogEvent& event);
/// It speaks of files, not of data: neither a transaction nor a part of one.
bool ties_files(const LogEvent& event);
/// With its header.
std::span<const std::byte> whole_event(const LogFile& file, const LogEvent& event);

/// For one that is not standalone.
bool ends_transaction(const LogEvent& event);

/// Calls `take` with each whole event until it says false. Returns where the reading ended: file.bytes.size() when
/// nothing is torn and nothing was left out; 0 when nothing is written yet. Errors: no such log, or an encrypted one.
Result<std::uint64_t> read_events(const LogFile& file, const std::function<bool(const LogEvent&)>& take);

/// The files that an index file names, in order; relative names are below `datadir`.
std::vector<std::string> log_files(std::string_view index, std::string_view datadir);

/// bytes[at…at+sizeof N). The caller has looked whether they are there.
template <class N>
N little_endian(std::span<const std::byte> bytes, std::size_t at) {
  N value{};
  for (std::size_t i = 0; i < sizeof(N); ++i) value |= static_cast<N>(static_cast<N>(bytes[at + i]) << (8 * i));
  return value;
}

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// Reading relay logs ourselves. A replica that was restarted has forgotten what it had received (Gtid_IO_Pos is empty),
// and the next START SLAVE deletes the relay log, though its events may be the only copy of acknowledged transactions.
// So before any START SLAVE we look for the first transaction that is not yet applied and tell the server to begin
// there (CHANGE MASTER TO MASTER_USE_GTID=NO, RELAY_LOG_FILE=…, RELAY_LOG_POS=…). relay-log.info may be stale after
// a crash, therefore the place is found by GTID.
//
// Format (MariaDB knowledge base, "Binary Log Event Header", "Gtid_event"): magic FE 62 69 6E, then events of a 19-byte
// header {timestamp 4, type 1, server_id 4, length 4, next position 4, flags 2}, little-endian. A GTID event (162)
// carries {sequence 8, domain 4, flags2 1}; its server is the header's. A transaction ends with the event after the
// GTID event when flags2 has bit 0 (standalone: DDL), else with Xid (16), XA prepare (38) or a Query (2) COMMIT or
// ROLLBACK.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/ocf/mysql/gtid.hpp"
#include "common/base/result.hpp"

namespace systole::mysql {

struct RelayFile {
  std::string path;                  // as the index file names it, made absolute
  std::span<const std::byte> bytes;  // whole file
};

struct RelayPlace {
  std::string path;
  std::uint64_t offset = 0;
  bool operator==(const RelayPlace&) const = default;
};

struct RelayScan {
  GtidList received = {};                 // last complete transaction of each domain in the files
  std::optional<RelayPlace> resume = {};  // first complete transaction that `applied` does not contain
  std::uint64_t unapplied = 0;            // complete transactions from there on
  bool torn = false;                      // the last file ends within an event or a transaction
};

/// The files in order, oldest first. Errors: a file that is no relay log, or an encrypted one.
Result<RelayScan> scan_relay_log(std::span<const RelayFile> files, const GtidList& applied);

/// The files that an index file names, in order; relative names are below `datadir`.
std::vector<std::string> relay_files(std::string_view index, std::string_view datadir);

/// The relay log's name without its number, from the text of relay-log.info; "mysql-relay-bin" when there is none in
/// it.
std::string relay_log_name(std::string_view info);

}  // namespace systole::mysql

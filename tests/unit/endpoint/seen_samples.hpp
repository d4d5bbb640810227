// SPDX-License-Identifier: GPL-2.0-or-later
// Databases as a look may see them, for the tests of what is said of them.
#pragma once

#include "tools/endpoint/seen.hpp"

namespace systole::endpoint {

inline Stream sound_stream() {
  return {.status = {.host = "192.0.2.2",
                     .port = 3306,
                     .io = mysql::IoThread::running,
                     .sql_running = true,
                     .received = *mysql::parse_gtids("0-2-100"),
                     .behind_s = 0},
          .applied = *mysql::parse_gtids("0-2-100"),
          .silent = 900ms,
          .silence_max = 3s};
}

inline Seen sound_replica() {
  return {.node = "n1",
          .resource = "db",
          .stream = sound_stream(),
          .applied = *mysql::parse_gtids("0-2-100"),
          .record = {.epoch = 7, .sequence = 12, .primary = "n2", .in_sync = "n1"},
          .helper = mysql::HelperState{.state = mysql::LineageState::in_sync, .since = "2026-11-29 14:00:00"},
          .since = "2026-11-29T14:00:01Z"};
}

inline Seen sound_primary() {
  Seen seen = sound_replica();
  seen.stream.reset();
  seen.writable = true;
  seen.record.primary = "n1";
  seen.record.in_sync = "n2";
  seen.helper->state = mysql::LineageState::sync;
  return seen;
}

inline Seen silent_server() {
  return {.node = "n1", .resource = "db", .silence = "no server listens at /run/s", .detail = "secret"};
}

}  // namespace systole::endpoint

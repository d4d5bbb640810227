// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of the server and its replication at one moment. Gathered once per action, then judged by pure
// functions. What could not be read is absent, never guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agents/ocf/mysql/facts.hpp"

namespace systole::mysql_replication {

enum class Contact {
  answers,
  down,        // nobody listens
  hung,        // somebody does, and does not answer in time
  overloaded,  // "too many connections": it lives and serves those that are open
  refused,     // our account, so that nothing can be known
};

/// One row of SHOW ALL SLAVES STATUS.
struct Channel {
  std::string name = {};  // "" for the one that is repaired; others are only watched
  std::string host = {};
  unsigned port = 0;
  mysql::IoThread io = mysql::IoThread::stopped;
  bool sql_running = false;
  bool by_gtid = true;
  bool drain_interrupted = false;  // the relay log was being applied from its files when somebody died, or ran out of
                                   // time
  bool all_read = false;           // the applier waits for more
  unsigned io_errno = 0, sql_errno = 0;
  std::string io_error = {}, sql_error = {};
  mysql::GtidList received = {};
  mysql::GtidSet received_set = {};  // MySQL's
  bool all_applied = false;          // of what was received
  std::optional<std::int64_t> behind_s = {};
  std::int64_t delay_s = 0;  // MASTER_DELAY
  std::uint32_t primary_id = 0;
};

/// What the primary itself said, on a connection of our own.
struct Peer {
  bool writable = false;
  mysql::GtidList position = {};  // all it has
  mysql::GtidSet executed = {};   // the same on MySQL
  std::string errant = {};        // what we have and it never had; "": nothing
  std::int64_t offset_us = 0;     // its clock less ours
  std::int64_t round_trip_us = 0;
};

struct Facts {
  Contact contact = Contact::down;
  std::string silence = {};  // why it does not answer
  bool read_only = true;
  std::uint32_t server_id = 0;
  mysql::GtidList applied = {};
  bool on_mysql = false;
  mysql::GtidSet applied_set = {};  // MySQL's gtid_executed
  bool waits_for_space = false;     // a thread of the server does
  bool status_hangs = false;        // somebody has asked for it, and waits: another one would wait too
  bool status_known = false;        // SHOW ALL SLAVES STATUS was answered
  std::optional<Channel> channel = {};
  std::optional<bool> acknowledges = {};     // as a semi-synchronous replica; not asked where nobody cares
  bool synced = false;                       // in the eyes of its Galera group
  std::optional<std::int64_t> beat_us = {};  // the newest heartbeat that is applied here, by its writer's clock
  std::int64_t wall_us = 0;                  // our clock when that was read
  std::optional<Peer> peer = {};             // not asked each time
};

}  // namespace systole::mysql_replication

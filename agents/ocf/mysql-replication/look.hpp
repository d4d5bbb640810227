// SPDX-License-Identifier: GPL-2.0-or-later
// Gathering: one connection to the server, two or three statements that never wait for a blocked commit, each within a
// common deadline; and now and then one connection to the primary.
#pragma once

#include <optional>

#include "agents/ocf/mysql-replication/facts.hpp"
#include "agents/ocf/mysql-replication/memory.hpp"
#include "agents/ocf/mysql-replication/settings.hpp"
#include "agents/ocf/mysql/server.hpp"

namespace systole::mysql_replication {

struct Seen {
  Facts facts;
  std::optional<mysql::Server> server;  // for repairs, where it answers
};

/// memory: its asked_peer_ms is brought up to date.
Seen look(const Settings& settings, Memory& memory, Deadline deadline);

/// The row of the connection without a name, else the first one; nullopt: it replicates from nobody. Of the facts what
/// is applied counts.
std::optional<Channel> channel_in(const sql::Table& answer, const mysql::Dialect& dialect, const Facts& facts);

std::int64_t wall_us();
std::int64_t boot_ms();

}  // namespace systole::mysql_replication

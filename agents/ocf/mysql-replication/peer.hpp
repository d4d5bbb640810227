// SPDX-License-Identifier: GPL-2.0-or-later
// Asking the primary itself, as replication_user: what a replica cannot know of itself.
#pragma once

#include <string>

#include "agents/ocf/mysql-replication/facts.hpp"
#include "agents/ocf/mysql-replication/memory.hpp"
#include "agents/ocf/mysql-replication/settings.hpp"
#include "agents/sql/deadline.hpp"

namespace systole::mysql_replication {

/// What it has, what we have that it never had, and how far its clock is from ours: of several questions the one with
/// the shortest way counts, which is right to half that way.
/// Of the facts the channel and what is applied here count.
Result<Peer> ask_primary(const Settings& settings, const Facts& facts, Deadline deadline);

/// The heartbeat is old, or there is none: is it late, or not written?
bool lag_is_doubtful(const Facts& facts, const Memory& memory, std::int64_t max_lag_ms);

/// Among the partners, or as the cluster's configuration says: the one that is writable; "" none, or more than one.
std::string find_partner(const Settings& settings, const agents::Environment& env, Deadline deadline, Log& log);

}  // namespace systole::mysql_replication

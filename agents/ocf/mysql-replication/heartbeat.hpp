// SPDX-License-Identifier: GPL-2.0-or-later
// The heartbeat's writer: a resident process beside the server, from start to stop, on every node; it writes only where
// the server is writable and replicates from nobody.
//
// It must be harmless. A commit may be made to wait for a replica, for ever; one that is given up must not be killed
// (KILL QUERY would acknowledge it), and connections that pile up would take the clients' place. So the writer just
// lets go of its own connection, and writes again only when the server has ended that session.
// A row that were written on a replica would be a transaction that the primary never had. So the statement itself
// asks for read_only, once it holds the lock that a change of read_only waits for; and its session writes rows, since
// a statement that changes none would be logged as a statement.
#pragma once

#include "agents/ocf/mysql-replication/settings.hpp"

namespace systole::mysql_replication {

/// Started anew where it runs.
Result<void> launch_heartbeat(agents::Call& call, const Settings& settings);
Result<void> end_heartbeat(const Settings& settings);
bool heartbeat_lives(const Settings& settings);

}  // namespace systole::mysql_replication

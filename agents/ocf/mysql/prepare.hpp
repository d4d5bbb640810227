// SPDX-License-Identifier: GPL-2.0-or-later
// What must be there before a server can be launched: its folders, its user's right to write to them, and a database.
#pragma once

#include "agents/ocf/mysql/cluster.hpp"

namespace systole::mysql {

/// permission: a folder cannot be made, or the server's user cannot write to it. generic: no database could be made.
/// `record`: the newest that is known.
agents::Ocf prepare(const Settings& settings, agents::Call& call, Cluster& cluster, const Record& record,
                    Deadline deadline);

/// The error log belongs to the server's user, though it is we who open it first.
void give_log_to_user(const Settings& settings);

}  // namespace systole::mysql

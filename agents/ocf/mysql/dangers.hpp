// SPDX-License-Identifier: GPL-2.0-or-later
// What a server holds that makes replication less safe than it looks, for the log of start and validate-all: the
// agent cannot mend it, and it is no reason not to run.
#pragma once

#include <string>
#include <vector>

#include "agents/ocf/mysql/danger_words.hpp"
#include "agents/ocf/mysql/server.hpp"

namespace systole::mysql {

/// One sentence each. Questions that the server does not answer within a second are left out: on one with very many
/// tables a look at all of them takes long.
std::vector<std::string> dangers_of(Server& server, const Settings& settings, Deadline deadline);

void warn_of_dangers(Server& server, const Settings& settings, agents::Call& call, Deadline deadline);

}  // namespace systole::mysql

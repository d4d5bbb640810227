// SPDX-License-Identifier: GPL-2.0-or-later
// What a server holds that makes replication less safe than it looks, for the log of start and validate-all: the
// agent cannot mend it, and it is no reason not to run.
#pragma once

#include <string>
#include <vector>

#include "agents/ocf/mysql/server.hpp"

namespace systole::mysql {

/// One sentence each. Questions that the server does not answer within a second are left out: on one with very many
/// tables a look at all of them takes long.
std::vector<std::string> dangers_of(Server& server, const Settings& settings, Deadline deadline);

/// A binary log whose transactions cannot be undone; "": nothing wrong with it. Empty values are not known.
std::string danger_of_format(std::string_view format, std::string_view row_image);

/// Are accounts with SUPER free from read_only? So it was before 10.11.
bool super_is_free(std::string_view version);

void warn_of_dangers(Server& server, const Settings& settings, agents::Call& call, Deadline deadline);

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// What a server's own configuration says, as the server itself reads it (--print-defaults), and where it puts the
// server's files: for the agent, and for who prepares a server for it. It needs no connection to a server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agents/kit/values.hpp"
#include "agents/ocf/mysql/dialect.hpp"
#include "agents/ocf/mysql/settings.hpp"
#include "agents/sql/deadline.hpp"

namespace systole::mysql {

/// The options that the server reads from its configuration; it is asked.
Result<std::vector<std::string>> configured_options(const Settings& settings, const agents::Environment& env,
                                                    Deadline deadline);

/// Those options that say where things are.
std::vector<std::string_view> layout_options();

/// The values that these options give to parameters. Relative names are below the datadir, which the server makes its
/// working directory.
agents::Fallbacks fallbacks_from(const std::vector<std::string>& options, const agents::Values& given);

/// How to speak to the server that `binary` is. mariadbd is known by its name, any other program is asked (--version).
Result<Dialect> dialect_of_program(const Settings& settings, const agents::Environment& env, Deadline deadline);

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// `systole mysql switch`: a planned switch-over of a database under ocf:systole:mysql. First everything is asked, and
// nothing is touched while an answer speaks against it; then the manager is told where the primary is wanted, and what
// it was told is taken back at the end, whatever the end was: the database stays where it is, or goes back where the
// manager can still promote it. Works under Systole's manager and under Pacemaker.
#pragma once

#include "tools/agent/mysql_commands.hpp"

namespace systole::tools {

/// Where to. Errors: no_such and the like, each a sentence that says what speaks against it. Pure.
Result<std::string> switch_target(const MysqlView& view, const std::string& wanted);

/// The target is the primary and a replica is in sync with it: of two databases the former primary, of several perhaps
/// another one. Pure.
bool is_switched(const MysqlView& view, const std::string& target);

/// Exit code 0: is_switched(); 1: it was not done, or is not
/// complete; then the last line says where the primary is.
int switch_over(Surroundings& here, const MysqlOptions& options, const MysqlView& view,
                const std::function<MysqlView()>& look);

}  // namespace systole::tools

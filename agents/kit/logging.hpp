// SPDX-License-Identifier: GPL-2.0-or-later
// Where an agent's log lines go: as the shell agents choose, so that a cluster's log stays in one place.
//
//   a terminal at stderr                      there
//   HA_LOGFACILITY, HA_LOGFILE                syslog by that facility, that file, or both
//   HA_LOGFILE=/dev/null                      nowhere else
//   neither ("none" counts as not named)      the journal; /dev/log where there is no journal; else stderr
//
// HA_debug other than 0: debug lines too.
#pragma once

#include <string>
#include <string_view>

#include "agents/kit/values.hpp"
#include "common/log/log.hpp"
#include "common/log/sinks.hpp"

namespace systole::agents {

/// What is there to write to.
struct LogSurroundings {
  bool stderr_is_terminal = false;
  std::string journal{journal_socket};
  std::string syslog{syslog_socket};
};

/// Adds the sinks. Lines carry the agent's name, the resource's and, where the log does not know it itself, the pid:
/// "ping(net)[123]"; in the journal also the field OCF_RESOURCE_INSTANCE.
void open_log(Log& log, const Environment& env, std::string_view agent, const LogSurroundings& surroundings);

}  // namespace systole::agents

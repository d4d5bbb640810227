// SPDX-License-Identifier: GPL-2.0-or-later
// Exit codes of OCF agents in words, and as those of init scripts (LSB Core 5, "Init Script Actions"): pure.
#pragma once

#include <string>

#include "agents/kit/table.hpp"

namespace systole::lsb {

/// LSB's codes: of all actions but status.
enum class Lsb {
  ok = 0,
  generic = 1,
  args = 2,
  unimplemented = 3,
  permission = 4,
  installed = 5,
  configured = 6,
  not_running = 7,
};

/// LSB's codes of status. 1 and 2 (dead, but a pid or lock file is there) are never said: OCF knows no such state.
enum class LsbStatus { running = 0, stopped = 3, unknown = 4 };

/// Is it a code of OCF's at all?
bool is_ocf_code(int code);

/// "not running"; "no OCF code" for others.
std::string in_words(int ocf_code);

/// Of start, stop and the like. The codes up to 7 are the same in both worlds.
Lsb lsb_code(int ocf_code);

/// Of monitor. What failed, or cannot be found out, is "unknown" and not "dead": a cluster manager takes the dead for
/// stopped and starts it elsewhere, while half of it may still run here.
LsbStatus lsb_status(int ocf_code);

/// What Heartbeat reads on the standard output of status: "running", "stopped". What failed counts as running: it must
/// be stopped before anybody else may start it. "unknown", which Heartbeat takes for stopped: the agent cannot work
/// with these words at all.
std::string_view heartbeat_word(int ocf_code);

}  // namespace systole::lsb

// SPDX-License-Identifier: GPL-2.0-or-later
// /etc/default/NAME as the resource that an init script stands for: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agents/lsb/agent_name.hpp"
#include "agents/lsb/positional.hpp"
#include "common/base/time.hpp"

namespace systole::lsb {

struct Settings {
  AgentName agent;                  // OCF_AGENT=
  std::optional<Duration> timeout;  // OCF_TIMEOUT=
  Parameters parameters;            // all other names; OCF_RESKEY_ in front of one is taken off
};

/// file: its name for messages. Errc::invalid: a fault of the file with its line, OCF_AGENT missing, a bad OCF_TIMEOUT.
Result<Settings> parse_settings(std::string_view text, std::string_view file);

/// The text of such a file; parse_settings reads it back.
std::string make_settings(std::string_view agent, const Parameters& parameters);

}  // namespace systole::lsb

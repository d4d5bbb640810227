// SPDX-License-Identifier: GPL-2.0-or-later
// The table for people: what `AGENT --help` prints, and the manual page that is made when the agent is built.
#pragma once

#include <string>

#include "agents/kit/table.hpp"

namespace systole::agents {

/// What it does, its parameters with their defaults, its actions, and an example by hand. Lines of 80 columns.
std::string help_text(const About& about);

/// The page ocf_systole_NAME(7), in the macros of man(7).
std::string manual_page(const About& about);

}  // namespace systole::agents

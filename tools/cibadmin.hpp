// SPDX-License-Identifier: GPL-2.0-or-later
// The program cibadmin, apart from the agents' tools because it needs libxml2.
#pragma once

#include "tools/program.hpp"

namespace systole::tools {

int cibadmin(Surroundings& here);

}  // namespace systole::tools

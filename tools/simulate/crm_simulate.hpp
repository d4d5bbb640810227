// SPDX-License-Identifier: GPL-2.0-or-later
// crm_simulate: what the scheduler would do with a CIB, with Pacemaker's options and in its words.
#pragma once

#include "tools/program.hpp"

namespace systole::tools {

int crm_simulate(Surroundings& here);

}  // namespace systole::tools

// SPDX-License-Identifier: GPL-2.0-or-later
// `systole mysql endpoint`: becomes the program systole-mysql-endpoint (tools/endpoint), which needs the database's
// client library.
#pragma once

#include "tools/endpoint/options.hpp"
#include "tools/program.hpp"

namespace systole::tools {

/// Returns only when it fails: the exit code.
int become_endpoint(Surroundings& here, const endpoint::Options& options);

}  // namespace systole::tools

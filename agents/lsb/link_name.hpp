// SPDX-License-Identifier: GPL-2.0-or-later
// Under which name a program was called: pure.
#pragma once

#include <string>
#include <string_view>

namespace systole::lsb {

/// The last part of argv[0]; a link of a run level (/etc/rc2.d/S20vip, ../rc0.d/K01vip) without its letter and number.
std::string service_of_link(std::string_view argv0);

}  // namespace systole::lsb

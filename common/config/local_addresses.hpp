// SPDX-License-Identifier: GPL-2.0-or-later
// The addresses that this machine has now.
#pragma once

#include <string>
#include <vector>

namespace systole::config {

/// IP literals of all interfaces, the loopback's too; empty where the kernel does not tell. Link-local ones of IPv6 say
/// their interface: fe80::1%eth0.
std::vector<std::string> local_addresses();

}  // namespace systole::config

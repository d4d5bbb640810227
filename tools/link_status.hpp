// SPDX-License-Identifier: GPL-2.0-or-later
// `systole link status`: each link to each peer, as the daemon of this node measures it.
#pragma once

#include <string>

#include "common/wire/ipc.hpp"
#include "tools/program.hpp"

namespace systole::tools {

std::string links_text(const wire::ipc::ClusterInfo& cluster);
std::string links_json(const wire::ipc::ClusterInfo& cluster);
/// One link, the same for all commands.
std::string link_json(const wire::ipc::LinkInfo& link);
/// "link 0 to n2 (192.0.2.2): loses 12 % of the packets": what is not well, one line each.
std::vector<std::string> link_troubles(const wire::ipc::ClusterInfo& cluster);

/// Exit code 0: all links are well; 1: one is not.
int link_status(Surroundings& here, bool json);

}  // namespace systole::tools

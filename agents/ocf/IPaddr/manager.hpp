// SPDX-License-Identifier: GPL-2.0-or-later
// Telling Pacemaker of a fault between two monitors. Systole's own manager needs no telling: it runs the action watch.
#pragma once

#include "agents/kit/agent.hpp"
#include "common/base/result.hpp"

namespace systole::agents::ipaddr {

/// `crm_resource --fail`, where Pacemaker called the agent and the resource is managed and not in maintenance. Ok also
/// where there is nobody to tell.
Result<void> report_failure(Call& call);

/// From crm_mon's XML: the resource is managed and not in maintenance. False also when it is not found.
bool is_managed(std::string_view crm_mon_xml, std::string_view resource);

}  // namespace systole::agents::ipaddr

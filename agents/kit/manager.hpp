// SPDX-License-Identifier: GPL-2.0-or-later
// Which manager called, and telling Pacemaker of a fault between two monitors. Systole's own manager needs no telling:
// it runs the action watch. Used by resident helpers.
#pragma once

#include "agents/kit/agent.hpp"
#include "common/base/result.hpp"

namespace systole::agents {

bool pacemaker_called(const Environment& env);
/// Systole's own.
bool crmd_called(const Environment& env);

/// How a resource stands with Pacemaker.
enum class Managed {
  managed,     // runs on this node by Pacemaker's will: what befalls it is to be told
  left_alone,  // unmanaged, in maintenance, not running here, or not known at all
  replaced,    // its configuration names another agent now
};

struct Question {
  std::string resource;  // without an instance's number
  std::string agent;     // ocf:PROVIDER:TYPE
  std::string node;      // empty: whichever
};
/// The answer in crm_mon's XML.
Managed standing_of(std::string_view crm_mon_xml, const Question& question);

/// `crm_resource --fail`, where Pacemaker called the agent and the resource stands there as managed. The answer is how
/// it stands; left_alone also where there is nobody to tell.
Result<Managed> report_failure(Call& call);

}  // namespace systole::agents

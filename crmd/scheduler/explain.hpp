// SPDX-License-Identifier: GPL-2.0-or-later
// Words for decisions: why a resource is not on a node, why it is on one, why it has its role. Internal.
#pragma once

#include <string>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

/// Why it cannot be there; "" where it can.
std::string why_not(const Plan& plan, const Item& item, int node);
/// Why it leaves the node where it is.
std::string why_leave(const Plan& plan, const Item& item);
/// Why it comes to the node where it will be.
std::string why_come(const Plan& plan, const Item& item);
/// Why it is promoted or not.
std::string why_role(const Plan& plan, const Item& item);

}  // namespace systole::scheduler

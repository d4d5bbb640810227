// SPDX-License-Identifier: GPL-2.0-or-later
// What a cluster's status becomes when an action succeeds: for simulations, which play transitions.
#pragma once

#include "cib/model/status.hpp"
#include "crmd/scheduler/scheduler.hpp"

namespace systole::scheduler {

/// call_id: above all that the status holds. now_s: wall clock.
void succeed(cib::Status& status, const Action& action, std::int32_t call_id, std::int64_t now_s);

}  // namespace systole::scheduler

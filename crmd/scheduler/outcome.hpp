// SPDX-License-Identifier: GPL-2.0-or-later
// What a cluster's status becomes when an action succeeds, or does not: for simulations, which play transitions.
#pragma once

#include "cib/model/status.hpp"
#include "crmd/scheduler/scheduler.hpp"

namespace systole::scheduler {

/// call_id: above all that the status holds. now_s: wall clock.
void succeed(cib::Status& status, const Action& action, std::int32_t call_id, std::int64_t now_s);

/// An agent's call that ends with another code than the expected one.
void fail(cib::Status& status, const Action& action, int rc, std::int32_t call_id, std::int64_t now_s);

/// The fail count and the time of the last failure, if this result is one: a probe may find what it likes to, but no
/// error.
void count_failure(cib::NodeState& node, const cib::OperationResult& result, std::int64_t now_s);

}  // namespace systole::scheduler

// SPDX-License-Identifier: GPL-2.0-or-later
// Where this node stands in the protocol at the moment of an action, and what an action does to the record.
#pragma once

#include <string>

#include "agents/kit/agent.hpp"
#include "agents/ocf/mysql/own_copy.hpp"
#include "agents/ocf/mysql/settings.hpp"
#include "agents/ocf/mysql/shared_record.hpp"

namespace systole::mysql {

/// The parameter, or the best that this cluster can keep.
Durability durability_of(const Settings& settings, const SharedRecord& shared, Time deadline);

/// Whether a replica acknowledges only what is on its disk.
bool flushes_relay_log(const Settings& settings, Durability durability);

/// Everything anew, as the cluster says it now. Errors: this node's own copy is damaged.
Result<Standing> standing_now(agents::Call& call, const Settings& settings, const std::string& self, Time deadline);

/// Puts `wanted` in the place of `from` in the cluster. refused: somebody else was faster; timeout: nobody knows; look
/// again before anything else is done.
Result<void> share_record(const SharedRecord& shared, const Record& from, const Record& wanted, Time deadline);

/// What a start needs to know.
struct StartPlan {
  Record record = {};           // the newest that is known
  bool cut_tail = false;        // this node was the primary and another is now: what nobody acknowledged must go
  bool in_sync = false;         // it acknowledges from the beginning
  bool sync_relay_log = false;  // and that only when it is on its disk
};
Result<StartPlan> plan_start(agents::Call& call, const Settings& settings, const std::string& self, Time deadline);

/// Before the in-sync replica's server is ended on purpose: its primary shall not wait for it. Only when the primary is
/// a member; else this may be the node that takes over.
void give_up_place_before_stop(agents::Call& call, const std::string& self, Time deadline);

}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// See durability.hpp.
#include "agents/ocf/mysql/durability.hpp"

#include <fmt/format.h>

#include "agents/ocf/mysql/helper.hpp"
#include "agents/ocf/mysql/must_follow.hpp"
#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

/// Does the manager say that the node's instance is promoted and stays so?
bool is_promoted(const agents::Meta& meta, const std::string& node) {
  if (!has(meta.notify_nodes("promoted"), node)) return false;
  return !has(meta.notify_nodes("demote"), node) && !has(meta.notify_nodes("stop"), node);
}

}  // namespace

Durability durability_of(const Settings& settings, const SharedRecord& shared, Time deadline) {
  if (settings.durability) return *settings.durability;
  const bool sure = shared.majority(deadline) || shared.fencing(deadline);
  return sure ? Durability::lossless : Durability::crash_safe;
}

bool flushes_relay_log(const Settings& settings, Durability durability) {
  return settings.sync_relay_log.value_or(durability == Durability::lossless);
}

Result<Standing> standing_now(agents::Call& call, const Settings& settings, const std::string& self, Time deadline) {
  const SharedRecord shared(call.environment(), call.log(), call.meta().resource());
  const OwnCopy own(call.paths(), call.meta().resource());
  const auto copy = own.read();
  if (!copy) return copy.error();
  const SeenCluster seen = look_at_cluster(shared, own, deadline);
  Standing standing{.self = self,
                    .durability = durability_of(settings, shared, deadline),
                    .shared = seen.shared,
                    .own = *copy,
                    .must_follow = MustFollow(settings).is_set(),
                    .majority = seen.majority,
                    .wanted = static_cast<unsigned>(call.meta().clone_max())};
  const std::string other = other_node(standing);
  standing.other = {.member = has(seen.members, other),
                    .promoted = is_promoted(call.meta(), other),
                    .fenced = has(seen.fenced, other),
                    .seen = has(seen.seen, other)};
  if (const auto told = seen.notices.find(other); told != seen.notices.end())
    standing.other.agrees = agrees_with(told->second, record_of(standing));
  for (const auto& [node, notice] : seen.notices)
    if (notice.kind != Notice::Kind::down && node != self && has(seen.members, node)) standing.present += 1;
  standing.present += 1;  // this one, whose notice may not be out yet
  standing.operator_word = own.operator_word() == record_of(standing);
  return standing;
}

Result<void> share_record(const SharedRecord& shared, const Record& from, const Record& wanted, Time deadline) {
  switch (shared.swap(from, wanted, deadline)) {
    case Outcome::done:
      return {};
    case Outcome::refused:
      return Error{Errc::refused,
                   fmt::format("the record is not '{}' any more: somebody else has changed it", to_string(from))};
    case Outcome::unknown:
      break;
  }
  return Error{Errc::timeout, "the cluster did not confirm that it stored the record"};
}

Result<StartPlan> plan_start(agents::Call& call, const Settings& settings, const std::string& self, Time deadline) {
  const SharedRecord shared(call.environment(), call.log(), call.meta().resource());
  const OwnCopy own(call.paths(), call.meta().resource());
  const auto copy = own.read();
  if (!copy) return copy.error();
  StartPlan plan{.record = *copy};
  if (const auto record = shared.read(deadline)) {
    plan.record = newer(*record, *copy);
  } else {
    call.log().warning("the cluster's record: {}", record.error().what);
  }
  plan.cut_tail = copy->primary == self && plan.record.primary != self;
  plan.in_sync = plan.record.in_sync == self;
  plan.sync_relay_log = plan.in_sync && flushes_relay_log(settings, durability_of(settings, shared, deadline));
  if (plan.cut_tail)
    call.log().notice("{} was promoted meanwhile ({}): what nobody acknowledged is removed here", plan.record.primary,
                      to_string(plan.record));
  return plan;
}

void give_up_place_before_stop(agents::Call& call, const std::string& self, Time deadline) {
  const SharedRecord shared(call.environment(), call.log(), call.meta().resource());
  const OwnCopy own(call.paths(), call.meta().resource());
  const auto record = shared.read(deadline);
  if (!record || record->in_sync != self) return;
  const auto members = shared.members(deadline);
  if (!members || !has(*members, record->primary)) return;
  const Record without = with_in_sync(*record, "");
  // Here first: from now on this node is not to be promoted, whatever becomes of the rest.
  if (const auto kept = own.keep(without); !kept) return call.log().error("{}", kept.error().what);
  if (shared.swap(*record, without, deadline) == Outcome::done)
    call.log().notice("this replica gives up its place in sync before it stops");
}

}  // namespace systole::mysql

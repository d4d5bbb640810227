// SPDX-License-Identifier: GPL-2.0-or-later
// Where failures forbid a resource: migration-threshold against the fail counts of each node, and the end of that ban
// when failure-timeout runs out. An anonymous clone's instances cannot be told apart, so the whole clone is kept from
// the node.
#include <fmt/format.h>

#include <algorithm>

#include "crmd/scheduler/plan.hpp"

namespace systole::scheduler {

namespace {

void recheck(Plan& plan, std::int64_t when) {
  if (!plan.recheck_at || when < *plan.recheck_at) plan.recheck_at = when;
}

void ban(Plan& plan, Item& item, int node, Score count) {
  Item* clone = clone_of(item);
  Item& target = clone != nullptr && !clone->unique ? *clone : item;
  const std::string why = fmt::format("{} failed {} times on {} (migration-threshold {})", item.history_id.value,
                                      to_string(count), plan.node_name(node), item.migration_threshold);
  for (const Note& note : target.notes) {
    if (note.node == node && note.why == why) return;  // another instance said so
  }
  add_score(plan, target, node, Score::minus_infinity(), why);
}

/// By an instance that has its history.
bool is_cleared(const Plan& plan, const Item& item, int node) {
  return std::ranges::any_of(plan.items, [&](const Item& other) {
    return other.leaf() && other.history_id == item.history_id && other.cleared_on.contains(node);
  });
}

void count_failures(Plan& plan, Item& item, int node) {
  const cib::NodeState* state = plan.nodes[std::size_t(node)].state;
  if (state == nullptr) return;
  const Score raw = cib::fail_count(*state, item.history_id);
  if (raw.points <= 0) return;
  const Score count = effective_fail_count(plan, item, node);
  const std::int64_t last = cib::last_failure(*state, item.history_id);
  if (is_cleared(plan, item, node)) return;
  if (count.points == 0) {  // of no entry that is left
    if (!plan.view.whole) item.cleared_on.try_emplace(node, failures_are_over(item));
    return;
  }
  if (item.failure_timeout_s > 0 && last > 0) recheck(plan, last + item.failure_timeout_s);
  if (item.migration_threshold == 0 || item.failure_ignored) return;
  if (count.points >= item.migration_threshold) ban(plan, item, node, count);
}

}  // namespace

void ban_after_failures(Plan& plan) {
  for (Item& item : plan.items) {
    const Item* clone = clone_of(item);
    const bool shares = clone != nullptr && !clone->unique && item.instance != 0;  // instance 0 counts for all
    if (!item.leaf() || item.orphan || shares) continue;
    for (std::size_t node = 0; node < plan.nodes.size(); ++node) count_failures(plan, item, int(node));
  }
}

}  // namespace systole::scheduler

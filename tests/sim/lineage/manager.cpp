// SPDX-License-Identifier: GPL-2.0-or-later
// The cluster manager: what fails is stopped and started, the highest score is promoted, one in each partition.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/lineage/world.hpp"

namespace systole::sim_lineage {

using namespace mysql;

void World::manage() {
  std::vector<int> members;
  for (int n = 0; n < databases_; ++n) {
    if (!node(n).up || !acts(n)) continue;
    if (plan_.mode == Mode::majority || together_) {
      members.push_back(n);
    } else {
      manage_partition({n});
    }
  }
  if (!members.empty()) manage_partition(members);
}

void World::manage_partition(const std::vector<int>& members) {
  bool busy = false;
  for (const int n : members) busy = manage_node(n, members) || busy;
  std::vector<int> promoted;
  for (const int n : members)
    if (node(n).rsc == Rsc::promoted) promoted.push_back(n);
  if (promoted.size() > 1) {
    count("two promoted after a merge");
    const bool first_older = is_newer(node(promoted[1]).own, node(promoted[0]).own);
    const int loser = promoted[first_older != dice_.chance(1, 5) ? 0 : 1];
    if (!node(loser).action) demote_action(loser);
    return;
  }
  if (promoted.size() == 1) {
    const int n = promoted[0];
    const bool target = switch_to_ >= 0 && switch_to_ != n && std::ranges::find(members, switch_to_) != members.end() &&
                        node(switch_to_).rsc == Rsc::started && !node(switch_to_).action && node(switch_to_).score > 0;
    if (target && !node(n).action) {
      count("planned switch-over");
      demote_action(n);
    }
    return;
  }
  choose_primary(members);
}

/// True while something is under way or to be done there.
bool World::manage_node(int n, const std::vector<int>& members) {
  Node& here = node(n);
  if (here.action) return true;
  const Server& server = here.server;
  const bool runs = here.rsc == Rsc::started || here.rsc == Rsc::promoted;
  const bool bad = runs && (!server.alive || (server.frozen && now_ - server.frozen_at > 3s));
  if (bad && here.noticed_at == never) here.noticed_at = now_ + ms(0, 1000);
  if (!bad) here.noticed_at = never;
  if (bad && now_ >= here.noticed_at) {
    here.was_promoted = here.rsc == Rsc::promoted;
    here.rsc = Rsc::failed;
    say(fmt::format("{}: the monitor failed", here.name));
  }
  if (here.rsc == Rsc::failed) {
    stop_action(n);
    return true;
  }
  const bool wanted = !here.standby && !here.goes_down;
  if (!wanted && here.rsc == Rsc::promoted) demote_action(n);
  if (!wanted && here.rsc == Rsc::started) stop_action(n);
  if (here.goes_down && here.rsc == Rsc::stopped) {
    power_off(n, true);
    return true;
  }
  if (wanted && here.rsc == Rsc::stopped && now_ >= here.next_start) {
    plan_beside_start(n, members);
    start_action(n);
  }
  if (!here.action && runs && dice_.chance(1, 8)) monitor(n);
  return here.action != nullptr;
}

/// A manager that has forgotten n's score (it lost its node, or cleaned up) promotes another instance in the very
/// transition that starts n again.
void World::plan_beside_start(int n, const std::vector<int>& members) {
  int candidate = -1;
  for (const int each : members) {
    if (each == n) continue;
    if (node(each).rsc == Rsc::promoted || node(each).was_promoted) return;
    if (node(each).rsc == Rsc::started && !node(each).action && node(each).score > 0) candidate = each;
  }
  if (candidate < 0 || dice_.chance(1, 2)) return;
  count("promotion planned beside a start");
  planned_ = candidate;
}

void World::choose_primary(const std::vector<int>& members) {
  // Of a member that cannot be reached just now it is not known what has become of it: it is waited for.
  for (int n = 0; n < databases_; ++n) {
    const bool out_of_reach = node(n).up && !acts(n) && member(members.front(), n);
    if (out_of_reach && node(n).action && node(n).action->name == "promote") return;
  }
  int best = -1;
  for (const int n : members) {
    const Node& each = node(n);
    const std::string action = each.action ? each.action->name : "";
    const bool was = each.was_promoted || each.rsc == Rsc::promoted;
    if (action == "promote" || action == "demote" || (was && each.rsc != Rsc::started)) return;
    if (each.rsc != Rsc::started || each.action || each.score <= 0 || now_ < each.next_promote) continue;
    const int ordered = switch_to_ >= 0 ? switch_to_ : planned_;
    if (best < 0 || n == ordered || (best != ordered && each.score > node(best).score)) best = n;
  }
  if (best < 0) return;
  planned_ = -1;
  if (switch_to_ == best) switch_to_ = -1;
  promote_action(best);
}

void World::monitor(int n) {
  Node& here = node(n);
  if (here.locked || here.helper.busy) return;
  if (!here.helper.alive) {
    if (now_ - here.helper.died > 500ms && here.server.alive) {
      count("helper begun anew");
      start_helper(n);
    }
    return;
  }
  if (here.rsc == Rsc::started) follow_primary(n);
}

/// Follows whom the record names, once it is promoted.
void World::follow_primary(int n) {
  Node& here = node(n);
  Server& server = here.server;
  if (!server.alive || server.frozen || !server.read_only) return;
  if (here.must_follow && here.follow_aim != 0 && (here.follow_aim == 1 || has_trx(n, here.follow_aim, false))) {
    here.must_follow = false;
    say(fmt::format("{}: has caught up since it was started as a replica", here.name));
  }
  const std::optional<Record> record = read_cib(n);
  if (!record || !record->exists() || record->primary == here.name) return;
  const int primary = index_of(record->primary);
  if (!member(n, primary) || node(primary).rsc != Rsc::promoted || !node(primary).server.alive) return;
  if (server.receiver.source == primary && server.receiver.diverged) {
    if (!server.needs_copy) count("errant tail: needs a new copy");
    server.needs_copy = true;
    return;
  }
  server.needs_copy = false;
  if (server.receiver.source == primary && server.receiver.running) return;
  if (record->in_sync == here.name && !server.relay.empty() && server.applier) return;  // first what was received
  if (record->in_sync == here.name && !server.relay.empty()) {
    count("drain from files before following");
    apply_all(n);
  }
  if (server.receiver.source != primary && here.must_follow) here.follow_aim = 0;
  start_replication(n, primary);
}

}  // namespace systole::sim_lineage

// SPDX-License-Identifier: GPL-2.0-or-later
// What goes wrong, and what administrators do meanwhile.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/lineage/world.hpp"

namespace systole::sim_lineage {

using namespace mysql;

void World::storm() {
  if (now_ >= Time{} + plan_.storm) return heal_everything();
  strike();
  after(dice_.chance(1, 3) ? ms(1, 400) : ms(400, 6000), [this] { storm(); });
}

void World::strike() {
  const std::uint64_t kind = dice_.below(100);
  if (kind < 30) {
    if (plan_.cuts) return strike_link();
    return strike_machine();
  }
  if (kind < 40) return strike_machine();
  if (kind < 68) return strike_process();
  if (kind < 82) return strike_database();
  administer();
}

void World::strike_link() {
  const int a = static_cast<int>(dice_.below(static_cast<std::uint64_t>(voters_)));
  const auto for_long = dice_.chance(1, 3) ? ms(50, 900) : ms(900, 9000);
  std::vector<std::pair<int, int>> broken;
  const bool replication = dice_.chance(1, 3), one_way = dice_.chance(1, 4), all = dice_.chance(1, 2);
  for (int b = 0; b < voters_; ++b) {
    if (b == a || (!all && !dice_.chance(1, 2))) continue;
    broken.emplace_back(a, b);
    if (!one_way) broken.emplace_back(b, a);
  }
  const int times = dice_.chance(1, 6) ? 4 : 1;  // flapping
  for (int i = 0; i < times; ++i)
    after(i * (for_long + 300ms), [this, broken, replication, for_long] {
      if (!storming_) return;
      auto& cuts = replication ? cut_replication_ : cut_;
      for (const auto& [from, to] : broken) {
        cuts[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)] += 1;
        say(fmt::format("cut{}: {} -> {}", replication ? " of replication" : "", node(from).name, node(to).name));
      }
      after(for_long, [this, broken, replication] {
        if (!storming_) return;
        say("healed");
        auto& later = replication ? cut_replication_ : cut_;
        for (const auto& [from, to] : broken) later[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)] -= 1;
      });
    });
}

void World::strike_machine() {
  if (dice_.chance(1, 5)) {
    count("power lost everywhere");
    for (int n = 0; n < voters_; ++n)
      if (dice_.chance(3, 4)) power_off(n, true);
    return;
  }
  power_off(static_cast<int>(dice_.below(static_cast<std::uint64_t>(voters_))), true);
}

void World::strike_process() {
  const int n = static_cast<int>(dice_.below(static_cast<std::uint64_t>(databases_)));
  Node& here = node(n);
  switch (dice_.below(6)) {
    case 0:
    case 1:
      return kill_server(n);
    case 2:
      if (!here.server.alive || here.server.frozen) return;
      say(fmt::format("{}: server frozen", here.name));
      here.server.frozen = true;
      here.server.frozen_at = now_;
      return after(ms(200, 7000), [this, n, life = here.server.life] {
        if (node(n).server.life == life) thaw_server(n);
      });
    case 3:
      if (here.helper.alive) say(fmt::format("{}: helper killed", here.name));
      return kill_helper(n);
    case 4:
      return freeze_helper(n, dice_.chance(1, 2) ? 0 : 500);
    default:
      if (here.action == nullptr || here.action->name == "stop") return;
      count("agent killed: " + here.action->name);
      end_action(n, false);
  }
}

/// In the middle of something if possible: it holds its lock then.
void World::freeze_helper(int n, int patience) {
  Helper& helper = node(n).helper;
  if (!helper.alive || helper.frozen || !storming_) return;
  if (patience > 0 && !helper.busy) {
    after(1ms, [this, n, patience] { freeze_helper(n, patience - 1); });
    return;
  }
  say(fmt::format("{}: helper frozen{}", node(n).name, helper.busy ? " with its lock" : ""));
  helper.frozen = true;
  after(ms(200, 9000), [this, n, life = helper.life] {
    if (node(n).helper.life == life) thaw_helper(n);
  });
}

void World::damage_relay(int n) {
  Server& server = node(n).server;
  if (!server.alive || server.relay.empty() || !storming_) return;
  server.relay_damaged = true;
  kill_server(n);
}

void World::strike_database() {
  const int n = static_cast<int>(dice_.below(static_cast<std::uint64_t>(databases_)));
  Node& here = node(n);
  switch (dice_.below(6)) {
    case 0:
      if (!here.server.alive || !here.server.applier) return;
      say(fmt::format("{}: applier error", here.name));
      here.server.applier = false;
      here.server.applier_failed = true;
      return after(ms(500, 8000), [this, n, life = here.server.life] {
        Server& server = node(n).server;
        if (server.life != life || !server.applier_failed) return;
        server.applier_failed = false;
        if (server.receiver.running) server.applier = true;
      });
    case 1:
      here.server.apply_time = ms(5, 60);
      return after(ms(500, 8000), [this, n] { node(n).server.apply_time = 1ms; });
    case 2:
      here.disk = ms(100, 2500);
      return after(ms(500, 8000), [this, n] { node(n).disk = {}; });
    case 3:
      here.server.apply_time = 200ms;
      after(ms(1000, 3000), [this, n] { node(n).server.apply_time = 1ms; });
      return after(ms(400, 900), [this, n] { damage_relay(n); });
    default:
      return kill_query(n);
  }
}

void World::administer() {
  const int n = static_cast<int>(dice_.below(static_cast<std::uint64_t>(databases_)));
  Node& here = node(n);
  switch (dice_.below(9)) {
    case 0:
    case 1:
      switch_to_ = n;
      return after(8s, [this] { switch_to_ = -1; });
    case 2:
      here.standby = here.up;
      return after(ms(1000, 9000), [this, n] { node(n).standby = false; });
    case 3:
      here.goes_down = here.up;
      return;
    case 4:
    case 5:
      return copy_anew(n);
    default:
      break;
  }
  // The operator's word, and it is true: the other node is off, and its power stays off for long.
  const Record record = newer(here.cib, here.own);
  const int other = index_of(other_node(record, here.name));
  if (!here.up || other < 0 || node(other).up || is_newer(node(other).own, record)) return;
  node(other).boots_at = std::max(node(other).boots_at, now_ + 15s);
  here.operator_word = record;
  if (here.helper.alive) feed(n, OperatorWord{record});
}

/// The node that needs a new copy gets one from the primary.
void World::copy_anew(int n) {
  Node& here = node(n);
  const int source = index_of(here.cib.primary);
  if (source < 0 || source == n || !here.server.needs_copy || here.action || here.server.alive == false) return;
  const Node& from = node(source);
  const bool usable = from.rsc == Rsc::promoted && from.server.alive && !from.server.frozen && member(n, source);
  if (!usable || from.own.in_sync == here.name || from.cib.primary != from.name) return;
  count("new copy");
  say(fmt::format("{}: gets a new copy from {}", here.name, from.name));
  kill_server(n);
  here.server.log.assign(from.server.log.begin(),
                         from.server.log.begin() + static_cast<std::ptrdiff_t>(from.server.committed));
  here.server.committed = here.server.log.size();
  here.server.loose = 0;
  here.server.relay.clear();
  here.server.relay_damaged = here.server.needs_copy = false;
  here.must_follow = true;
  here.follow_aim = 0;
}

void World::heal_everything() {
  say("everything is healed");
  storming_ = false;
  for (auto* const cuts : {&cut_, &cut_replication_})
    for (auto& row : *cuts) std::ranges::fill(row, 0);
  switch_to_ = -1;
  for (int n = 0; n < voters_; ++n) {
    Node& here = node(n);
    here.standby = here.goes_down = false;
    here.disk = {};
    here.server.apply_time = 1ms;
    if (!here.up) here.boots_at = std::min(here.boots_at, now_ + 3s);
    thaw_server(n);
    thaw_helper(n);
    here.server.applier_failed = false;
    if (here.server.alive && here.server.receiver.running) here.server.applier = true;
  }
  after(plan_.settle, [this] { check_settled(); });
}

}  // namespace systole::sim_lineage

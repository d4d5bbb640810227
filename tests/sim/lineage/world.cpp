// SPDX-License-Identifier: GPL-2.0-or-later
// Time, the clients with their ledger, and what must hold.
#include "tests/sim/lineage/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace systole::sim_lineage {

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::majority:
      return "majority";
    case Mode::pair:
      return "pair";
    case Mode::fencing:
      return "fencing";
  }
  return "";
}

std::string Plan::text() const {
  return fmt::format("seed {}: mode {}, {} databases, {}{}", seed, to_string(mode), nodes,
                     cuts ? "links break" : "links hold", waits_for_all ? ", waits for all" : "");
}

Plan draw_plan(std::uint64_t seed, std::optional<Mode> mode) {
  Dice dice(seed * 7919 + 17);
  Plan plan{.seed = seed};
  const std::uint64_t drawn = dice.below(8);
  plan.mode = mode.value_or(drawn < 4 ? Mode::majority : drawn < 6 ? Mode::pair : Mode::fencing);
  plan.nodes = plan.mode == Mode::majority && dice.chance(1, 2) ? 3 : 2;
  plan.cuts = plan.mode != Mode::pair || dice.chance(1, 3);
  plan.waits_for_all = dice.chance(1, 2);
  return plan;
}

World::World(Plan plan, std::function<void(const std::string&)> trace)
    : plan_(plan), trace_(std::move(trace)), dice_(plan.seed) {
  databases_ = plan_.nodes;
  voters_ = plan_.mode == Mode::majority ? 3 : 2;
  const auto count = static_cast<std::size_t>(voters_);
  nodes_.resize(count);
  for (std::size_t n = 0; n < count; ++n) nodes_[n].name = fmt::format("n{}", n + 1);
  cut_.assign(count, std::vector<int>(count));
  cut_replication_ = cut_;
  contact_.resize(count);
  leased_.resize(count);
  in_.resize(count);
}

void World::after(Duration delay, std::function<void()> what) {
  events_.push({now_ + delay, ++numbers_, std::move(what)});
}

void World::every(Duration period, const std::function<void()>& what) {
  after(period, [this, period, what] {
    what();
    every(period, what);
  });
}

void World::say(const std::string& line) {
  if (trace_) trace_(fmt::format("{:9.4f} {}", std::chrono::duration<double>(now_.time_since_epoch()).count(), line));
}

void World::fail(const std::string& what, bool may_be_excused) {
  if (may_be_excused && !plan_.strict()) {
    count("broken promise in a pair whose links were cut");
    lost_something_ = true;
    say("EXCUSED: " + what);
    return;
  }
  if (report_.verdict) return;
  report_.verdict = what;
  report_.at = now_;
  say("FAILED: " + what);
}

int World::index_of(const std::string& name) const {
  for (int n = 0; n < databases_; ++n)
    if (node(n).name == name) return n;
  return -1;
}

Report World::run() {
  storming_ = true;
  for (int n = 0; n < voters_; ++n) node(n).boots_at = Time{} + ms(0, 4000);
  every(50ms, [this] { membership_tick(); });
  every(20ms, [this] { replication_tick(); });
  every(100ms, [this] { manage(); });
  for (int n = 0; n < databases_; ++n) after(ms(1, 100), [this, n] { every(100ms, [this, n] { look(n); }); });
  every(25ms, [this] { clients_write(); });
  after(dice_.chance(1, 4) ? ms(100, 5000) : ms(6000, 12000), [this] { storm(); });
  const Time end = Time{} + plan_.storm + plan_.settle + 12s;
  while (!events_.empty() && !report_.verdict) {
    const Event event = events_.top();
    events_.pop();
    if (event.at > end) break;
    now_ = event.at;
    ++report_.events;
    event.what();
  }
  return report_;
}

void World::clients_write() {
  for (int n = 0; n < databases_; ++n) {
    const Server& server = node(n).server;
    if (!node(n).up || !server.alive || server.frozen || server.read_only || server.waiters.size() >= 4) continue;
    if (!storming_ && !dice_.chance(1, 4)) continue;
    ++report_.writes;
    append(n, true);
  }
}

void World::acknowledged(int n, const Trx& trx) {
  const Node& here = node(n);
  ++report_.acknowledged;
  last_ack_ = now_;
  if (here.server.epoch < newest_acking_epoch_)
    fail(fmt::format("{} acknowledges in epoch {}, after epoch {} has", here.name, here.server.epoch,
                     newest_acking_epoch_),
         true);
  newest_acking_epoch_ = std::max(newest_acking_epoch_, here.server.epoch);
  if (excused_.contains(trx.id)) return;
  ledger_.insert(trx.id);
}

/// What was acknowledged, by whomsoever, is here.
void World::check_history(int n, std::string_view when) {
  const Server& server = node(n).server;
  std::unordered_set<std::uint64_t> here;
  for (const Trx& trx : server.log) here.insert(trx.id);
  std::vector<std::uint64_t> missing;
  for (const std::uint64_t id : ledger_)
    if (!here.contains(id)) missing.push_back(id);
  if (missing.empty()) return;
  fail(fmt::format("{} {}, and lacks {} acknowledged writes, the first is {}", node(n).name, when, missing.size(),
                   missing.front()),
       true);
  for (const std::uint64_t id : missing) ledger_.erase(id);  // once is enough
}

std::string World::state_of(int n) const {
  const Node& here = node(n);
  const auto* const machine = here.helper.machine.get();
  return fmt::format(
      "{}: {}{}, rsc {}, helper {}, own {}, cib {}, clients {}, waiting {}, relay {}, score {}{}{}{}, {} events wait{}",
      here.name, here.server.alive ? "runs" : "down", here.server.read_only ? "" : " writable",
      static_cast<int>(here.rsc), machine ? to_string(machine->state()) : "none", to_string(here.own),
      to_string(here.cib), clients_of(n), here.server.waiters.size(), here.server.relay.size(), here.score,
      here.must_follow ? ", must follow" : "", here.server.needs_copy ? ", needs a copy" : "",
      here.helper.busy ? ", helper busy" : "", here.helper.inbox.size(), here.locked ? ", locked" : "");
}

void World::check_settled() {
  int primary = -1;
  for (int n = 0; n < databases_; ++n) {
    say(state_of(n));
    const Node& each = node(n);
    if (each.rsc != Rsc::promoted || !each.server.alive || each.server.read_only) continue;
    if (primary >= 0) return fail("two primaries in the end", false);
    primary = n;
  }
  if (primary < 0) return fail("nobody is promoted in the end", false);
  if (now_ - last_ack_ > 2s) return fail("no write is acknowledged in the end", false);
  check_history(primary, "is the primary in the end");
  const Record& record = node(primary).cib;
  if (record.primary != node(primary).name) return fail("the record does not name the primary in the end", false);
  bool could = false;
  for (int n = 0; n < databases_; ++n) could = could || (n != primary && !node(n).server.needs_copy);
  if (could && record.in_sync.empty()) return fail("no replica is in sync in the end", false);
  const int other = index_of(record.in_sync);
  if (other >= 0 && (!node(other).server.alive || !streams(other)))
    fail("the replica in sync does not follow in the end", false);
}

}  // namespace systole::sim_lineage

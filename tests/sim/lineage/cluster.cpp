// SPDX-License-Identifier: GPL-2.0-or-later
// What the nodes know of each other, and the cluster's copy of the record. With a majority it is one register that only
// nodes with quorum reach; of two nodes each has a copy of its own, and after a cut one of both is kept, not always the
// one that we would choose.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/lineage/world.hpp"

namespace systole::sim_lineage {

bool World::link(const std::vector<std::vector<int>>& cuts, int from, int to) const {
  return node(from).up && node(to).up && cuts[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)] == 0;
}

bool World::linked(int a, int b) const {
  return a == b ? node(a).up : link(cut_, a, b) && link(cut_, b, a);
}

/// Whether what `a` sends by replication reaches `b`.
bool World::replicates(int a, int b) const {
  return link(cut_, a, b) && link(cut_replication_, a, b);
}

bool World::member(int viewer, int other) const {
  if (viewer == other) return true;
  if (plan_.mode != Mode::majority) return together_;
  return in_[static_cast<std::size_t>(viewer)] && in_[static_cast<std::size_t>(other)];
}

/// Whether the other one was a member since this node was booted, and has said then that it knew no newer record.
bool World::was_agreed_with(int n, int other) const {
  const Node& here = node(n);
  const auto told = here.heard.find(other);
  const Record& record = mysql::newer(here.own, here.cib);
  return here.seen.contains(other) && told != here.heard.end() && agrees_with(told->second, record);
}

bool World::quorate(int n) const {
  return leader_ >= 0 && leader_lost_ == never && in_[static_cast<std::size_t>(n)] && linked(n, leader_);
}

/// Whether this node's partition knows who is in it, and may act.
bool World::decided(int n) const {
  if (plan_.mode == Mode::majority) return quorate(n);
  if (together_) return linked(0, 1);
  if (!node(n).up || now_ - unlinked_since_ < plan_.deadtime || now_ - node(n).booted < 2s) return false;
  return !plan_.waits_for_all || !node(n).seen.empty();
}

/// Whether its manager may start and promote something.
bool World::acts(int n) const {
  if (!decided(n)) return false;
  return plan_.mode != Mode::fencing || together_ || node(n).fenced.contains(-1);
}

void World::membership_tick() {
  if (plan_.mode == Mode::majority) {
    majority_tick();
  } else {
    pair_tick();
  }
  for (int n = 0; n < voters_; ++n)
    if (!node(n).up && node(n).boots_at <= now_) boot(n);
}

void World::elect() {
  const int first = static_cast<int>(dice_.below(static_cast<std::uint64_t>(voters_)));
  for (int i = 0; i < voters_; ++i) {
    const int candidate = (first + i) % voters_;
    int reaches = 0;
    for (int n = 0; n < voters_; ++n) reaches += linked(candidate, n);
    if (reaches * 2 <= voters_) continue;
    leader_ = candidate;
    leader_lost_ = never;
    say(fmt::format("{} leads", node(candidate).name));
    return;
  }
}

void World::majority_tick() {
  const auto reached_by = [&](int from) {
    int count = 0;
    for (int n = 0; n < voters_; ++n) count += linked(from, n);
    return count;
  };
  const bool leads = leader_ >= 0 && reached_by(leader_) * 2 > voters_;
  if (leads) leader_lost_ = never;
  if (!leads && leader_lost_ == never) leader_lost_ = now_;
  if (!leads && now_ - leader_lost_ >= 300ms) elect();
  for (int n = 0; n < voters_; ++n) {
    const auto at = static_cast<std::size_t>(n);
    const bool held = leads ? linked(n, leader_) : reached_by(n) * 2 > voters_;
    if (held) leased_[at] = now_;
    if (leads && linked(n, leader_)) contact_[at] = now_;
    if (n < databases_ && node(n).up && now_ - leased_[at] >= plan_.lease) lapse(n);
    if (leader_lost_ != never || leader_ < 0) continue;
    if (in_[at] && now_ - contact_[at] >= plan_.deadtime) {
      in_[at] = false;
      for (int other = 0; other < databases_; ++other) part(other, n);
      say(fmt::format("{} is no member any more", node(n).name));
    } else if (!in_[at] && linked(n, leader_) && now_ - node(n).booted > 500ms) {
      in_[at] = true;
      say(fmt::format("{} is a member", node(n).name));
      for (int other = 0; other < databases_; ++other)
        if (other != n && n < databases_ && in_[static_cast<std::size_t>(other)]) join(n, other);
    }
    if (in_[at] && linked(n, leader_)) node(n).cib = register_;
  }
}

void World::pair_tick() {
  const bool link = linked(0, 1);
  if (link) {
    if (linked_since_ == never) linked_since_ = now_;
    const bool long_up = now_ - node(0).booted > 500ms && now_ - node(1).booted > 500ms;
    if (!together_ && long_up && now_ - linked_since_ >= 300ms) {
      together_ = true;
      say("both nodes are one cluster");
      merge_cib();
      join(0, 1);
    }
  } else {
    if (linked_since_ != never) unlinked_since_ = now_;
    linked_since_ = never;
    if (together_ && now_ - unlinked_since_ >= plan_.deadtime) {
      together_ = false;
      say("each node is alone");
      part(0, 1);
      part(1, 0);
    }
  }
  if (plan_.mode == Mode::fencing)
    for (int n = 0; n < 2; ++n)
      if (node(n).up && decided(n) && !together_ && !node(n).fencing && !node(n).fenced.contains(-1)) fence(n);
}

/// The guardian of a node that lost its lease ends all that runs there.
void World::lapse(int n) {
  Node& lost = node(n);
  if (!lost.server.alive && !lost.helper.alive && !lost.action) return;
  say(fmt::format("{}: its lease is over, all on it is killed", lost.name));
  count("lease over");
  drop_action(n);
  kill_server(n);
  kill_helper(n);
  lost.rsc = Rsc::stopped;
}

void World::join(int a, int b) {
  const bool keeps_attributes = dice_.chance(1, 2);  // Pacemaker does, of both sides; crmd has them published anew
  for (const auto& [viewer, other] : {std::pair(a, b), std::pair(b, a)}) {
    Node& here = node(viewer);
    here.seen.insert(other);
    here.fenced.clear();
    here.heard.erase(other);
    if (keeps_attributes) {
      if (node(other).notice) here.heard[other] = here.notices[other] = *node(other).notice;
    } else {
      here.notices.erase(other);
      here.notices.erase(viewer);
    }
    after(ms(50, 500), [this, viewer] {  // the manager asks each node that joins what runs there
      if (node(viewer).up && !node(viewer).helper.alive) tell_own_version(viewer);
    });
    if (plan_.mode == Mode::majority) continue;
    here.rsc = !here.server.alive ? Rsc::stopped : here.server.read_only ? Rsc::started : Rsc::promoted;
  }
}

void World::part(int viewer, int lost) {
  node(viewer).notices.erase(lost);
  if (viewer == lost) node(viewer).notices.clear();
}

void World::merge_cib() {
  Record &one = node(0).cib, &other = node(1).cib;
  if (one == other) return;
  const bool first_is_newer = mysql::is_newer(one, other);
  const bool keeps_older = dice_.chance(1, 4);
  count(keeps_older ? "merge: the older record is kept" : "merge: the newer record is kept");
  if (one.epoch == other.epoch && one.sequence == other.sequence) count("merge: equal versions");
  one = other = first_is_newer != keeps_older ? one : other;
  say(fmt::format("the cluster's record after the merge: {}", to_string(one)));
}

/// Nothing is promoted by a node that is alone before this has succeeded.
void World::fence(int by) {
  const int other = 1 - by;
  node(by).fencing = true;
  after(ms(300, 3000), [this, by, other, power = node(by).power] {
    Node& shooter = node(by);
    if (!shooter.up || shooter.power != power) return;
    shooter.fencing = false;
    if (dice_.chance(1, 10) && storming_) return;  // it failed; again
    say(fmt::format("{} fences {}", shooter.name, node(other).name));
    count("fenced");
    if (node(other).up) power_off(other, true);
    if (together_ || linked_since_ != never) return;
    shooter.fenced.insert(-1);  // done, the manager may act
    // Startup fencing says nothing of what the other did before.
    if (shooter.seen.contains(other)) shooter.fenced.insert(other);
  });
}

void World::power_off(int n, bool comes_back) {
  Node& lost = node(n);
  if (!lost.up) return;
  say(fmt::format("{}: power off", lost.name));
  drop_action(n);
  kill_server(n);
  kill_helper(n);
  lost.up = lost.standby = lost.goes_down = lost.fencing = false;
  lost.power += 1;
  lost.rsc = Rsc::stopped;
  lost.seen.clear();
  lost.fenced.clear();
  lost.operator_word.reset();
  lost.notice.reset();
  lost.notices.clear();
  lost.heard.clear();
  lost.score = 0;
  lost.boots_at = comes_back ? now_ + (dice_.chance(1, 5) ? ms(300, 1500) : ms(1500, 12000)) : never;
}

void World::boot(int n) {
  Node& comes = node(n);
  comes.up = true;
  comes.power += 1;
  comes.booted = now_;
  comes.boots_at = never;
  contact_[static_cast<std::size_t>(n)] = leased_[static_cast<std::size_t>(n)] = now_;
  say(fmt::format("{}: booted, own {}", comes.name, to_string(comes.own)));
  // It was away shorter than the others' patience: they notice all the same that it is another one.
  if (plan_.mode != Mode::majority && together_) {
    together_ = false;
    linked_since_ = never;
    unlinked_since_ = now_;
    part(0, 1);
    part(1, 0);
  }
  if (in_[static_cast<std::size_t>(n)]) {
    in_[static_cast<std::size_t>(n)] = false;
    for (int other = 0; other < databases_; ++other) part(other, n);
  }
}

/// As the local daemon answers: without quorum what it heard last, or nothing.
std::optional<Record> World::read_cib(int n) {
  if (plan_.mode != Mode::majority) return node(n).cib;
  if (quorate(n)) return register_;
  count("read without quorum");
  return dice_.chance(1, 2) ? std::optional(node(n).cib) : std::nullopt;
}

bool World::available(int n) const {
  return node(n).up && (plan_.mode == Mode::majority ? quorate(n) : decided(n));
}

Outcome World::apply_write(int n, const Record& from, const Record& wanted) {
  Record& held = plan_.mode == Mode::majority ? register_ : node(n).cib;
  if (held != from) return Outcome::refused;
  held = wanted;
  if (plan_.mode != Mode::majority && together_) node(1 - n).cib = wanted;
  say(fmt::format("{} writes the cluster's record: {}", node(n).name, to_string(wanted)));
  return Outcome::done;
}

struct World::Ask {
  int n;
  std::uint64_t power;
  Record from, wanted;
  std::function<void(Outcome)> answer;
  Time begun, ends;
  bool answered = false, loses_answer = false;
};

void World::request(int n, const Record& from, const Record& wanted, std::function<void(Outcome)> answer) {
  const auto ask = std::make_shared<Ask>(Ask{n, node(n).power, from, wanted, std::move(answer), now_, now_ + 2s});
  Duration begins = ms(3, 40);
  const std::uint64_t fate = storming_ ? dice_.below(100) : 0;
  if (fate >= 90) {
    count(fate >= 96 ? "unknown write: it comes late" : fate >= 93 ? "unknown write: done" : "unknown write: lost");
    ask->loses_answer = true;
    after(ms(20, 1500), [ask] { ask->answered ? void() : (ask->answered = true, ask->answer(Outcome::unknown)); });
    if (fate < 93) return;
    if (fate >= 96) begins = ms(1000, 7000);
    ask->ends = now_ + begins + 2s;
  }
  after(begins, [this, ask] { try_request(ask); });
}

void World::try_request(const std::shared_ptr<Ask>& ask) {
  if (plan_.mode != Mode::majority && node(ask->n).power != ask->power) return;
  // A message that was sent may arrive when its sender is gone.
  const bool reached = node(ask->n).power == ask->power ? available(ask->n) : leader_ >= 0 && leader_lost_ == never;
  if (!reached) {
    if (now_ < ask->ends) {
      after(100ms, [this, ask] { try_request(ask); });
    } else if (!ask->answered) {
      ask->answered = true;
      count("unknown write: no quorum");
      ask->answer(Outcome::unknown);
    }
    return;
  }
  const Outcome outcome = apply_write(ask->n, ask->from, ask->wanted);
  if (outcome == Outcome::refused) count("write refused");
  if (ask->loses_answer || ask->answered) return;
  after(ms(1, 20), [this, ask, outcome, power = node(ask->n).power] {
    if (node(ask->n).power != power || ask->answered) return;
    ask->answered = true;
    ask->answer(outcome);
  });
}

void World::keep_own(int n, const Record& record) {
  Node& here = node(n);
  if (!here.up || !mysql::is_newer(record, here.own)) return;
  here.own = record;
}

/// Where no helper runs, the agent tells by which record this node goes.
void World::tell_own_version(int n) {
  const Record& own = node(n).own;
  publish(n, Notice{.epoch = own.epoch, .sequence = own.sequence});
}

void World::publish(int n, const Notice& notice) {
  node(n).notice = notice;
  after(ms(5, 100), [this, n, power = node(n).power] {
    const Node& from = node(n);
    if (from.power != power || !from.notice) return;
    for (int viewer = 0; viewer < databases_; ++viewer)
      if (member(viewer, n)) node(viewer).heard[n] = node(viewer).notices[n] = *from.notice;
  });
}

}  // namespace systole::sim_lineage

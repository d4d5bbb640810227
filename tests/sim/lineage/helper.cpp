// SPDX-License-Identifier: GPL-2.0-or-later
// The shell around Lineage, as the real helper has it: it looks at the server, obeys one effect after the other, and
// hears of the results later, when other things have happened. It may die between any two of them.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/overloaded.hpp"
#include "tests/sim/lineage/world.hpp"

namespace systole::sim_lineage {

using namespace mysql;

void World::start_helper(int n) {
  Node& here = node(n);
  Helper& helper = here.helper;
  helper = {.machine = {}, .life = helper.life + 1};
  const LineageRules rules{.self = here.name,
                           .durability = plan_.mode == Mode::pair ? Durability::crash_safe : Durability::lossless,
                           .ack_timeout = plan_.ack_timeout,
                           .back_off_last = 8s,
                           .instances = static_cast<unsigned>(databases_)};
  helper.machine = std::make_unique<Lineage>(rules, here.own, now_);
  helper.alive = true;
}

void World::kill_helper(int n) {
  Helper& helper = node(n).helper;
  if (!helper.alive) return;
  if (!helper.queue.empty()) count("helper died between two effects");
  helper = {.machine = {}, .life = helper.life + 1, .died = now_};
}

void World::thaw_helper(int n) {
  Helper& helper = node(n).helper;
  if (!helper.alive || !helper.frozen) return;
  helper.frozen = helper.busy = false;
  helper.turn += 1;
  serve(n);
}

void World::look(int n) {
  const Node& here = node(n);
  const Helper& helper = here.helper;
  if (!helper.alive || helper.frozen || helper.busy || here.locked || !helper.queue.empty()) return;
  if (helper.inbox.empty()) {
    take(n, seen_server(n));
    publish_score(n);
  }
  serve(n);
}

void World::feed(int n, LineageEvent event) {
  node(n).helper.inbox.push_back(std::move(event));
  serve(n);
}

/// Works through what has come and what is to be done, as long as nothing holds it up.
void World::serve(int n) {
  Node& here = node(n);
  Helper& helper = here.helper;
  while (helper.alive && !helper.frozen && !helper.busy) {
    if (!helper.queue.empty()) return perform_next(n);
    if (helper.inbox.empty() || here.locked) return;
    const LineageEvent event = std::move(helper.inbox.front());
    helper.inbox.pop_front();
    take(n, event);
  }
}

void World::take(int n, const LineageEvent& event) {
  Lineage& machine = *node(n).helper.machine;
  const auto effects = machine.step(now_, event);
  count_state(n, machine, effects);
  for (const LineageEffect& effect : effects) node(n).helper.queue.push_back(effect);
}

void World::perform_next(int n) {
  Helper& helper = node(n).helper;
  helper.busy = true;
  Duration takes = dice_.chance(1, 20) ? ms(1, 60) : us(50, 3000);
  const LineageEffect& effect = helper.queue.front();
  const bool disk = std::holds_alternative<KeepOwn>(effect) || std::holds_alternative<WriteRecord>(effect);
  if (disk && node(n).disk > 0ns) takes += ms(0, to_ms(node(n).disk));
  if (node(n).server.frozen && !disk && !std::holds_alternative<Say>(effect)) takes += ms(200, 1000);
  after(takes, [this, n, turn = ++helper.turn, life = helper.life] {
    Helper& later = node(n).helper;
    if (later.life != life || later.turn != turn || later.frozen) return;
    later.busy = false;
    const LineageEffect what = std::move(later.queue.front());
    later.queue.pop_front();
    perform(n, what);
    serve(n);
  });
}

void World::perform(int n, const LineageEffect& effect) {
  Server& server = node(n).server;
  const std::uint64_t life = node(n).helper.life;
  const auto say_so = [&](const std::string& what) { say(fmt::format("{}: helper: {}", node(n).name, what)); };
  std::visit(
      Overloaded{
          [&](const ReadCluster&) {
            SeenCluster seen = seen_cluster(n);
            const Duration takes = dice_.chance(1, 10) ? ms(30, 900) : ms(2, 30);
            after(takes, [this, n, life, seen = std::move(seen)] {
              if (node(n).helper.life == life) feed(n, seen);
            });
          },
          [&](const SetSource& set) {
            if (set.first) publish(n, *set.first);
            set_source(n, set.on);
          },
          [&](const CommitBarrier&) { commit_barrier(n); },
          [&](const Confirm& confirm) {
            after(ms(1, 50), [this, n, life, node_name = confirm.node] {
              if (node(n).helper.life == life) feed(n, Confirmed{confirmed(n, node_name)});
            });
          },
          [&](const WriteRecord& write) {
            say_so(fmt::format("writes {} -> {}", to_string(write.from), to_string(write.wanted)));
            write_record(n, write);
          },
          [&](const KeepOwn& keep) { keep_own(n, keep.record); },
          [&](const Acknowledge& acknowledge) {
            if (!server.alive || server.frozen || now_ > acknowledge.until) return;
            say_so(acknowledge.on ? "acknowledges" : "acknowledges no more");
            acknowledge_anew(n, acknowledge.on);
          },
          [&](const EndStreams&) {
            if (!server.alive || server.frozen) return;
            count("connections of replicas ended");
            for (auto& [id, conn] : conns_)
              if (conn.source == n) conn.source_open = false;
          },
          [&](const Flush&) {},  // power is lost with all that was received here
          [&](const BindRight&) { server.slave_enabled = false; },
          [&](const KillServer& kill) {
            if (!server.alive) return;
            count(server.waiters.empty() ? "outdated primary killed" : "outdated primary killed while commits waited");
            say_so(kill.why);
            kill_server(n);
          },
          [&](const Publish& tell) { publish(n, tell.notice); },
          [&](const Say& word) {
            if (word.level != Say::Level::notice) say_so(word.text);
          },
      },
      effect);
}

void World::write_record(int n, const WriteRecord& write) {
  const std::uint64_t life = node(n).helper.life;
  if (write.own_first) keep_own(n, write.wanted);
  request(n, write.from, write.wanted, [this, n, life, write](Outcome outcome) {
    if (node(n).helper.life != life) return;
    feed(n, WriteEnded{write.wanted, outcome});
  });
}

/// A commit in our own table. OK is all that the session hears, whatever brought it about.
void World::commit_barrier(int n) {
  Server& server = node(n).server;
  const std::uint64_t life = node(n).helper.life;
  if (!server.alive || server.frozen) {
    after(plan_.ack_timeout, [this, n, life] {
      if (node(n).helper.life == life) feed(n, BarrierEnded{false});
    });
    return;
  }
  const std::uint64_t id = append(n, false);
  node(n).helper.barrier = id;
  watch_barrier(n, id, now_ + plan_.ack_timeout);
}

void World::watch_barrier(int n, std::uint64_t id, Time until) {
  after(10ms, [this, n, id, until, life = node(n).helper.life, server_life = node(n).server.life] {
    const Server& server = node(n).server;
    if (node(n).helper.life != life || node(n).helper.barrier != id) return;
    const bool same = server.alive && server.life == server_life;
    const bool waits = same && std::any_of(server.log.begin() + static_cast<std::ptrdiff_t>(server.committed),
                                           server.log.end(), [id](const Trx& trx) { return trx.id == id; });
    if (waits && now_ < until) return watch_barrier(n, id, until);
    feed(n, BarrierEnded{same && !waits});
  });
}

bool World::confirmed(int n, const std::string& invited) const {
  const int other = index_of(invited);
  const auto answers = [&](int which) {
    const Server& server = node(which).server;
    return server.alive && !server.frozen && replicates(n, which) && replicates(which, n);
  };
  if (other < 0 || !answers(other) || clients_of(n) != 1) return false;
  const Server& replica = node(other).server;
  if (!replica.receiver.acks || replica.receiver.source != n) return false;
  for (int each = 0; each < databases_; ++each)
    if (each != n && each != other && answers(each) && node(each).server.receiver.acks) return false;
  return has_trx(other, node(n).helper.barrier, true);
}

SeenServer World::seen_server(int n) const {
  const Server& server = node(n).server;
  if (!server.alive) return {.alive = false};
  if (server.frozen) return {.alive = true};
  return {.alive = true,
          .answers = true,
          .writable = !server.read_only,
          .source_on = server.source_on,
          .clients = clients_of(n),
          .longest_wait = server.waiters.empty() ? Duration{} : now_ - server.waiters.front().since,
          .alone = server.alone,
          .streams = streams(n),
          .applier_failed = server.applier_failed,
          .behind = server.apply_time * server.relay.size(),
          .acknowledges = server.receiver.acks,
          .will_acknowledge = server.slave_enabled};
}

SeenCluster World::seen_cluster(int n) {
  const Node& here = node(n);
  SeenCluster seen{.shared = read_cib(n), .own = here.own, .majority = plan_.mode == Mode::majority};
  for (int other = 0; other < databases_; ++other) {
    const std::string& name = node(other).name;
    if (const auto found = here.notices.find(other); found != here.notices.end()) seen.notices[name] = found->second;
    if (member(n, other) && here.up) seen.members.push_back(name);
    if (was_agreed_with(n, other)) seen.seen.push_back(name);
    // Since this boot, and not by what it says itself now.
    if (here.fenced.contains(other) && was_agreed_with(n, other)) seen.fenced.push_back(name);
  }
  return seen;
}

void World::publish_score(int n) {
  const Node& here = node(n);
  Standing standing = here.helper.machine->standing();
  standing.must_follow = here.must_follow;
  int score = 0;
  if (is_eligible(standing)) {
    const Record& record = record_of(standing);
    score = !record.exists() ? 10 : record.primary == here.name ? 1000 : 100;
  }
  after(ms(5, 200), [this, n, score, life = here.helper.life] {
    if (node(n).helper.life == life) node(n).score = score;
  });
}

void World::count_state(int n, const Lineage& machine, const std::vector<LineageEffect>& effects) {
  if (machine.state() == LineageState::stalled) count("looks: stalled");
  for (const LineageEffect& effect : effects) {
    if (const auto* write = std::get_if<WriteRecord>(&effect)) {
      if (!write->wanted.in_sync.empty() && write->wanted.sequence > 0) count("write: brought in sync");
      const bool gives_up = write->wanted.in_sync.empty() && write->own_first;
      if (gives_up && write->wanted.primary != node(n).name) count("renounced by the helper");
      if (write->own_first && write->wanted == node(n).own) count("own copy written to the cluster");
    }
    const auto* const word = std::get_if<Say>(&effect);
    if (word == nullptr) continue;
    if (word->text.find("going on without it") != std::string::npos)
      count(fmt::format("release: {}", to_string(may_release(machine.standing()))));
    if (word->text.find("is not brought in sync") != std::string::npos) count("joining given up");
    if (word->text.find("acknowledged that no replica has") != std::string::npos) count("lone commits noticed");
  }
}

}  // namespace systole::sim_lineage

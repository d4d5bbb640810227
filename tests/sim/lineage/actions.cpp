// SPDX-License-Identifier: GPL-2.0-or-later
// start, promote, demote and stop, in the steps of the agent. Between any two of them the node may lose its power, the
// agent may be killed, and everybody else goes on.
#include <fmt/format.h>

#include "tests/sim/lineage/world.hpp"

namespace systole::sim_lineage {

using namespace mysql;

void World::begin(int n, std::string name, std::vector<std::function<Go()>> steps) {
  Node& here = node(n);
  here.action = std::make_unique<Action>();
  here.action->name = std::move(name);
  here.action->id = ++last_action_;
  here.action->begun = now_;
  here.action->steps = std::move(steps);
  here.action->steps.insert(here.action->steps.begin(), [this, n] { return lock(n); });
  say(fmt::format("{}: {}", here.name, here.action->name));
  after(ms(1, 20), [this, n, id = last_action_] { step_action(n, id); });
}

void World::step_action(int n, std::uint64_t id) {
  Action* const action = node(n).action.get();
  if (action == nullptr || action->id != id) return;
  const Go go = action->steps[action->at]();
  if (go == Go::failed || go == Go::done) return end_action(n, go == Go::done);
  if (go == Go::next) action->at += 1;
  if (action->at == action->steps.size()) return end_action(n, true);
  const Duration pause = go == Go::again ? 20ms : dice_.chance(1, 10) ? ms(5, 200) : us(200, 8000);
  after(pause, [this, n, id] { step_action(n, id); });
}

void World::end_action(int n, bool done) {
  Node& here = node(n);
  const std::string name = here.action->name;
  drop_action(n);
  say(fmt::format("{}: {} {}", here.name, name, done ? "done" : "failed"));
  if (name == "start") here.rsc = done ? Rsc::started : Rsc::failed;
  if (name == "stop") here.rsc = done ? Rsc::stopped : Rsc::failed;
  if (name == "start" || name == "stop") here.was_promoted = here.was_promoted && !done;
  if (name == "demote" || (name == "promote" && !done)) here.was_promoted = !done;
  if (name == "demote") here.rsc = done ? Rsc::started : Rsc::failed;
  if (name == "promote") {
    if (done) here.rsc = Rsc::promoted;
    here.next_promote = now_ + 1s;
    const bool half_done = here.server.alive && !here.server.read_only;
    if (!done && (half_done || dice_.chance(1, 4))) here.rsc = Rsc::failed;
    if (!done && here.rsc != Rsc::failed) here.was_promoted = false;
  }
  if (name == "stop") here.next_start = now_ + ms(0, 1500);
  here.noticed_at = never;
}

void World::drop_action(int n) {
  node(n).action.reset();
  node(n).locked = false;
}

Go World::lock(int n) {
  Node& here = node(n);
  const Helper& helper = here.helper;
  if (helper.alive && (helper.busy || !helper.queue.empty())) {
    if (now_ - here.action->begun < 5s) return Go::again;
    count("helper killed for its lock");
    kill_helper(n);
  }
  here.locked = true;
  return Go::next;
}

Standing World::fresh_standing(int n) {
  const Node& here = node(n);
  Standing standing{.self = here.name,
                    .durability = plan_.mode == Mode::pair ? Durability::crash_safe : Durability::lossless,
                    .shared = read_cib(n),
                    .own = here.own,
                    .must_follow = here.must_follow,
                    .majority = plan_.mode == Mode::majority,
                    .wanted = static_cast<unsigned>(databases_)};
  const int other = index_of(other_node(standing));
  if (other >= 0) {
    const Node& there = node(other);
    const auto told = here.notices.find(other);
    standing.other = {.member = member(n, other),
                      .promoted = member(n, other) && (there.rsc == Rsc::promoted || there.was_promoted),
                      .agrees = told != here.notices.end() && agrees_with(told->second, record_of(standing)),
                      .fenced = here.fenced.contains(other) && was_agreed_with(n, other),
                      .seen = was_agreed_with(n, other)};
  }
  for (int each = 0; each < databases_; ++each)
    standing.present += member(n, each) && (node(each).rsc == Rsc::started || node(each).rsc == Rsc::promoted);
  standing.operator_word = here.operator_word && *here.operator_word == record_of(standing);
  return standing;
}

void World::start_action(int n) {
  const auto choose_role = [this, n] {
    Node& here = node(n);
    Standing& standing = here.action->standing;
    standing = fresh_standing(n);
    if (standing.shared && here.own != *standing.shared) count("start: both copies of the record differ");
    const Record& record = record_of(standing);
    const bool follower = record.exists() && record.primary != here.name && here.own.primary == here.name;
    if (!follower) return Go::next;
    here.must_follow = true;
    here.follow_aim = 0;
    return Go::next;
  };
  const auto run = [this, n] {
    const Record& record = record_of(node(n).action->standing);
    launch(n, record.exists() && record.primary != node(n).name && node(n).own.primary == node(n).name);
    return Go::next;
  };
  const auto drain = [this, n] {
    Node& here = node(n);
    Server& server = here.server;
    const Standing& standing = here.action->standing;
    const Record record = record_of(standing);
    if (!server.alive) return Go::failed;
    if (server.relay.empty() && !server.relay_damaged) return Go::next;
    if (standing.shared && record.in_sync != here.name) return Go::next;
    if (!server.relay_damaged) {
      count("drain from files at start");
      apply_all(n);
      return Go::next;
    }
    count("drain impossible: relay log damaged");
    server.relay_damaged = false;
    server.relay.clear();
    if (record.in_sync != here.name) return Go::next;
    keep_own(n, with_in_sync(record, ""));
    if (standing.shared) request(n, *standing.shared, with_in_sync(record, ""), [](Outcome) {});
    return Go::next;
  };
  const auto follow = [this, n] {
    if (!node(n).server.alive) return Go::failed;
    follow_primary(n);
    start_helper(n);
    return Go::next;
  };
  begin(n, "start", {choose_role, run, drain, follow});
}

void World::promote_action(int n) {
  if (dice_.chance(1, 20)) freeze_helper(n, 0);  // it may be long in coming back
  const auto stop_receiving = [this, n] {
    if (!node(n).server.alive || node(n).server.frozen) return Go::failed;
    stop_receiver(n);
    return Go::next;
  };
  const auto drain = [this, n] {
    Server& server = node(n).server;
    if (!server.alive || server.frozen || server.applier_failed || server.relay_damaged) return Go::failed;
    if (server.relay.empty()) return Go::next;
    if (server.applier) return now_ - node(n).action->begun < 20s ? Go::again : Go::failed;
    count("drain from files at promotion");
    apply_all(n);
    return Go::next;
  };
  const auto decide = [this, n] {
    Action& action = *node(n).action;
    action.standing = fresh_standing(n);
    action.permission = may_promote(action.standing);
    if (action.permission.granted()) return Go::next;
    say(fmt::format("{}: refused: {}", node(n).name, action.permission.why));
    count("promotion refused");
    return Go::failed;
  };
  const auto write = [this, n] {
    Action& action = *node(n).action;
    request(n, *action.standing.shared, action.permission.next, [this, n, id = action.id](Outcome outcome) {
      if (node(n).action && node(n).action->id == id) node(n).action->outcome = outcome;
    });
    return Go::next;
  };
  const auto written = [this, n] {
    const Action& action = *node(n).action;
    if (!action.outcome) return Go::again;
    return *action.outcome == Outcome::done ? Go::next : Go::failed;
  };
  const auto ask_again = [this, n] {
    const Action& action = *node(n).action;
    const Standing standing = fresh_standing(n);
    if (standing.shared == action.permission.next && may_promote(standing).granted()) return Go::next;
    count("promotion given up after the record was written");
    return Go::failed;
  };
  const auto keep = [this, n] {
    keep_own(n, node(n).action->permission.next);
    return Go::next;
  };
  const auto tell = [this, n] {
    const Record& next = node(n).action->permission.next;
    publish(n, {.kind = Notice::Kind::replica, .epoch = next.epoch, .sequence = next.sequence});
    return Go::next;
  };
  const auto take_id = [this, n] {
    if (!node(n).server.alive || node(n).server.frozen) return Go::failed;
    node(n).server.id = ++last_server_id_;
    return Go::next;
  };
  const auto source = [this, n] {
    set_source(n, !node(n).action->permission.next.in_sync.empty());
    return Go::next;
  };
  begin(n, "promote",
        {stop_receiving, drain, decide, write, written, ask_again, tell, keep, take_id, source,
         [this, n] { return become_writable(n); }, [] { return Go::done; }});
}

Go World::become_writable(int n) {
  Node& here = node(n);
  Server& server = here.server;
  const Permission& permission = here.action->permission;
  if (!server.alive || server.frozen) return Go::failed;
  if (!permission.next.in_sync.empty() && !server.source_on) return Go::failed;
  server.receiver = {};
  server.relay.clear();
  server.applier = server.applier_failed = false;
  server.read_only = false;
  server.epoch = permission.next.epoch;
  report_.promotions += 1;
  count(fmt::format("promotion: {}", to_string(permission.by)));
  say(fmt::format("{}: writable, {} ({})", here.name, to_string(permission.next), to_string(permission.by)));
  check_history(n, "promoted");
  return Go::next;
}

void World::demote_action(int n) {
  const auto close = [this, n] {
    Server& server = node(n).server;
    if (!server.alive || server.frozen) return Go::failed;
    server.read_only = true;
    node(n).action->wait_until = now_ + plan_.ack_timeout;
    return Go::next;
  };
  const auto wait = [this, n] {
    Server& server = node(n).server;
    if (!server.alive || server.frozen) return Go::failed;
    if (server.waiters.empty()) return Go::next;
    if (now_ < node(n).action->wait_until) return Go::again;
    count("demote: killed while commits waited");
    kill_server(n);
    return Go::failed;
  };
  const auto off = [this, n] {
    set_source(n, false);
    return Go::done;
  };
  begin(n, "demote", {close, wait, off});
}

void World::stop_action(int n) {
  const auto give_up_place = [this, n] {
    Node& here = node(n);
    const Standing standing = fresh_standing(n);
    const Record record = record_of(standing);
    here.action->wait_until = now_ + 3s;
    if (record.in_sync != here.name || !standing.other.member || !standing.shared) {
      here.action->outcome = Outcome::done;
      return Go::next;
    }
    count("renounced at stop");
    keep_own(n, with_in_sync(record, ""));
    request(n, *standing.shared, with_in_sync(record, ""), [this, n, id = here.action->id](Outcome outcome) {
      if (node(n).action && node(n).action->id == id) node(n).action->outcome = outcome;
    });
    return Go::next;
  };
  const auto given_up = [this, n] {
    const Action& action = *node(n).action;
    return action.outcome || now_ >= action.wait_until ? Go::next : Go::again;
  };
  const auto end_helper = [this, n] {
    kill_helper(n);
    tell_own_version(n);
    node(n).score = 0;
    return Go::next;
  };
  const auto end = [this, n] {
    Server& server = node(n).server;
    if (server.frozen || !server.waiters.empty()) kill_server(n);
    end_server(n);
    return Go::done;
  };
  begin(n, "stop", {give_up_place, given_up, end_helper, end});
}

}  // namespace systole::sim_lineage

// SPDX-License-Identifier: GPL-2.0-or-later
// Members, status and transitions of a leader.
#include "crmd/controller/leader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/ensure.hpp"
#include "common/base/text.hpp"
#include "crmd/scheduler/scheduler.hpp"

namespace systole::controller {

namespace {

/// A member that is up but does not answer the offer holds decisions back only this long.
constexpr Duration join_patience = 5s;
/// A member that does not store the configuration for so long keeps it from being safe.
constexpr Duration store_timeout = 5s;
/// After so many transitions in a row that nothing from outside asked for, the next waits a second: the scheduler and
/// an agent disagree, and running in circles at full speed would help nobody.
constexpr unsigned fruitless_limit = 20;

std::string random_uuid(Dice& dice) {
  const std::uint64_t a = dice.next(), b = dice.next();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", static_cast<std::uint32_t>(a >> 32), (a >> 16) & 0xffff,
                     a & 0xfff, 0x8000 | ((b >> 48) & 0x3fff), b & 0xffffffffffffULL);
}

bool is_success(const scheduler::Action& action, const executor::Report& report) {
  if (action.probe) return !report.result.failed() || report.result.status == cib::OpStatus::done;
  return !report.result.failed();
}

}  // namespace

Leader::Leader(const Config& config, Term term, Known& known, replica::Replica& replica, const DocumentRules& rules,
               Dice& dice)
    : config_(config),
      term_(term),
      known_(known),
      replica_(replica),
      rules_(rules),
      next_order_(term.number << 32),
      uuid_(random_uuid(dice)) {}

const membership::Member& Leader::member(NodeId id) const {
  const auto& nodes = config_.membership.nodes;
  const auto found = std::ranges::find(nodes, id, &membership::Member::id);
  ensure(found != nodes.end());
  return *found;
}

NodeName Leader::name_of(NodeId id) const {
  return NodeName{member(id).name};
}

NodeId Leader::id_of(const NodeName& name) const {
  const auto& nodes = config_.membership.nodes;
  const auto found = std::ranges::find(nodes, name.value, &membership::Member::name);
  return found == nodes.end() ? NodeId{} : found->id;
}

void Leader::publish(Update update) {
  learn(known_, update);
  for (const auto& [peer, state] : peers_) {
    if (state.joined && peer != config_.membership.self) send(peer, Updates{term_, {update}});
  }
}

void Leader::changed(std::string why) {
  settled_ = false;
  if (dirty_.empty()) dirty_ = why;
  if (run_) run_->abort(std::move(why));
}

void Leader::begin(Now now, const std::set<NodeId>& up, const std::map<NodeId, Time>& released) {
  begun_at_ = now.at;
  forget_removed();
  // An earlier leader here may have expelled one of them; this one begins with the trust that it needs to join them.
  for (const NodeId node : up) out_.grants.emplace_back(node, true);
  for (const membership::Member& node : config_.membership.nodes) {
    if (node.witness) {
      if (up.contains(node.id)) peers_[node.id];
      continue;
    }
    if (!up.contains(node.id)) unreleased_[node.id] = released.at(node.id);
    const auto before = known_.status.nodes.find(NodeName{node.name});
    const bool expected = before != known_.status.nodes.end() && before->second.expected == "member";
    const bool here = up.contains(node.id);
    if (here) peers_[node.id];
    learn(known_, NodeChanged{NodeName{node.name}, std::to_string(node.id.value), here, false, "down",
                              expected ? "member" : "down"});
    if (!here) learn(known_, NodeGone{NodeName{node.name}});
  }
  note(membership::Note::Level::notice, fmt::format("this node leads in term {} with {} of {} nodes", term_.number,
                                                    up.size(), config_.membership.nodes.size()));
}

/// What was last heard of a node before it was taken off the list – that it was there, perhaps – holds no more.
void Leader::forget_removed() {
  const auto before = known_.status.nodes;
  for (const auto& [name, state] : before) {
    if (std::ranges::find(config_.membership.nodes, name.value, &membership::Member::name) !=
        config_.membership.nodes.end())
      continue;
    learn(known_, NodeChanged{name, state.id, false, false, "down", "down"});
    learn(known_, NodeGone{name});
  }
}

void Leader::ready(Now now) {
  ready_ = true;
  configuration_committed();
  // A witness loses nothing when it does not store, so nothing brings it back later either: it is told now.
  for (const auto& [peer, state] : peers_)
    if (!state.forsaken || runs_nothing(peer)) offer(now, peer);
  ensure_nodes_are_configured(now);
  for (auto& [origin, wanted] : std::exchange(waiting_, {})) request(now, origin, wanted);
  changed("a new leader took over");
  proceed(now);
}

void Leader::offer(Now now, NodeId peer) {
  peers_[peer].offered = now.at;
  peers_[peer].offer = ++offers_;
  send(peer, JoinOffer{term_, offers_});
}

/// The member gets no lease any more, and is told. It loses what it runs to its own guardian, and to others once the
/// lease is over. What it answered to the offers before is void.
void Leader::expel(Now now, NodeId id, const std::string& reason) {
  Peer& peer = peers_.at(id);
  const membership::Config& timing = config_.membership;
  const Duration patience = timing.deadtime + timing.takeover_delay;
  peer.released = now.at + patience;
  peer.empty = false;
  peer.offer = ++offers_;
  out_.grants.emplace_back(id, false);
  send(id, Expelled{term_, reason});
  note(membership::Note::Level::warning,
       fmt::format("node {} {}: its lease is not renewed; others may run its resources in {}", name_of(id).value,
                   reason, to_text(patience)));
  if (!std::exchange(peer.joined, false)) return;
  const NodeName name = name_of(id);
  forget_orders(name);
  publish(NodeChanged{name, std::to_string(id.value), true, false, "pending", known_.status.nodes[name].expected});
  publish(NodeGone{name});
}

void Leader::look_at_joins(Now now) {
  for (auto& [id, peer] : peers_) {
    if (peer.joined) continue;
    if (peer.released == never) {
      if (peer.offered != never && now.at >= peer.offered + join_patience)
        expel(now, id, fmt::format("has not joined within {}", to_text(join_patience)));
      continue;
    }
    if (now.at < peer.released) continue;
    if (!std::exchange(peer.empty, true)) changed(fmt::format("node {} was expelled", name_of(id).value));
    if (ready_ && !peer.forsaken && (peer.offered == never || peer.offered < peer.released)) offer(now, id);
  }
}

/// Who must store and does not stops every change of the configuration.
void Leader::look_at_stores(Now now) {
  for (auto& [id, peer] : peers_) {
    if (replica_.kept_by(id) >= peer.behind) peer.behind_since = never;
    if (replica_.holds_head(id)) {
      if (std::exchange(peer.forsaken, false))
        note(membership::Note::Level::notice, fmt::format("node {} stores again", name_of(id).value));
      continue;
    }
    if (peer.behind_since == never) {
      peer.behind = replica_.head().stamp.index;
      peer.behind_since = now.at;
    } else if (!peer.forsaken && now.at >= peer.behind_since + store_timeout) {
      peer.forsaken = true;
      does_not_store(now, id, peer);
    }
  }
}

void Leader::does_not_store(Now now, NodeId id, Peer& peer) {
  const std::string reason =
      fmt::format("has not stored the configuration for {} (is its disk full, or hanging?)", to_text(store_timeout));
  if (id == config_.membership.self) {
    note(membership::Note::Level::warning, fmt::format("this node {}: it leads no more", reason));
    out_.resign = true;
  } else if (runs_nothing(id)) {
    note(membership::Note::Level::warning, fmt::format("witness {} {}", name_of(id).value, reason));
  } else {
    if (peer.released == never) expel(now, id, reason);
    auto effects = replica_.forsake(id);
    std::move(effects.begin(), effects.end(), std::back_inserter(out_.replica));
  }
}

std::vector<std::string> Leader::problems() const {
  std::vector<std::string> all = last_.problems;
  for (const auto& [id, peer] : peers_)
    if (peer.forsaken)
      all.push_back(fmt::format("{} does not store the configuration (is its disk full, or hanging?){}",
                                name_of(id).value,
                                runs_nothing(id) ? "" : ": it runs nothing until it does, see its log"));
  return all;
}

void Leader::forget_orders(const NodeName& name) {
  std::erase_if(orders_, [&](const auto& order) { return run_ && run_->action(order.second).node == name; });
  if (run_) run_->node_lost(name);
}

void Leader::reconfigured(Now now, const std::map<NodeId, Time>& released) {
  std::erase_if(unreleased_, [&](const auto& node) { return !released.contains(node.first); });
  for (const membership::Member& node : config_.membership.nodes) {
    if (node.witness || peers_.contains(node.id) || unreleased_.contains(node.id)) continue;
    unreleased_[node.id] = released.at(node.id);
    publish(NodeChanged{NodeName{node.name}, std::to_string(node.id.value), false, false, "down", "down"});
  }
  if (ready_) ensure_nodes_are_configured(now);
  changed("the list of nodes changed");
  proceed(now);
}

void Leader::peer_up(Now now, NodeId peer) {
  peers_[peer] = Peer{};
  unreleased_.erase(peer);
  if (runs_nothing(peer)) {
    if (ready_) offer(now, peer);
    return;
  }
  const NodeName name = name_of(peer);
  const std::string expected = known_.status.nodes[name].expected;
  publish(NodeChanged{name, std::to_string(peer.value), true, false, "pending", expected});
  if (ready_) offer(now, peer);
  changed(fmt::format("node {} appeared", name.value));
  proceed(now);
}

/// A node is released only to a leader that has been one since then.
void Leader::confirmed(Now now, Time sent) {
  const Time before = std::exchange(confirmed_, sent);
  if (std::ranges::any_of(unreleased_, [&](const auto& node) { return node.second > before && node.second <= sent; }))
    proceed(now);
}

void Leader::peer_lost(Now now, NodeId peer, const std::string& reason, Time released) {
  const NodeName name = name_of(peer);
  if (runs_nothing(peer)) {
    peers_.erase(peer);
    return note(membership::Note::Level::warning, fmt::format("witness {} is lost: {}", name.value, reason));
  }
  const cib::NodeState& before = known_.status.nodes[name];
  // A node that left in order is not expected; any other loss was none of our doing.
  const std::string expected = before.expected;
  peers_.erase(peer);
  unreleased_[peer] = released;
  forget_orders(name);
  publish(NodeChanged{name, std::to_string(peer.value), false, false, "down", expected});
  publish(NodeGone{name});
  note(membership::Note::Level::warning, fmt::format("node {} is lost: {}", name.value, reason));
  changed(fmt::format("node {} is lost", name.value));
  proceed(now);
}

void Leader::join(Now now, NodeId from, const JoinRequest& request) {
  const auto known = peers_.find(from);
  if (request.term != term_ || known == peers_.end() || request.offer != known->second.offer) return;
  const NodeName name = name_of(from);
  Peer& peer = known->second;
  if (peer.joined) forget_orders(name);  // it had to drop everything: nothing that was asked of it will be answered
  if (peer.released != never) out_.grants.emplace_back(from, true);
  peer.joined = true;
  peer.released = never;
  peer.in_flight = {request.in_flight.begin(), request.in_flight.end()};
  peer.leaving = request.leaving;
  if (!runs_nothing(from)) {
    publish(NodeChanged{name, std::to_string(from.value), true, true, "member", "member"});
    publish(NodeJoined{name, request.history, request.attributes});
  }
  if (from != config_.membership.self)
    send(from, Welcome{term_, known_.status, known_.attributes.memory(), known_.num_updates});
  note(membership::Note::Level::notice,
       fmt::format("{} {} joined", runs_nothing(from) ? "witness" : "node", name.value));
  if (runs_nothing(from)) return;
  changed(fmt::format("node {} joined", name.value));
  proceed(now);
}

void Leader::message(Now now, NodeId from, const Message& message) {
  if (!peers_.contains(from)) return;
  if (const auto* request = std::get_if<JoinRequest>(&message)) return join(now, from, *request);
  if (!peers_.at(from).joined) return;
  if (const auto* result_of = std::get_if<ResultOf>(&message)) result(now, from, result_of->report);
  if (const auto* wanted = std::get_if<AttributesWanted>(&message)) set_attributes(now, wanted->changes);
  if (std::holds_alternative<Leaving>(message)) {
    peers_.at(from).leaving = true;
    changed(fmt::format("node {} is shutting down", name_of(from).value));
  }
  proceed(now);
}

void Leader::result(Now now, NodeId from, const executor::Report& report) {
  const NodeName node = name_of(from);
  peers_.at(from).in_flight.erase(report.order);
  if (report.recorded) publish(HistoryAdded{node, report});
  const bool failed = report.result.failed();
  if (failed && report.recorded) count_failure(now, node, report);
  const auto order = orders_.find(report.order);
  if (order != orders_.end() && run_) {
    const scheduler::Action& action = run_->action(order->second);
    const bool success = is_success(action, report);
    if (!success) {
      changed(fmt::format(
          "{} of {} on {} failed: {}", report.result.operation, report.result.resource.value, node.value,
          report.result.exit_reason.empty() ? std::string(cib::to_words(static_cast<cib::Rc>(report.result.rc)))
                                            : report.result.exit_reason));
    } else if (action.probe && report.result.rc != action.expected_rc) {
      changed(fmt::format("{} was found active on {}", report.result.resource.value, node.value));
    }
    run_->ended(order->second, success);
    orders_.erase(order);
    return;
  }
  fruitless_ = 0;
  changed(fmt::format("news of {} on {}: {} returned {}", report.result.resource.value, node.value,
                      report.result.operation, cib::to_words(static_cast<cib::Rc>(report.result.rc))));
}

void Leader::count_failure(Now now, const NodeName& node, const executor::Report& report) {
  const cib::OperationResult& result = report.result;
  note(membership::Note::Level::warning,
       fmt::format("{} of {} on {} failed: rc {} ({}), {}{}{}", result.operation, result.resource.value, node.value,
                   result.rc, cib::to_words(static_cast<cib::Rc>(result.rc)), cib::to_words(result.status),
                   result.exit_reason.empty() ? "" : ": ", result.exit_reason));
  const bool one_shot_monitor = result.operation == "monitor" && result.interval == Duration{};
  if (one_shot_monitor) return;  // a probe's failure is in the history; it is no failure of the resource
  bool fatal = result.operation == "stop";
  if (result.operation == "start") {
    const auto setting = configuration_ ? cib::property(*configuration_, "start-failure-is-fatal") : std::nullopt;
    fatal = !setting || parse_bool(*setting).value_or(true);
  }
  const std::string count = cib::fail_count_name(result.resource, result.operation, result.interval);
  const std::string when = cib::last_failure_name(result.resource, result.operation, result.interval);
  set_attributes(now, {{node, count, fatal ? "INFINITY" : "value++", Duration{}, false},
                       {node, when, std::to_string(now.epoch_s), Duration{}, false}});
}

/// Of every node it must be known what runs there: from itself, or because its lease is over and nothing does.
bool Leader::may_schedule(Now now) const {
  if (!ready_ || !configuration_ || run_ || dirty_.empty() || now.at < not_before_) return false;
  if (std::ranges::any_of(unreleased_, [&](const auto& entry) { return entry.second > std::min(confirmed_, now.at); }))
    return false;
  return std::ranges::all_of(peers_, [&](const auto& entry) {
    const Peer& peer = entry.second;
    return runs_nothing(entry.first) || (peer.joined ? peer.in_flight.empty() : now.at >= peer.released);
  });
}

/// A node that is shutting down must be freed of resources like one in standby.
cib::Status Leader::status_for_decisions() const {
  cib::Status status = known_.status;
  for (const auto& [id, peer] : peers_) {
    if (peer.leaving && !runs_nothing(id)) status.nodes[name_of(id)].transient["standby"] = "on";
  }
  return status;
}

void Leader::schedule(Now now) {
  const std::string why = std::exchange(dirty_, {});
  const cib::Status status = status_for_decisions();
  const scheduler::View view{&*configuration_, &status, true, name_of(config_.membership.self), now.epoch_s};
  last_ = scheduler::schedule(view);
  recheck_ = last_.recheck_at
                 ? now.at + std::chrono::seconds(std::max<std::int64_t>(*last_.recheck_at - now.epoch_s, 1))
                 : now.at + config_.recheck_interval;
  if (last_.empty()) {
    settled_ = true;
    fruitless_ = 0;
    let_go(now);
    return;
  }
  if (++fruitless_ > fruitless_limit) not_before_ = now.at + 1s;
  ++transition_number_;
  note(membership::Note::Level::notice,
       fmt::format("transition {}: {} actions, because {}", transition_number_, last_.actions.size(), why));
  run_.emplace(last_);
  orders_.clear();
}

void Leader::proceed(Now now) {
  looked_at_ = now.at;
  for (;;) {
    if (run_) {
      dispatch(now);
      if (!run_->done()) break;
      finish_run();
    }
    if (!may_schedule(now)) break;
    schedule(now);
    if (!run_) break;
  }
  show_progress(now);
}

void Leader::finish_run() {
  if (run_->aborted())
    note(membership::Note::Level::info,
         fmt::format("transition {} ended early: {}", transition_number_, run_->abort_reason()));
  if (dirty_.empty()) dirty_ = run_->failed() ? "an action failed" : "the last transition is complete";
  run_.reset();
  orders_.clear();
}

void Leader::dispatch(Now now) {
  for (std::vector<const scheduler::Action*> ready = run_->next(now.at); !ready.empty(); ready = run_->next(now.at)) {
    for (const scheduler::Action* action : ready) carry_out(now, *action);
  }
}

void Leader::carry_out(Now now, const scheduler::Action& action) {
  note(membership::Note::Level::info, fmt::format("{} {} on {}: {}", action.probe ? "probe" : action.operation,
                                                  action.resource.value, action.node.value, action.reason));
  if (action.kind == scheduler::ActionKind::clear_failure) {
    clear_failures(now, action.node, action.resource);
    run_->ended(action.id, true);
    return;
  }
  const NodeId node = id_of(action.node);
  const auto peer = peers_.find(node);
  if (peer == peers_.end() || !peer->second.joined) {
    run_->ended(action.id, false);
    changed(fmt::format("node {} is not there", action.node.value));
    return;
  }
  const executor::Order order = order_of(action);
  orders_[order.id] = action.id;
  send(node, OrderTo{term_, order});
}

executor::Order Leader::order_of(const scheduler::Action& action) {
  executor::Order order;
  order.id = ++next_order_;
  order.resource = action.resource;
  order.operation = action.kind == scheduler::ActionKind::cancel ? "cancel" : action.operation;
  order.interval = action.interval;
  order.standard = action.standard;
  order.provider = action.provider;
  order.type = action.type;
  order.parameters = action.parameters;
  order.meta = action.meta;
  order.timeout = action.timeout;
  order.expected_rc = action.expected_rc;
  order.probe = action.probe;
  order.transition_key = fmt::format("{}:{}:{}:{}", action.id, transition_number_, action.expected_rc, uuid_);
  return order;
}

/// Nodes that are shutting down may go when nothing is active on them any more.
void Leader::let_go(Now now) {
  const scheduler::View view{&*configuration_, &known_.status, true, name_of(config_.membership.self), now.epoch_s};
  const auto active = scheduler::observe_active(view);
  for (const auto& [id, peer] : peers_) {
    if (!peer.leaving || !peer.joined) continue;
    const NodeName name = name_of(id);
    const bool busy = std::ranges::any_of(active, [&](const scheduler::Active& a) {
      return a.node == name && a.role != scheduler::Role::stopped && a.managed;
    });
    if (busy) continue;
    if (!runs_nothing(id)) publish(NodeChanged{name, std::to_string(id.value), true, true, "member", "down"});
    send(id, MayLeave{term_});
  }
}

void Leader::show_progress(Now now) {
  Progress progress{settled_, run_ ? run_->under_way(now.at) : std::vector<std::string>{}, problems()};
  if (!ready_) progress.under_way = {"waiting until the configuration is stored by enough nodes"};
  const bool same = progress.settled == known_.progress.settled && progress.problems == known_.progress.problems &&
                    progress.under_way.empty() == known_.progress.under_way.empty();
  if (!same) publish(progress);
}

void Leader::configuration_committed() {
  Result<cib::Configuration> parsed = rules_.parse(replica_.head().document);
  if (!parsed) {
    note(membership::Note::Level::warning,
         "the stored configuration cannot be read, keeping the last good one: " + parsed.error().what);
    return;
  }
  configuration_ = std::move(*parsed);
}

void Leader::committed(Now now, std::uint64_t index) {
  for (auto it = writes_.begin(); it != writes_.end() && it->first <= index; it = writes_.erase(it)) {
    reply(it->second.origin, 0, it->second.output);
  }
  // Decisions rest on what can no longer be lost.
  if (!ready_ || replica_.head().stamp.index > index) return;
  configuration_committed();
  fruitless_ = 0;
  changed("the configuration changed");
  proceed(now);
}

void Leader::dropped(std::uint64_t after_index) {
  for (auto it = writes_.upper_bound(after_index); it != writes_.end(); it = writes_.erase(it)) {
    reply(
        it->second.origin, 124,
        "leadership was lost before the change was stored by enough nodes: it may or may not take effect; look again");
  }
}

/// A witness leads only until a node that runs something can: one that has the newest configuration on its disk. A
/// write that is being stored is answered first.
void Leader::step_back_as_witness() {
  if (!ready_ || !runs_nothing(config_.membership.self) || !writes_.empty()) return;
  const auto successor = std::ranges::find_if(
      peers_, [&](const auto& entry) { return !runs_nothing(entry.first) && replica_.holds_head(entry.first); });
  if (successor == peers_.end()) return;
  note(membership::Note::Level::notice,
       fmt::format("this witness leaves the lead to {}", name_of(successor->first).value));
  out_.resign = true;
}

bool Leader::settled() const {
  if (!settled_ || !runs_nothing(config_.membership.self)) return settled_;
  return std::ranges::all_of(peers_,
                             [&](const auto& entry) { return !entry.second.joined || runs_nothing(entry.first); });
}

void Leader::tick(Now now) {
  look_at_stores(now);
  look_at_joins(now);
  step_back_as_witness();
  if (run_) {
    for (const int late : run_->overdue(now.at)) {
      const scheduler::Action& action = run_->action(late);
      note(membership::Note::Level::warning, fmt::format("no result of {} {} on {} came back", action.operation,
                                                         action.resource.value, action.node.value));
      std::erase_if(orders_, [&](const auto& order) { return order.second == late; });
      run_->ended(late, false);
      changed("a result is overdue");
    }
  }
  for (const auto& [node, name] : known_.attributes.due(now)) {
    publish(AttributeWritten{node, name});
    changed(fmt::format("attribute {} of {} changed", name, node.value));
  }
  if (recheck_ && *recheck_ <= now.at) {
    recheck_ = now.at + config_.recheck_interval;
    changed("time has passed");
  }
  proceed(now);
}

Time Leader::next_deadline() const {
  Time soonest = known_.attributes.next_deadline();
  if (run_) soonest = std::min(soonest, run_->next_deadline());
  if (recheck_) soonest = std::min(soonest, *recheck_);
  if (!dirty_.empty() && !run_ && not_before_ != Time::min()) soonest = std::min(soonest, not_before_);
  for (const auto& [id, peer] : peers_) {
    if (peer.behind_since != never && !peer.forsaken) soonest = std::min(soonest, peer.behind_since + store_timeout);
    if (peer.joined) continue;
    if (peer.released != never && !peer.empty) soonest = std::min(soonest, peer.released);
    if (peer.released == never && peer.offered != never) soonest = std::min(soonest, peer.offered + join_patience);
  }
  if (dirty_.empty() || run_) return soonest;
  for (const auto& [id, released] : unreleased_)
    if (released > looked_at_) soonest = std::min(soonest, released);
  return soonest;
}

void Leader::ensure_nodes_are_configured(Now now) {
  if (!configuration_) return;
  for (const membership::Member& node : config_.membership.nodes) {
    if (node.witness) continue;
    const bool there = std::ranges::any_of(configuration_->nodes,
                                           [&](const cib::Node& known) { return known.uname.value == node.name; });
    if (there) continue;
    cib::Request add;
    add.change = cib::Change::create;
    add.scope = "nodes";
    add.xml = fmt::format("<node id=\"{}\" uname=\"{}\"/>", node.id.value, node.name);
    add.origin = name_of(config_.membership.self).value;
    add.client = "crmd";
    add.user = "root";
    change(now, Origin{}, add);
  }
}

}  // namespace systole::controller

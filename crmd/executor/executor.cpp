// SPDX-License-Identifier: GPL-2.0-or-later
// Lanes: each resource has one, with at most one call under way and the others waiting in order. Recurring monitors are
// calls that queue themselves again one interval after they have ended.
#include "crmd/executor/executor.hpp"

#include <algorithm>

#include "cib/model/digest.hpp"
#include "common/base/ensure.hpp"

namespace systole::executor {

namespace {

constexpr std::string_view feature_set = "3.16.1";
// A watch that ends as soon as it has begun must not make a monitor recur without a pause.
constexpr Duration watch_pause_min = 1s, watch_pause_max = 60s;

bool is_recurring(const Order& order) {
  return order.operation == "monitor" && order.interval > Duration{};
}

/// Whether a monitor may go on beside this operation: anything that changes the resource's state ends its monitors
/// first.
bool changes_state(const Order& order) {
  return order.operation != "monitor" && order.operation != "notify";
}

std::int64_t ms(Duration duration) {
  return to_ms(duration);
}

}  // namespace

cib::Pairs Executor::environment_of(const Order& order) const {
  cib::Pairs env = environment_;
  env["LC_ALL"] = "C";
  if (order.standard != "ocf" && order.standard != "stonith") return env;  // init scripts get no parameters
  env["OCF_RA_VERSION_MAJOR"] = "1";
  env["OCF_RA_VERSION_MINOR"] = "1";
  env["OCF_RESOURCE_INSTANCE"] = order.resource.value;
  env["OCF_RESOURCE_TYPE"] = order.type;
  env["OCF_RESOURCE_PROVIDER"] = order.provider;
  env["OCF_EXIT_REASON_PREFIX"] = "ocf-exit-reason:";
  env["OCF_RESKEY_crm_feature_set"] = feature_set;
  for (const auto& [name, value] : order.parameters) {
    env[name == "OCF_CHECK_LEVEL" ? name : "OCF_RESKEY_" + name] = value;
  }
  for (const auto& [name, value] : order.meta) env["OCF_RESKEY_CRM_meta_" + name] = value;
  return env;
}

std::vector<Effect> Executor::order(Now now, const Order& order) {
  Lane& lane = lanes_[order.resource];
  if (order.operation == "cancel") return cancel(now, order, lane);
  std::vector<Effect> effects;
  if (changes_state(order)) cancel_all_recurring(effects, lane);
  Call call{.number = 0, .order = order, .queued = now.at, .started = {}, .first_result = true, .cancelled = false};
  if (is_recurring(order)) {
    // The same key again: the new order takes the place of the old one and runs at once.
    std::erase_if(lane.waiting, [&](const Call& other) {
      return other.order.operation == "monitor" && other.order.interval == order.interval;
    });
    lane.recurring[ms(order.interval)] = Recurring{.order = order, .next = never, .last = std::nullopt, .call_id = 0};
  }
  // A stop must work after the parameters were changed, or were deleted with the resource.
  if (order.operation == "stop" && lane.parameters_in_use) call.order.parameters = *lane.parameters_in_use;
  lane.waiting.push_back(std::move(call));
  for (Effect& effect : begin_next(now, order.resource, lane)) effects.push_back(std::move(effect));
  return effects;
}

std::vector<Effect> Executor::cancel(Now now, const Order& order, Lane& lane) {
  std::vector<Effect> effects;
  const auto matches = [&](const Call& call) {
    return is_recurring(call.order) && call.order.interval == order.interval;
  };
  lane.recurring.erase(ms(order.interval));
  if (lane.recurring.empty()) end_watch(lane, effects);
  std::erase_if(lane.waiting, matches);
  if (lane.running && matches(*lane.running) && !lane.running->cancelled) {
    lane.running->cancelled = true;
    effects.push_back(KillAgent{lane.running->number});
  }
  cib::OperationResult result;
  result.resource = order.resource;
  result.operation = "cancel";
  result.interval = order.interval;
  result.transition_key = order.transition_key;
  result.last_rc_change = now.epoch_s;
  if (const auto known = history_.find(order.resource); known != history_.end()) cib::record(known->second, result);
  effects.push_back(Report{order.id, order.standard, order.provider, order.type, result, true});
  return effects;
}

void Executor::cancel_all_recurring(std::vector<Effect>& effects, Lane& lane) {
  lane.recurring.clear();
  end_watch(lane, effects);
  std::erase_if(lane.waiting, [](const Call& call) { return is_recurring(call.order); });
  if (lane.running && is_recurring(lane.running->order) && !lane.running->cancelled) {
    lane.running->cancelled = true;
    effects.push_back(KillAgent{lane.running->number});
  }
}

std::vector<Effect> Executor::begin_next(Now now, const ResourceId& resource, Lane& lane) {
  if (lane.running || lane.waiting.empty()) return {};
  lane.running = std::move(lane.waiting.front());
  lane.waiting.pop_front();
  Call& call = *lane.running;
  call.number = next_call_++;
  call.started = now.at;
  calls_[call.number] = resource;
  const Order& order = call.order;
  holdings_.begins(order);
  return {RunAgent{call.number, order.standard, order.provider, order.type, order.operation, environment_of(order),
                   order.timeout}};
}

Report Executor::finished(Now now, Call& call, const Outcome& outcome, Lane& lane) {
  const Order& order = call.order;
  Report report{order.id, order.standard, order.provider, order.type, {}, order.operation != "notify"};
  cib::OperationResult& result = report.result;
  result.resource = order.resource;
  result.operation = order.operation;
  result.interval = order.interval;
  result.rc = outcome.rc;
  result.expected_rc = order.expected_rc;
  result.status = outcome.status;
  result.transition_key = order.transition_key;
  result.last_rc_change = now.epoch_s;
  result.exec_ms = ms(outcome.ran);
  result.queue_ms = ms(call.started - call.queued);
  result.digests.all = cib::digest_of(order.parameters, order.interval, order.timeout);
  if (order.operation == "notify") {  // notifications cannot fail
    result.rc = result.expected_rc = 0;
    result.status = cib::OpStatus::done;
  }
  if (result.failed()) result.exit_reason = outcome.exit_reason;
  const auto recurring = is_recurring(order) ? lane.recurring.find(ms(order.interval)) : lane.recurring.end();
  result.call_id =
      recurring != lane.recurring.end() && recurring->second.call_id != 0 ? recurring->second.call_id : next_call_id_++;
  if (recurring != lane.recurring.end()) {
    recurring->second.call_id = result.call_id;
    recurring->second.next = now.at + order.interval;
  }
  remember_parameters(lane, order, outcome, result.failed());
  return report;
}

/// Those of the start; for what ran before this daemon did, those with which it was first found.
void Executor::remember_parameters(Lane& lane, const Order& order, const Outcome& outcome, bool failed) {
  if (order.operation == "start" && !failed) lane.parameters_in_use = order.parameters;
  if (order.operation == "stop" && !failed) lane.parameters_in_use.reset();
  if (shows_that_it_is_on(order, outcome) && !lane.parameters_in_use) lane.parameters_in_use = order.parameters;
}

std::vector<Effect> Executor::done(Now now, std::uint64_t number, const Outcome& outcome) {
  const auto known = calls_.find(number);
  if (known == calls_.end()) return {};  // ended twice: the first time counted
  const ResourceId resource = known->second;
  calls_.erase(known);
  Lane& lane = lanes_.at(resource);
  ensure(lane.running && lane.running->number == number);
  Call call = std::move(*lane.running);
  lane.running.reset();
  std::vector<Effect> effects;
  if (!call.cancelled) {
    holdings_.ended(call.order, outcome);
    Report report = finished(now, call, outcome, lane);
    bool tell = true;
    if (is_recurring(call.order)) {
      Recurring& recurring = lane.recurring.at(ms(call.order.interval));
      // Only the first result of each order and changes are news.
      tell = call.first_result || !recurring.last || recurring.last->rc != report.result.rc ||
             recurring.last->status != report.result.status;
      if (!call.first_result) report.order = 0;
      recurring.last = report.result;
      if (!report.result.failed()) begin_watch(now, call.order, lane, effects);
    }
    if (tell) {
      if (report.recorded) {
        cib::ResourceHistory& history = history_[resource];
        history.standard = report.standard;
        history.provider = report.provider;
        history.type = report.type;
        cib::record(history, report.result);
      }
      effects.push_back(std::move(report));
    }
  }
  for (Effect& effect : begin_next(now, resource, lane)) effects.push_back(std::move(effect));
  return effects;
}

std::vector<Effect> Executor::tick(Now now) {
  std::vector<Effect> effects;
  for (auto& [resource, lane] : lanes_) {
    for (auto& [interval, recurring] : lane.recurring) {
      if (recurring.next > now.at) continue;
      recurring.next = never;  // set anew when it has ended
      lane.waiting.push_back(Call{0, recurring.order, now.at, {}, false, false});
    }
    for (Effect& effect : begin_next(now, resource, lane)) effects.push_back(std::move(effect));
  }
  return effects;
}

/// Only where monitors recur: what a watch finds is for them to judge.
void Executor::begin_watch(Now now, const Order& order, Lane& lane, std::vector<Effect>& effects) {
  if (order.standard != "ocf" || without_watch_.contains(order.provider + "/" + order.type)) return;
  if (!lane.watch) lane.watch.emplace();
  Watch& watch = *lane.watch;
  if (watch.call != 0 || now.at < watch.next) return;
  watch.call = next_call_++;
  watch.begun = now.at;
  watches_[watch.call] = order.resource;
  effects.push_back(
      BeginWatch{{watch.call, order.standard, order.provider, order.type, "watch", environment_of(order), Duration{}}});
}

void Executor::end_watch(Lane& lane, std::vector<Effect>& effects) {
  if (lane.watch && watches_.erase(lane.watch->call) > 0) effects.push_back(EndWatch{lane.watch->call});
  lane.watch.reset();
}

std::vector<Effect> Executor::watch_ended(Now now, std::uint64_t call, bool offered) {
  const auto known = watches_.find(call);
  if (known == watches_.end()) return {};
  Lane& lane = lanes_.at(known->second);
  watches_.erase(known);
  Watch& watch = *lane.watch;
  watch.call = 0;
  if (!offered) {
    for (const auto& [interval, recurring] : lane.recurring)
      without_watch_.insert(recurring.order.provider + "/" + recurring.order.type);
    return {};
  }
  const bool at_once = now.at - watch.begun < watch_pause_min;
  watch.pause = at_once ? std::clamp(watch.pause * 2, watch_pause_min, watch_pause_max) : Duration{};
  watch.next = now.at + watch.pause;
  for (auto& [interval, recurring] : lane.recurring)
    if (recurring.next != never) recurring.next = now.at;
  return tick(now);
}

std::vector<Effect> Executor::end_watches() {
  std::vector<Effect> effects;
  for (auto& [resource, lane] : lanes_) end_watch(lane, effects);
  return effects;
}

Time Executor::next_deadline() const {
  Time soonest = never;
  for (const auto& [resource, lane] : lanes_) {
    for (const auto& [interval, recurring] : lane.recurring) soonest = std::min(soonest, recurring.next);
  }
  return soonest;
}

void Executor::forget(const ResourceId& resource) {
  history_.erase(resource);
  const auto known = lanes_.find(resource);
  if (known == lanes_.end()) return;
  for (auto& [interval, recurring] : known->second.recurring) recurring.last.reset();
}

void Executor::forget_failures(const ResourceId& resource) {
  const auto known = history_.find(resource);
  if (known == history_.end()) return;
  std::erase_if(known->second.entries, [](const auto& entry) { return entry.second.failed(); });
  if (known->second.entries.empty()) history_.erase(known);
}

std::vector<std::uint64_t> Executor::in_flight() const {
  std::vector<std::uint64_t> orders;
  for (const auto& [resource, lane] : lanes_) {
    const auto add = [&](const Call& call) {
      if (!is_recurring(call.order) && call.order.id != 0 && !call.cancelled) orders.push_back(call.order.id);
    };
    if (lane.running) add(*lane.running);
    for (const Call& call : lane.waiting) add(call);
  }
  return orders;
}

bool Executor::idle() const {
  return calls_.empty();
}

std::vector<Effect> Executor::forget_everything() {
  std::vector<Effect> effects;
  for (auto& [resource, lane] : lanes_) {
    lane.waiting.clear();
    lane.recurring.clear();
    end_watch(lane, effects);
    lane.parameters_in_use.reset();
    if (!lane.running || lane.running->cancelled) continue;
    lane.running->cancelled = true;
    effects.push_back(KillAgent{lane.running->number});
  }
  history_.clear();
  return effects;
}

std::vector<Effect> Executor::stop_everything(Now now) {
  // Newest start first: what came up last depends on what came up before.
  std::vector<std::pair<std::int32_t, ResourceId>> active;
  for (const auto& [resource, history] : history_) {
    std::int32_t started = 0;
    for (const cib::OperationResult* result : cib::in_order(history)) {
      if (result->operation == "stop" && !result->failed()) started = 0;
      const bool runs = result->rc == 0 || result->rc == static_cast<int>(cib::Rc::promoted);
      if (result->operation != "stop" && runs) started = result->call_id;
    }
    if (started != 0) active.emplace_back(started, resource);
  }
  std::ranges::sort(active, std::greater<>{});
  std::vector<Effect> effects;
  for (const auto& [when, resource] : active) {
    const cib::ResourceHistory& history = history_.at(resource);
    Order stop;
    stop.resource = resource;
    stop.operation = "stop";
    stop.standard = history.standard;
    stop.provider = history.provider;
    stop.type = history.type;
    stop.timeout = 20s;
    stop.meta = {{"name", "stop"}, {"timeout", "20000"}};
    for (Effect& effect : order(now, stop)) effects.push_back(std::move(effect));
  }
  return effects;
}

}  // namespace systole::executor

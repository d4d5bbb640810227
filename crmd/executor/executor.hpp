// SPDX-License-Identifier: GPL-2.0-or-later
// The executor of one node: which agent call may run now, recurring monitors, results → history. A pure machine. One
// call at a time per resource, in the order in which they came; different resources in parallel. Behaviour and
// environment follow Pacemaker's executor, so that existing OCF agents run unmodified.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "cib/model/status.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "crmd/executor/holdings.hpp"

namespace systole::executor {

/// What the daemon's own configuration adds to every agent's environment (log facility, paths).
using AgentEnvironment = cib::Pairs;

/// One order from the leader to this node.
struct Order {
  std::uint64_t id = 0;   // the leader's number of it, comes back with the result
  ResourceId resource;    // history id
  std::string operation;  // start stop promote demote monitor notify cancel
  Duration interval{};    // recurring monitor: > 0; for cancel: which one
  std::string standard, provider, type;
  cib::Pairs parameters;  // OCF_RESKEY_…
  cib::Pairs meta;        // OCF_RESKEY_CRM_meta_…
  Duration timeout{};
  std::int32_t expected_rc = 0;
  bool probe = false;
  std::string transition_key;
  bool operator==(const Order&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(id)(resource)(
        operation)(interval)(standard)(provider)(type)(parameters)(meta)(timeout)(expected_rc)(probe)(transition_key);
  }
};

/// How an agent call ended.
struct Outcome {
  std::int32_t rc = 0;                         // exit code; 1 where it did not exit by itself
  cib::OpStatus status = cib::OpStatus::done;  // done, timed_out, not_installed, error (signal, cannot exec)
  std::string exit_reason;                     // text after the last ocf-exit-reason:, or our words
  Duration ran{};
};

// ---- effects
struct RunAgent {
  std::uint64_t call = 0;
  std::string standard, provider, type;  // the shell finds the program: ocf → $OCF_ROOT/resource.d/PROVIDER/TYPE
  std::string action;                    // argv[1]
  cib::Pairs environment;                // complete but for PATH and what the daemon inherits
  Duration timeout{};                    // then SIGKILL to its process group
};
struct KillAgent {  // the call is cancelled: SIGKILL to its process group; AgentDone still comes
  std::uint64_t call = 0;
};
struct BeginWatch {  // the agent's extra action watch, which ends when the resource's health has changed; no time
                     // limit.
  RunAgent run;      // An agent whose meta-data does not name it is not called; WatchEnded says so
};
struct EndWatch {  // SIGKILL; nothing comes of it
  std::uint64_t call = 0;
};
struct Report {  // to the leader: a new history entry; order is 0 for a recurring monitor's later results
  std::uint64_t order = 0;
  std::string standard, provider, type;
  cib::OperationResult result;
  bool recorded = true;  // false: notifications leave no trace in the history
  template <class Archive>
  void fields(Archive& a) {
    a(order)(standard)(provider)(type)(result)(recorded);
  }
};
using Effect = std::variant<RunAgent, KillAgent, BeginWatch, EndWatch, Report>;

class Executor {
 public:
  explicit Executor(AgentEnvironment environment) : environment_(std::move(environment)) {}

  std::vector<Effect> order(Now now, const Order& order);
  std::vector<Effect> done(Now now, std::uint64_t call, const Outcome& outcome);
  std::vector<Effect> tick(Now now);
  /// A watch has ended by itself: whatever the reason, the recurring monitors look at once. offered: the agent has that
  /// action.
  std::vector<Effect> watch_ended(Now now, std::uint64_t call, bool offered);
  /// Before the process becomes its successor, which knows nothing of them. They begin again after the next monitor.
  std::vector<Effect> end_watches();
  Time next_deadline() const;

  /// This node's own history, told to each new leader.
  const std::map<ResourceId, cib::ResourceHistory>& history() const { return history_; }
  /// Forgets history: all of a resource (operation empty), or its failures only. Cleared entries are probed again by
  /// the leader.
  void forget(const ResourceId& resource);
  void forget_failures(const ResourceId& resource);
  bool idle() const;  // no call under way
  /// The lease is over: every call is killed, nothing waits, nothing is remembered. What is active must be probed
  /// again.
  std::vector<Effect> forget_everything();
  Holdings& holdings() { return holdings_; }
  const Holdings& holdings() const { return holdings_; }
  /// Orders (their ids) that run or wait here, without recurring monitors: a new leader waits for their results.
  std::vector<std::uint64_t> in_flight() const;
  /// Stops all that its history says is active, newest first, without a leader's order: for a node that must leave
  /// alone.
  std::vector<Effect> stop_everything(Now now);

 private:
  struct Call {
    std::uint64_t number = 0;  // 0: waits
    Order order;
    Time queued{}, started{};
    bool first_result = true;  // recurring: the first result is always reported
    bool cancelled = false;
  };
  struct Recurring {
    Order order;
    Time next{};
    std::optional<cib::OperationResult> last;
    std::int32_t call_id = 0;
  };
  struct Watch {
    std::uint64_t call = 0;  // 0: it does not run
    Time begun{}, next{};    // next: it does not begin again before
    Duration pause{};        // grows while it ends as soon as it has begun
  };
  struct Lane {  // one resource
    std::optional<Call> running;
    std::deque<Call> waiting;
    std::map<std::int64_t, Recurring> recurring;  // by interval, ms
    std::optional<cib::Pairs> parameters_in_use;
    std::optional<Watch> watch;
  };

  static void remember_parameters(Lane& lane, const Order& order, const Outcome& outcome, bool failed);
  std::vector<Effect> begin_next(Now now, const ResourceId& resource, Lane& lane);
  std::vector<Effect> cancel(Now now, const Order& order, Lane& lane);
  void cancel_all_recurring(std::vector<Effect>& effects, Lane& lane);
  void begin_watch(Now now, const Order& order, Lane& lane, std::vector<Effect>& effects);
  void end_watch(Lane& lane, std::vector<Effect>& effects);
  Report finished(Now now, Call& call, const Outcome& outcome, Lane& lane);
  cib::Pairs environment_of(const Order& order) const;

  AgentEnvironment environment_;
  Holdings holdings_;
  std::map<ResourceId, Lane> lanes_;
  std::map<ResourceId, cib::ResourceHistory> history_;
  std::map<std::uint64_t, ResourceId> calls_;    // running calls
  std::map<std::uint64_t, ResourceId> watches_;  // running ones
  std::set<std::string> without_watch_;          // PROVIDER/TYPE whose meta-data names no such action
  std::uint64_t next_call_ = 1;
  std::int32_t next_call_id_ = 1;
};

}  // namespace systole::executor

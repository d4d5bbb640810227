// SPDX-License-Identifier: GPL-2.0-or-later
// A transition under way: which of its actions may begin, which run, which are over. It obeys the order that the
// scheduler drew and nothing else: an action begins when all that must have succeeded before it has, and all that must
// merely be over is.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/time.hpp"
#include "crmd/scheduler/scheduler.hpp"

namespace systole::controller {

class Run {
 public:
  explicit Run(scheduler::Transition transition);

  /// Actions that may begin now; they count as running from here on. Pseudo actions are passed by itself.
  std::vector<const scheduler::Action*> next(Time now);
  void ended(int action, bool success);
  /// No further action begins, but what has been done is still announced (post notifications); what runs is awaited.
  void abort(std::string reason);
  /// Actions that run on a lost node will never report: they count as failed.
  void node_lost(const NodeName& node);
  /// Running actions whose deadline (their timeout and the slack for the network) has passed: lost somewhere.
  std::vector<int> overdue(Time now) const;
  Time next_deadline() const;

  bool done() const;  // nothing runs, and nothing more can begin
  bool failed() const { return failed_; }
  bool aborted() const { return !abort_reason_.empty(); }
  const std::string& abort_reason() const { return abort_reason_; }
  const scheduler::Action& action(int id) const { return transition_.actions[static_cast<std::size_t>(id)]; }
  /// "start vip on n1 (0.3 s)"
  std::vector<std::string> under_way(Time now) const;

 private:
  enum class State { waits, runs, succeeded, failed };
  bool may_begin(const scheduler::Action& action) const;
  bool still_wanted(const scheduler::Action& action) const;
  State state(int id) const { return states_[static_cast<std::size_t>(id)]; }
  void skip_hopeless();

  scheduler::Transition transition_;
  std::vector<State> states_;
  struct Started {
    Time at{}, overdue{};
  };
  std::map<int, Started> running_;
  bool failed_ = false;
  std::string abort_reason_;
};

}  // namespace systole::controller

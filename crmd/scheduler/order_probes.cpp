// SPDX-License-Identifier: GPL-2.0-or-later
// What waits for probes. A start waits for them because they may find the resource somewhere. So does the stop of
// whatever would be restarted by that start: they may find that it need not be.
#include <algorithm>

#include "common/base/text.hpp"
#include "crmd/scheduler/order.hpp"

namespace systole::scheduler {

namespace {

/// Follows a start to all that it makes start again.
class Restarts {
 public:
  explicit Restarts(Plan& plan) : plan_(plan), out_(plan.acts.size()), seen_for_(plan.acts.size()) {
    for (std::size_t at = 0; at < plan.edges.size(); ++at) out_[plan.edges[at].first->index].push_back(at);
  }

  void wait_for(Act& probe) {
    probe_ = &probe;
    for (const std::size_t at : out_[probe.index]) {
      Act& up = *plan_.edges[at].then;
      if ((up.task == Task::start || up.task == Task::promote) && within(*probe.item, *up.item)) visit(up);
    }
  }

 private:
  void visit(Act& after) {
    std::vector<Act*> open{&after};
    while (!open.empty()) {
      Act& act = *open.back();
      open.pop_back();
      if (seen_for_[act.index] == probe_) continue;
      seen_for_[act.index] = probe_;
      if (act.item->leaf() && act.item != probe_->item) hold(act);
      for (const std::size_t at : out_[act.index])
        if (goes_on(plan_.edges[at])) open.push_back(plan_.edges[at].then);
    }
  }

  void hold(const Act& up) {
    if (up.task != Task::start && up.task != Task::promote) return;
    for (Act* down : find_acts(*up.item, opposite(up.task)))
      if (!down->pseudo) add_edge(plan_, *probe_, *down, edge::order);
  }

  bool goes_on(const Edge& each) const {
    if ((each.flags & edge::implies_then) != 0) return true;
    const Item &from = *each.first->item, &to = *each.then->item;
    if (each.first->task == Task::boundary || each.then->task == Task::boundary) return false;
    if (from.parent == &to) return each.then->task == completion(each.first->task);  // its end implies the whole's
    if (from.leaf() || to.parent != &from || to.kind == Kind::clone || probe_->item->parent == &from) return false;
    return from.kind != Kind::clone || !from.interleave || instance_at(from, probe_->item->allocated) == &to;
  }

  Plan& plan_;
  std::vector<std::vector<std::size_t>> out_;
  std::vector<const Act*> seen_for_;  // by act: the probe for which it was seen last
  Act* probe_ = nullptr;
};

}  // namespace

/// A clone's instances are alike: none starts before all nodes have answered, and none that runs already is promoted,
/// because a node that was not asked yet may have a promoted one. The latter Pacemaker does not wait for.
void create_probe_orders(Plan& plan) {
  for (Item& item : plan.items) {
    if (!item.leaf()) continue;
    for (Act* probe : find_acts(item, Task::probe)) {
      Item* clone = clone_of(item);
      for (const Task task : {Task::start, Task::promote, Task::reload}) {
        if (task == Task::promote && plan.view.whole) continue;
        for (Act* up : find_acts(clone != nullptr ? *clone : item, task)) add_edge(plan, *probe, *up, edge::order);
      }
    }
  }
}

void create_probe_restarts(Plan& plan) {
  Restarts restarts(plan);
  for (std::size_t at = 0; at < plan.acts.size(); ++at)
    if (plan.acts[at].task == Task::probe) restarts.wait_for(plan.acts[at]);
}

}  // namespace systole::scheduler

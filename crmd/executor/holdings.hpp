// SPDX-License-Identifier: GPL-2.0-or-later
// What this node may hold: every resource that an agent may have started and that nothing has shown to be off since.
// The guardian must know it before an agent runs: it is what has to be dropped and killed when the lease is over.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.hpp"

namespace systole::executor {

struct Order;
struct Outcome;

/// The result of a monitor after which something may run: also one that failed to tell.
bool shows_that_it_is_on(const Order& order, const Outcome& outcome);

struct Held {
  ResourceId resource;
  std::vector<std::string> addresses;  // that its agent puts on an interface: IP literals
  bool operator==(const Held&) const = default;
};

class Holdings {
 public:
  /// An agent is about to run.
  void begins(const Order& order);
  void ended(const Order& order, const Outcome& outcome);
  /// What an earlier life of this daemon may have left.
  void inherit(std::vector<Held> held);
  /// All was dropped.
  void clear();

  bool empty() const { return held_.empty(); }
  std::vector<Held> list() const;
  /// The list is another one than at the last call.
  bool take_changed() { return std::exchange(changed_, false); }

 private:
  void hold(const Order& order);
  std::map<ResourceId, Held> held_;
  bool changed_ = false;
};

}  // namespace systole::executor

// SPDX-License-Identifier: GPL-2.0-or-later
// See holdings.hpp.
#include "crmd/executor/holdings.hpp"

#include <utility>

#include "crmd/executor/executor.hpp"

namespace systole::executor {

namespace {

/// Address agents of this project and of the resource-agents package, and the parameter that names the address.
std::vector<std::string> addresses_of(const Order& order) {
  std::vector<std::string> found;
  if (!order.type.starts_with("IPaddr") && !order.type.starts_with("IPv6addr")) return found;
  for (const char* const name : {"ip", "ipv6addr"})
    if (const auto value = order.parameters.find(name); value != order.parameters.end())
      found.push_back(value->second.substr(0, value->second.find('/')));
  return found;
}

bool may_start_something(const Order& order) {
  return order.operation != "monitor" && order.operation != "notify" && order.operation != "stop" &&
         order.operation != "cancel";
}

/// An answer that shows that nothing runs: the agent's own, not that of a call that failed to tell.
bool shows_that_it_is_off(const Order& order, const Outcome& outcome) {
  if (outcome.status == cib::OpStatus::not_installed) return true;
  if (outcome.status != cib::OpStatus::done) return false;
  if (order.operation == "stop") return outcome.rc == 0;
  return order.operation == "monitor" && outcome.rc == static_cast<int>(cib::Rc::not_running);
}

}  // namespace

bool shows_that_it_is_on(const Order& order, const Outcome& outcome) {
  return order.operation == "monitor" && !shows_that_it_is_off(order, outcome) &&
         outcome.status != cib::OpStatus::cancelled;
}

void Holdings::hold(const Order& order) {
  Held now{order.resource, addresses_of(order)};
  const auto known = held_.find(order.resource);
  if (known != held_.end() && (known->second == now || now.addresses.empty())) return;
  // A changed address must not make us forget the one that is still there.
  if (known != held_.end())
    for (const std::string& address : known->second.addresses)
      if (address != now.addresses.front()) now.addresses.push_back(address);
  changed_ = changed_ || known == held_.end() || known->second != now;
  held_[order.resource] = std::move(now);
}

void Holdings::begins(const Order& order) {
  if (may_start_something(order)) hold(order);
}

void Holdings::ended(const Order& order, const Outcome& outcome) {
  if (shows_that_it_is_on(order, outcome)) return hold(order);
  if (shows_that_it_is_off(order, outcome) && held_.erase(order.resource) > 0) changed_ = true;
}

void Holdings::inherit(std::vector<Held> held) {
  for (Held& one : held) {
    const ResourceId resource = one.resource;
    changed_ = held_.try_emplace(resource, std::move(one)).second || changed_;
  }
}

void Holdings::clear() {
  changed_ = changed_ || !held_.empty();
  held_.clear();
}

std::vector<Held> Holdings::list() const {
  std::vector<Held> list;
  for (const auto& [resource, held] : held_) list.push_back(held);
  return list;
}

}  // namespace systole::executor

// SPDX-License-Identifier: GPL-2.0-or-later
// See conversation.hpp.
#include "crmd/guardian/conversation.hpp"

#include <algorithm>

namespace systole::guardian {

std::vector<FromCrmd> Conversation::hold(std::vector<Holding> holdings) {
  held_ = std::move(holdings);
  ++number_;
  std::vector<FromCrmd> said;
  if (ready_) said.emplace_back(HoldList{number_, *held_});
  return said;
}

std::vector<FromCrmd> Conversation::done() {
  held_.reset();
  std::vector<FromCrmd> said;
  if (ready_) said.emplace_back(std::in_place_type<CrmdDone>);  // g++ 12 takes a temporary for uninitialized
  return said;
}

bool Conversation::meet(const State& state) {
  ready_ = true;
  told_at_meeting_ = number_;
  if (std::exchange(met_, true)) return false;
  // A list that was made before anybody knew of them would let them go.
  for (const Holding& left : state.holdings)
    if (held_ && std::ranges::find(*held_, left.resource, &Holding::resource) == held_->end()) held_->push_back(left);
  return true;
}

std::vector<FromCrmd> Conversation::follow_up(const State& state) {
  std::vector<FromCrmd> said;
  if (state.laddered) said.emplace_back(std::in_place_type<HeardNews>);
  // Unless a newer list was said since.
  if (held_ && number_ == told_at_meeting_) said.emplace_back(HoldList{number_, *held_});
  return said;
}

State state_of(const Guardian& guardian, pid_t pid, std::string watchdog) {
  State state;
  state.pid = pid;
  state.until = guardian.until();
  state.watchdog = std::move(watchdog);
  state.laddered = guardian.unheard();
  state.holdings = guardian.holdings();
  return state;
}

}  // namespace systole::guardian

// SPDX-License-Identifier: GPL-2.0-or-later
// What crmd says to its guardian and when, and which agents must wait for an answer: pure. Sockets, processes and time
// are the shell's (crmd/io/guardian_client).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crmd/guardian/protocol.hpp"

namespace systole::guardian {

/// crmd's end. Each function that returns messages returns what has to be said now, in this order.
class Conversation {
 public:
  std::vector<FromCrmd> connected() const { return {Hello{}}; }
  void lost() { ready_ = false; }

  /// All that is held from now on. Without a guardian it is said when there is one.
  std::vector<FromCrmd> hold(std::vector<Holding> holdings);
  /// crmd ends in order and nothing is held.
  std::vector<FromCrmd> done();

  /// The answer to Hello. True: the first guardian of this crmd's life; what it holds is what an earlier crmd left, to
  /// be adopted.
  bool meet(const State& state);
  std::vector<FromCrmd> follow_up(const State& state);
  void accepted(const Ack& ack) { accepted_ = ack.number; }

  /// No list is under way: every agent may run. Else one might start what nobody would end.
  bool all_accepted() const { return accepted_ >= number_; }
  bool ready() const { return ready_; }
  bool holds_something() const { return held_ && !held_->empty(); }
  /// Of the newest list; 0: there was none.
  std::uint64_t number() const { return number_; }

 private:
  std::optional<std::vector<Holding>> held_;
  std::uint64_t number_ = 0, accepted_ = 0, told_at_meeting_ = 0;
  bool ready_ = false, met_ = false;
};

/// The guardian's answer to Hello.
State state_of(const Guardian& guardian, pid_t pid, std::string watchdog);

}  // namespace systole::guardian

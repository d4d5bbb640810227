// SPDX-License-Identifier: GPL-2.0-or-later
// The resident helper's decisions, as a machine without I/O. One helper lives from start to stop: it makes the later
// announcements, hears whether somebody else claims the address, and notices at once when the address or its link is
// lost. It never adds an address and never fights for one: what it sees goes into a state file, which monitor and watch
// read, and to the cluster manager, which decides.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/ocf/IPaddr/frames.hpp"
#include "agents/ocf/IPaddr/plan.hpp"
#include "common/base/time.hpp"

namespace systole::agents::ipaddr {

/// What the state file holds; times of CLOCK_BOOTTIME.
struct ResidentState {
  int announced = 0, planned = 0;    // announcements made, and wanted
  std::string failure = {};          // of the last announcement; empty: it went out
  std::optional<Mac> conflict = {};  // who else claims the address
  Verdict health{};                  // of address and link, as monitor would judge
  bool operator==(const ResidentState&) const = default;
};
std::string to_text(const ResidentState& state);
/// Lines that are not understood are skipped: a monitor must not fail because of a file.
ResidentState parse_resident_state(std::string_view text);

/// The health that follows from the state: a conflict is a failure of the address.
Verdict judge_state(const ResidentState& state, const Options& options);

struct ResidentEvent {
  std::optional<Verdict> looked = {};         // address and link were looked at
  bool there = true;                          // with looked: the address is on this machine
  std::optional<Claim> heard = {};            // a frame of somebody else about the address
  std::optional<std::string> announced = {};  // an announcement was tried; text: why it failed
};

struct ResidentEffects {
  bool announce = false, probe = false;
  bool write = false;   // the state changed
  bool report = false;  // a new fault, for the manager
  bool end = false;     // nothing is left to watch
};

class Resident {
 public:
  /// announcements: when, counted from `begin`; the first was made by start itself.
  Resident(const Options& options, std::vector<Duration> announcements, Time begin);

  ResidentEffects step(Time now, const ResidentEvent& event);
  /// When step() has to be called without an event.
  Time wake_at() const;
  const ResidentState& state() const { return state_; }

 private:
  void take_in(Time now, const ResidentEvent& event);
  void plan_again(Time now);
  void due(Time now, ResidentEffects& effects);

  Options options_;
  std::vector<Duration> schedule_;
  Time begin_, schedule_begin_;
  std::size_t next_ = 1;  // of schedule_
  int probes_left_ = 0;   // of the fast ones after begin, or since the last claim
  Time probe_at_{};
  std::optional<Time> gone_since_;  // the address
  std::optional<Time> report_at_;   // a fault waits to be told
  bool fault_known_ = false;
  ResidentState state_;
};

}  // namespace systole::agents::ipaddr

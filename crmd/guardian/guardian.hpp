// SPDX-License-Identifier: GPL-2.0-or-later
// What is done with a node's resources when its lease ends and crmd has not renewed it: a pure machine. It lives in a
// process of its own, so that crmd may hang, be stopped or be killed. It knows when the lease ends and what this node
// holds, and decides when the ladder is climbed (drop the addresses, kill the processes, look whether all is gone) and
// whether the watchdog is still petted. It does not know what a resource is good for, and starts nothing.
//
//   no lease known ──LeaseUntil──▶ lease valid ──its end, something held──▶ ladder ──all gone──▶ nothing held
//                                     ▲    ▲                                 │   ▲
//                                     │    └──────────────LeaseUntil─────────┼───┼──(from: nothing held)
//                                     └─its end, nothing held (lapsed)       └───┘ every 100 ms while something is left
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.hpp"

namespace systole::guardian {

/// What one resource has on this node that must not outlive the lease.
struct Holding {
  std::string resource;                // its name, for people
  std::vector<std::string> addresses;  // IPv4 or IPv6, "10.0.0.5"; removed from whatever interface has them
  std::string cgroup;                  // its folder in the cgroup2 file system; "": none
  std::vector<pid_t> groups;           // process groups
  std::vector<std::string> pid_files;  // of servers that made a group of their own
  bool operator==(const Holding&) const = default;
};

/// What came of a ladder, for crmd and for people.
struct Laddered {
  Time at{};  // when the lease was seen to have ended
  bool all_gone = false;
  std::string text;
  bool operator==(const Laddered&) const = default;
};

// ---- events
struct Tick {};  // the time that next_deadline() named has come
/// The lease ends then. An earlier end than the one known is ignored: a renewal may overtake one that was sent before
/// it.
struct LeaseUntil {
  Time until;
};
/// All that is held, in place of what was held before. While a ladder is climbed it is remembered and counts after it.
struct Hold {
  std::vector<Holding> holdings;
  std::uint64_t number = 0;  // comes back in Accept
};
/// What the guardian before this one held when it was killed: it is held still. Comes first, with the lease.
struct Remembered {
  std::vector<Holding> holdings;
};
/// There is a watchdog from now on. Not while a ladder is climbed: to open its device is to pet it.
struct Armed {
  Duration timeout{};
};
struct CrmdHere {};  // it introduced itself
struct CrmdGone {};  // its connection ended
struct Heard {};     // crmd has read the news of the last ladder
struct Done {};      // crmd ended in order: nothing is held any more
struct Asked {       // somebody asked this process to end
  std::string by;    // "SIGTERM"
};
struct Unreachable {  // the way to this process is gone, and so no crmd can come any more
  std::string why;    // "/run/systole/guardian.sock does not exist any more"
};
struct Climbed {  // the answer to Climb
  bool all_gone = false;
  std::string what_is_left;
};
using Event = std::variant<Tick, LeaseUntil, Hold, Remembered, Armed, CrmdHere, CrmdGone, Heard, Done, Asked,
                           Unreachable, Climbed>;

// ---- effects
struct Climb {
  std::vector<Holding> holdings;
};
/// The list of that number is what counts now, and the lease is not over. A list that comes when it is over is never
/// accepted: it is ended at once. So whoever waits for this before it starts something starts nothing unguarded.
struct Accept {
  std::uint64_t number;
};
/// All that has to be ended at the end of the lease, where the next guardian finds it if this one is killed. Comes
/// before Accept: there is no moment in which a killed guardian takes with it what somebody relies on.
struct Remember {
  std::vector<Holding> holdings;
};
struct Pet {};      // the watchdog
struct LetBite {};  // it is not petted until all is gone: else the machine is reset
struct Tell {       // to the crmd that is here
  Laddered news;
};
struct Note {  // one line for the log
  enum class Level { info, notice, warning, error } level = Level::info;
  std::string text;
};
struct Exit {};
using Effect = std::variant<Climb, Accept, Remember, Pet, LetBite, Tell, Note, Exit>;

struct Settings {
  Duration watchdog_timeout{};  // zero: there is no watchdog
  /// How long a ladder may leave something behind before the watchdog is no longer petted.
  Duration watchdog_patience = 1s;
};

inline constexpr Duration climb_again_after = 100ms;
inline constexpr Duration lease_longest = 1h;

class Guardian {
 public:
  explicit Guardian(Settings settings = {}) : settings_(settings) {}

  std::vector<Effect> step(Time now, const Event& event);
  /// When the next Tick is due; never: nothing is to be done without an event.
  Time next_deadline() const;
  /// The lease's end as it is known, where something is to be ended then; else never.
  Time lease_end() const { return until_ && !holdings_.empty() && !ladder_ ? *until_ : never; }
  /// When it looks at the page and ticks at the latest, but for the lease's end: a renewal is a store into memory,
  /// which wakes nobody.
  Time looks_at(Time now) const;
  Time wake_at(Time now) const { return std::min(looks_at(now), lease_end()); }

  const std::vector<Holding>& holdings() const { return holdings_; }
  std::optional<Time> until() const { return until_; }  // none: no lease has been known
  /// The last ladder, while no crmd has said that it heard of it.
  const std::optional<Laddered>& unheard() const { return unheard_; }
  bool on_ladder() const { return ladder_.has_value(); }
  bool let_bite() const { return biting_; }

 private:
  struct Ladder {
    Time began, again;
    bool climbing = true;  // Climb was given and not answered
    bool told = false;     // that something is left
    std::string left;      // what was left at the last climb
  };

  void take(Time, const Tick&) {}
  void take(Time now, const LeaseUntil& event);
  void take(Time now, const Hold& event);
  void take(Time now, const Remembered& event);
  void take(Time now, const Armed& event);
  void take(Time now, const CrmdHere&);
  void take(Time now, const CrmdGone&);
  void take(Time now, const Heard&);
  void take(Time now, const Done&);
  void take(Time now, const Asked& event);
  void take(Time now, const Unreachable& event);
  void take(Time now, const Climbed& event);
  void act(Time now);
  void remember();
  Time own_deadline() const;
  bool lease_is_over(Time now) const { return until_ && *until_ <= now; }
  bool has_watchdog() const { return settings_.watchdog_timeout > Duration{} && !biting_; }
  void report(Laddered news);
  void note(Note::Level level, std::string text) { out_.push_back(Note{level, std::move(text)}); }

  Settings settings_;
  std::vector<Holding> holdings_;
  std::optional<std::vector<Holding>> held_meanwhile_;  // came while a ladder was climbed
  std::optional<std::uint64_t> to_accept_;              // the newest list's number
  std::optional<Time> until_;
  std::optional<Ladder> ladder_;
  std::optional<Laddered> unheard_;
  Time pet_at_{};
  bool was_over_ = false;  // the lease, when it was last looked at: a renewal is seen only then
  bool crmd_here_ = false, leaving_ = false, biting_ = false;
  bool holds_others_ = false;  // than what was given to be remembered
  std::vector<Effect> out_;
};

/// "vip, db"; "nothing" for none.
std::string names_of(const std::vector<Holding>& holdings);

}  // namespace systole::guardian

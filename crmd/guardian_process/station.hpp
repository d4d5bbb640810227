// SPDX-License-Identifier: GPL-2.0-or-later
// The guardian's shell: one loop over a timer, the signals, the socket and its connections. It turns what it hears into
// events for the pure machine and performs its effects; it decides nothing. Nothing in it waits but poll().
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/handles.hpp"
#include "common/log/log.hpp"
#include "crmd/guardian/conversation.hpp"
#include "crmd/guardian_process/held_file.hpp"
#include "crmd/guardian_process/ladder.hpp"
#include "crmd/guardian_process/lease_file.hpp"
#include "crmd/guardian_process/watchdog.hpp"

namespace systole::guardian {

struct WatchdogSetup {
  std::string device;  // "": none
  std::chrono::seconds timeout{5};
};

class Station {
 public:
  /// The caller holds the run directory's lock: a socket file found there is a dead guardian's.
  static Result<std::unique_ptr<Station>> open(const std::string& run_directory, WatchdogSetup watchdog, Log& log);
  /// Until the machine says Exit.
  void run();

 private:
  struct Connection {
    Fd socket;
    pid_t pid = 0;
    bool greeted = false;  // it said hello: this is crmd
  };

  Station(LeaseFile page, HeldFile held, Ladder ladder, WatchdogSetup watchdog, Log& log);
  Result<void> listen(const std::string& path);
  Result<void> make_timer_and_signals();
  void recall();
  void arm();
  void set_timers();
  void wait();
  void look_at_page();
  void look_for_own_socket();
  bool is_own_socket_there() const;
  void take_signal();
  void let_in();
  void read(Connection& connection);
  void take(Connection& connection, const FromCrmd& message);
  void take_hello(Connection& connection, const Hello& hello);
  void take_list(const HoldList& list);
  void leave(Connection& connection);
  void send(const Connection& connection, const FromGuardian& message, int with = -1);
  Connection* crmd();

  void put(Event event);
  void perform(const Climb& effect);
  void perform(const Accept& effect);
  void perform(const Remember& effect);
  void perform(const Pet&) { watchdog_.pet(); }
  void perform(const LetBite&) {}  // no Pet comes while something is left, and nobody disarms it
  void perform(const Tell& effect);
  void perform(const Note& effect);
  void perform(const Exit&) { ending_ = true; }

  Log& log_;
  LeaseFile page_;
  HeldFile held_;
  Ladder ladder_;
  WatchdogSetup wanted_;
  Watchdog watchdog_;
  Guardian guardian_;
  Fd listener_, timer_, signals_;
  Fd lease_end_;                        // a timer that crmd has as well
  std::deque<Connection> connections_;  // a deque: references stay valid while another is let in
  std::deque<Event> inbox_;
  std::string buffer_, socket_path_;
  ino_t socket_inode_ = 0;  // another guardian may have made a socket in its place
  bool stepping_ = false, ending_ = false;
};

}  // namespace systole::guardian

// SPDX-License-Identifier: GPL-2.0-or-later
// crmd's end of the guardian (crmd/guardian): starts it where none answers, keeps it alive, tells it what this node
// holds and feeds it the lease. The guardian is no child that dies with us: it is in a session of its own, and the next
// crmd finds it by its socket. One that ends, or stops to stamp the page while something is held, is replaced at once
// by a new one, which is told everything again.
//
// Order matters: feed() before the first hold(), or what is held is ended at once if an earlier lease has lapsed; and
// an agent may only be started when on_held() came for the list that has its resource in it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/handles.hpp"
#include "common/log/log.hpp"
#include "crmd/guardian/conversation.hpp"
#include "crmd/guardian/lease_page.hpp"

namespace systole::io {

struct GuardianSettings {
  std::string run_directory;
  std::string program = {};   // "": find_guardian()
  std::string watchdog = {};  // its device; "": none
  std::chrono::seconds watchdog_timeout{5};
};

/// systole-guardian: $SYSTOLE_GUARDIAN, beside this program, or where the build tree has it; "": nowhere.
std::string find_guardian();

class GuardianClient {
 public:
  struct Callbacks {
    /// A guardian is there. first: the first of this crmd's life; its holdings are our predecessor's, to be adopted or
    /// let go. laddered: what happened while nobody heard it. Comes again after each reconnection.
    std::function<void(const guardian::State&, bool first)> on_state;
    /// The lease ended and the guardian acted. Comes at most twice for one ladder: something is left; all is gone.
    /// After that nothing is held but what was given to hold() meanwhile.
    std::function<void(const guardian::Laddered&)> on_laddered;
    /// The guardian holds the list of that number, and the lease lasts. For a list that came too late this never comes,
    /// but on_laddered().
    std::function<void(std::uint64_t number)> on_held;
  };

  /// Connects, or starts a guardian, at once; callbacks come from the io_context. log must outlive it.
  GuardianClient(boost::asio::io_context& context, GuardianSettings settings, Log& log, Callbacks callbacks);
  /// Leaves the guardian as it is: what is held is ended when the lease ends.
  ~GuardianClient();
  GuardianClient(const GuardianClient&) = delete;
  GuardianClient& operator=(const GuardianClient&) = delete;

  /// The lease lasts until then (CLOCK_BOOTTIME), an hour from now at most. An earlier time than before is ignored, so
  /// a mode without leases is fed short ones again and again, not one long one that outlives the mode. Never blocks.
  /// On the io_context's thread, like all of this class.
  void feed(Time until);
  /// All that this node holds now, in place of what it held; the number that on_held() will name.
  std::uint64_t hold(std::vector<guardian::Holding> holdings);
  /// crmd ends in order and nothing is held: the guardian ends too.
  void done();

  /// A guardian has answered and is connected.
  bool ready() const { return talk_.ready(); }
  /// Every list was accepted: agents may run.
  bool all_accepted() const { return talk_.all_accepted(); }
  /// Its process; 0: none is connected.
  pid_t pid() const { return pid_; }

 private:
  struct Unmap {
    void operator()(guardian::LeasePage* page) const;
  };

  void connect();
  void connect_after(std::chrono::milliseconds delay);
  bool try_to_connect();
  void spawn();
  void look_after_child();
  void map_page();
  void listen();
  void receive();
  ssize_t receive_datagram();
  void tell_lease();
  void take(const guardian::State& state);
  void take(const guardian::Ack& ack);
  void take(const guardian::LadderedNews& news);
  void say(const std::vector<guardian::FromCrmd>& messages);
  void send(const guardian::FromCrmd& message);
  void lost(const std::string& why);
  void check_soon();
  void check();
  void kill_it(const std::string& why);

  GuardianSettings settings_;
  Log& log_;
  Callbacks callbacks_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer retry_, check_;
  Fd process_;         // pidfd of the connected guardian
  Fd lease_end_;       // its timer; none: it is of a release that wakes for each lease it knew
  pid_t pid_ = 0;      // the connected one
  pid_t child_ = 0;    // the one that we started and have not reaped
  Time spawn_at_{};    // not before
  Time trying_since_;  // without a guardian
  Time fresh_at_{};    // when we last had a reason to expect a stamp from then on
  Time checked_by_feed_{};
  int stale_ = 0;  // checks in a row that found it silent
  bool ending_ = false, complained_ = false;
  std::unique_ptr<guardian::LeasePage, Unmap> page_;
  Time until_{};
  guardian::Conversation talk_;
  std::string broken_;  // why the connection has to be given up; ""
  std::string buffer_;
};

}  // namespace systole::io

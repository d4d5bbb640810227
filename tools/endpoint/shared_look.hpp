// SPDX-License-Identifier: GPL-2.0-or-later
// Many health checks, few looks: who asks gets what the last look saw if that began less than `fresh` ago, else waits
// for the next one, together with all others. One look at a time, on a thread of its own; a look that hangs costs
// nobody more than `patience`.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <optional>
#include <vector>

#include "tools/endpoint/seen.hpp"

namespace systole::endpoint {

class SharedLook {
 public:
  using Look = std::function<Seen()>;  // on the other thread; it may take its time
  using Receiver = std::function<void(const Seen&)>;
  struct Rules {
    Duration fresh = 100ms;
    Duration patience = 1200ms;
  };

  /// told: hears the outcome of every look. All callbacks come in the context's thread, which is also the one that
  /// asks.
  SharedLook(boost::asio::io_context& context, Rules rules, Look look, Receiver told);

  /// The answer comes at once or later, always within patience.
  void ask(Receiver receiver);
  /// Of looks begun; for tests.
  unsigned looks() const { return looks_; }

 private:
  void begin();
  void end(Seen seen);
  void give_up();
  void answer_all(const Seen& seen);

  boost::asio::io_context& context_;
  const Rules rules_;
  const Look look_;
  const Receiver told_;
  std::optional<Seen> seen_;
  Time began_{};  // the look that is under way, or was the last one
  Time seen_at_{};
  bool looking_ = false;
  unsigned looks_ = 0;
  std::vector<Receiver> waiting_;
  boost::asio::steady_timer bound_;
  boost::asio::thread_pool worker_{1};  // last: it ends first, and with it what uses the others
};

}  // namespace systole::endpoint

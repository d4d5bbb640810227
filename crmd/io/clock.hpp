// SPDX-License-Identifier: GPL-2.0-or-later
// The clocks and the one alarm. CLOCK_BOOTTIME goes on while the machine sleeps: a node that wakes up knows at once
// that its peers must have given it up. The alarm is a timerfd of that clock and not an Asio timer, which would be late
// by the length of the sleep.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>

#include "common/base/time.hpp"

namespace systole::io {

Time boot_time();
Now present();

class Alarm {
 public:
  /// ring is called on the io_context's thread whenever the set time has come.
  Alarm(boost::asio::io_context& context, std::function<void()> ring);
  /// Replaces the time that was set before; never: no alarm. A time in the past rings at once.
  void set(Time at);

 private:
  void listen();

  boost::asio::posix::stream_descriptor timer_;
  std::function<void()> ring_;
  Time set_ = never;
};

}  // namespace systole::io

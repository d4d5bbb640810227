// SPDX-License-Identifier: GPL-2.0-or-later
// See clock.hpp. The descriptor's number of expirations is read only to make it quiet again.
#include "crmd/io/clock.hpp"

#include <time.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "common/base/timer.hpp"

namespace systole::io {
namespace {

int need_timer() {
  const int fd = make_timer();
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
  return fd;
}

}  // namespace

Time boot_time() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return Time{std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)};
}

Now present() {
  return {boot_time(), static_cast<std::int64_t>(::time(nullptr))};
}

Alarm::Alarm(boost::asio::io_context& context, std::function<void()> ring)
    : timer_(context, need_timer()), ring_(std::move(ring)) {
  listen();
}

void Alarm::set(Time at) {
  if (at == set_) return;
  set_ = at;
  set_timer(timer_.native_handle(), at);
}

void Alarm::listen() {
  timer_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;  // the io_context is going
    std::uint64_t expirations = 0;
    const bool rang = ::read(timer_.native_handle(), &expirations, sizeof expirations) > 0;
    listen();
    if (!rang) return;  // set anew in the meantime
    set_ = never;
    ring_();
  });
}

}  // namespace systole::io

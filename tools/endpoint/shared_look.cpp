// SPDX-License-Identifier: GPL-2.0-or-later
// See shared_look.hpp.
#include "tools/endpoint/shared_look.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "agents/sql/deadline.hpp"

namespace systole::endpoint {

SharedLook::SharedLook(boost::asio::io_context& context, Rules rules, Look look, Receiver told)
    : context_(context), rules_(rules), look_(std::move(look)), told_(std::move(told)), bound_(context) {}

void SharedLook::ask(Receiver receiver) {
  if (seen_ && boot_time() - seen_at_ < rules_.fresh) return receiver(*seen_);
  waiting_.push_back(std::move(receiver));
  if (waiting_.size() == 1) {
    bound_.expires_after(rules_.patience);
    bound_.async_wait([this](const boost::system::error_code& ended) {
      if (!ended) give_up();
    });
  }
  if (!looking_) begin();
}

void SharedLook::begin() {
  looking_ = true;
  began_ = boot_time();
  ++looks_;
  boost::asio::post(worker_, [this] {
    auto seen = std::make_shared<Seen>(look_());
    boost::asio::post(context_, [this, seen] { end(std::move(*seen)); });
  });
}

void SharedLook::end(Seen seen) {
  looking_ = false;
  seen_ = std::move(seen);
  seen_at_ = began_;
  bound_.cancel();
  told_(*seen_);
  answer_all(*seen_);
}

/// The look is late. It goes on, and who comes later waits for it, or for as long as these have.
void SharedLook::give_up() {
  if (bound_.expiry() > std::chrono::steady_clock::now()) return;  // that was meant for those before these
  Seen late = seen_.value_or(Seen{});
  late.silence = fmt::format("nothing could be learnt of the server for {} ms", to_ms(boot_time() - began_));
  late.writable = false;
  late.stream.reset();
  answer_all(late);
}

void SharedLook::answer_all(const Seen& seen) {
  for (const Receiver& receiver : std::exchange(waiting_, {})) receiver(seen);
}

}  // namespace systole::endpoint

// SPDX-License-Identifier: GPL-2.0-or-later
// See host.hpp.
#include "common/invite/host.hpp"

#include <fmt/format.h>

#include "common/base/ensure.hpp"

namespace systole::invite {

Host::Heard Host::fail(std::string why) {
  state_ = State::over;
  Heard heard;
  heard.event = Event{What::failed, {}, std::move(why)};
  return heard;
}

Host::Heard Host::troubled(const Channel::Heard& heard) {
  switch (*heard.trouble) {
    case Channel::Trouble::version: {
      // Our hello tells the other side our version; it has the same sentence to say.
      Heard answer =
          fail(fmt::format("it speaks version {} of the joining protocol, and this node version {}: install "
                           "the same version of Systole on both",
                           heard.version, protocol_version));
      answer.reply = channel_.hello();
      return answer;
    }
    case Channel::Trouble::protocol:
    case Channel::Trouble::no_token:
      return fail("what came was no part of a 'systole join'");
    case Channel::Trouble::token: {
      if (state_ != State::waiting_for_request) return fail("what came was changed on its way");
      state_ = State::over;
      Heard answer;
      answer.reply = Channel::no_such_token();
      answer.event = Event{What::wrong_token, {}, "it has another token"};
      return answer;
    }
  }
  return fail("");
}

Host::Heard Host::understand(const Message& message) {
  if (const auto* const refused = std::get_if<Refused>(&message)) return fail(refused->why);
  Heard heard;
  if (const auto* const request = std::get_if<Request>(&message); request && state_ == State::waiting_for_request) {
    state_ = State::deciding;
    heard.event = Event{What::asked, *request, ""};
  } else if (std::holds_alternative<Prepared>(message) && state_ == State::offered) {
    state_ = State::committing;
    heard.event = Event{What::prepared, {}, ""};
  } else if (std::holds_alternative<Arrived>(message) && state_ == State::committed) {
    state_ = State::over;
    heard.event = Event{What::arrived, {}, ""};
  } else {
    return fail("it spoke out of turn");
  }
  return heard;
}

Host::Heard Host::hear(std::string_view bytes) {
  if (state_ == State::over) return {};
  const Channel::Heard heard = channel_.hear(bytes);
  if (heard.hello) state_ = State::waiting_for_request;
  if (heard.trouble) return troubled(heard);
  Heard answer = heard.message ? understand(*heard.message) : Heard{};
  if (heard.hello) answer.reply.insert(0, channel_.hello());
  return answer;
}

std::string Host::offer(const Offer& offer) {
  ensure(state_ == State::deciding);
  state_ = State::offered;
  return channel_.seal(offer);
}

std::string Host::commit() {
  ensure(state_ == State::committing);
  state_ = State::committed;
  return channel_.seal(Committed{});
}

std::string Host::refuse(const std::string& why) {
  ensure(state_ == State::deciding || state_ == State::committing);
  state_ = State::over;
  return channel_.seal(Refused{why});
}

}  // namespace systole::invite

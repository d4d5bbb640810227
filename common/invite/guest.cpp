// SPDX-License-Identifier: GPL-2.0-or-later
// See guest.hpp.
#include "common/invite/guest.hpp"

#include <fmt/format.h>

#include "common/base/ensure.hpp"

namespace systole::invite {

Guest::Heard Guest::fail(std::string why) {
  state_ = State::over;
  Heard heard;
  heard.event = Event{What::failed, {}, std::move(why)};
  return heard;
}

Guest::Heard Guest::troubled(const Channel::Heard& heard) {
  switch (*heard.trouble) {
    case Channel::Trouble::version:
      return fail(
          fmt::format("the other node speaks version {} of the joining protocol, and this one version {}: "
                      "install the same version of Systole on both",
                      heard.version, protocol_version));
    case Channel::Trouble::protocol:
      return fail("no 'systole invite' speaks there: address or port belong to another program");
    case Channel::Trouble::no_token:
      return fail(
          "the other node does not know this token: it is that of an earlier invitation, or of another node's; take "
          "the "
          "line that 'systole invite' printed last");
    case Channel::Trouble::token:
      return fail("what came is not sealed with this token, or was changed on its way: do not trust that address");
  }
  return fail("");
}

Guest::Heard Guest::understand(const Message& message) {
  if (const auto* const refused = std::get_if<Refused>(&message)) return fail(refused->why);
  Heard heard;
  if (const auto* const offer = std::get_if<Offer>(&message); offer && state_ == State::asked) {
    state_ = State::deciding;
    heard.event = Event{What::offered, *offer, ""};
  } else if (std::holds_alternative<Committed>(message) && state_ == State::prepared) {
    state_ = State::placing;
    heard.event = Event{What::committed, {}, ""};
  } else {
    return fail("the other node spoke out of turn");
  }
  return heard;
}

Guest::Heard Guest::hear(std::string_view bytes) {
  if (state_ == State::over) return {};
  const Channel::Heard heard = channel_.hear(bytes);
  if (heard.trouble) return troubled(heard);
  if (heard.message) return understand(*heard.message);
  Heard answer;
  if (heard.hello) {
    state_ = State::asked;
    answer.reply = channel_.seal(request_);
  }
  return answer;
}

std::string Guest::prepared() {
  ensure(state_ == State::deciding);
  state_ = State::prepared;
  return channel_.seal(Prepared{});
}

std::string Guest::arrived() {
  ensure(state_ == State::placing);
  state_ = State::over;
  return channel_.seal(Arrived{});
}

std::string Guest::refuse(const std::string& why) {
  ensure(state_ == State::deciding);
  state_ = State::over;
  return channel_.seal(Refused{why});
}

}  // namespace systole::invite

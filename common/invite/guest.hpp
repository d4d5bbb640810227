// SPDX-License-Identifier: GPL-2.0-or-later
// The joining machine's side of the conversation. Pure; whoever holds it has the socket, the clock and the files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/invite/channel.hpp"

namespace systole::invite {

class Guest {
 public:
  Guest(const Token& token, const Random& own, Request request)
      : channel_(Side::guest, token, own), request_(std::move(request)) {}

  /// What is to be sent first.
  const std::string& hello() const { return channel_.hello(); }

  enum class What {
    offered,    // offer holds the files: put them beside their places, then prepared(); or refuse()
    committed,  // put them into their places, then arrived()
    failed,     // why says it; the conversation is over
  };
  struct Event {
    What what{};
    Offer offer;
    std::string why;
  };
  struct Heard {
    std::string reply;           // to be sent, before anything else
    std::optional<Event> event;  // nothing to do yet where there is none
  };
  Heard hear(std::string_view bytes);

  /// Bytes to be sent, in answer to offered, committed, and offered.
  std::string prepared();
  std::string arrived();
  std::string refuse(const std::string& why);

 private:
  enum class State { greeting, asked, deciding, prepared, placing, over };
  Heard fail(std::string why);
  Heard troubled(const Channel::Heard& heard);
  Heard understand(const Message& message);

  Channel channel_;
  Request request_;
  State state_ = State::greeting;
};

}  // namespace systole::invite

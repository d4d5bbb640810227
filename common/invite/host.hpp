// SPDX-License-Identifier: GPL-2.0-or-later
// The host's side of one conversation with somebody who wants to join: what it hears, what it answers, when something
// is to be decided or done. Pure; whoever holds it has the socket, the clock and the files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/invite/channel.hpp"

namespace systole::invite {

class Host {
 public:
  Host(const Token& token, const Random& own) : channel_(Side::host, token, own) {}

  enum class What {
    asked,        // request says who: offer() or refuse()
    prepared,     // the guest has the files on its disk: write ours, then commit() or refuse()
    arrived,      // done: both have everything
    wrong_token,  // a try with another token
    failed,       // why says it; the conversation is over
  };
  struct Event {
    What what{};
    Request request;
    std::string why;
  };
  struct Heard {
    std::string reply;           // to be sent, before anything else
    std::optional<Event> event;  // nothing to do yet where there is none
  };
  Heard hear(std::string_view bytes);

  /// Bytes to be sent, in answer to asked, prepared, and either.
  std::string offer(const Offer& offer);
  std::string commit();
  std::string refuse(const std::string& why);

 private:
  enum class State { greeting, waiting_for_request, deciding, offered, committing, committed, over };
  Heard fail(std::string why);
  Heard troubled(const Channel::Heard& heard);
  Heard understand(const Message& message);

  Channel channel_;
  State state_ = State::greeting;
};

}  // namespace systole::invite

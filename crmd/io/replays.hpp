// SPDX-License-Identifier: GPL-2.0-or-later
// Packets that somebody recorded and plays back. They are sealed with our key, so only their numbers tell them from
// fresh ones; the core would know them too, but each would cost it a step, and a hundred thousand in a second are a
// core that does nothing else. So the pulse throws them away: seq rises with each packet that a daemon sends us in its
// life, so for each peer, life (boot) and link a window says what has been seen.
//
// A life that is not remembered cannot be told from that of a daemon just restarted, so what is of no living session is
// let through at a rate that honest nodes do not reach and that the core hardly notices. No threads, no sockets and no
// clock here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/base/window.hpp"
#include "common/wire/packet.hpp"

namespace systole::io {

class Replays {
 public:
  /// Whether the core should see the packet; it is taken as seen then. of_session: it belongs to the session that
  /// lives.
  bool admits(Time now, std::size_t link, const wire::Packet& packet, bool of_session);

 private:
  struct Life {
    std::uint64_t boot = 0;
    std::vector<Window> links;
  };
  struct Sender {
    std::deque<Life> lives;  // the one that was heard last comes first
    double strays = 0;       // let through lately
    Time strays_counted{};
  };
  static Window& window_of(Sender& sender, std::uint64_t boot, std::size_t link);
  static bool within_rate(Time now, Sender& sender);

  std::map<NodeId, Sender> senders_;
};

}  // namespace systole::io

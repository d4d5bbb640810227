// SPDX-License-Identifier: GPL-2.0-or-later
// A packet in which no field that a heartbeat of a leader has is empty.
#pragma once

#include "common/wire/packet.hpp"

namespace systole::fakes {

inline wire::Packet heartbeat() {
  wire::Packet packet;
  packet.cluster = "demo";
  packet.from = NodeId{2};
  packet.to = NodeId{1};
  packet.boot = 77;
  packet.session = 11;
  packet.to_session = 12;
  packet.seq = 5;
  packet.sent = 4s;
  packet.echo = 3s;
  packet.held = 20ms;
  packet.term = {9, NodeId{2}};
  packet.role = wire::Role::leader;
  packet.grants = true;
  packet.ack = {7, 0b1010};
  return packet;
}

}  // namespace systole::fakes

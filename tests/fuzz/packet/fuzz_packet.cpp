// SPDX-License-Identifier: GPL-2.0-or-later
// What is inside a sealed datagram, and the cores' messages that its pieces make up: somebody with the key, or a node
// of another release, may have written anything. A packet that was read is written again as the same bytes; a message
// that was read keeps its meaning. What comes before the key is proven is fuzz_ipc's part.
#include <cstdlib>

#include "common/base/limits.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/packet.hpp"
#include "crmd/controller/messages.hpp"
#include "crmd/io/beats.hpp"
#include "crmd/io/replays.hpp"
#include "tests/fakes/heartbeat.hpp"
#include "tests/fuzz/hammer.hpp"

namespace {

using namespace systole;
using fakes::heartbeat;

std::vector<std::string> packets() {
  wire::Packet hello = heartbeat(), voter = heartbeat(), carrier = heartbeat();
  hello.to_session = 0;
  voter.ballot = wire::Ballot{wire::Ballot::Kind::vote_reply, 9, NodeId{2}, {{8, NodeId{1}}, 40}, true};
  carrier.fragments = {{8, false, "abc"}, {9, true, std::string(300, 'x')}};
  return {wire::encode_packet(heartbeat()), wire::encode_packet(hello), wire::encode_packet(voter),
          wire::encode_packet(carrier)};
}

std::vector<std::string> messages() {
  using namespace controller;
  const Term term{9, NodeId{2}};
  Updates updates{term, {NodeChanged{NodeName{"n1"}, "1", true, true, "member", "member"}, NodeGone{NodeName{"n2"}}}};
  updates.list.emplace_back(Progress{true, {"db start"}, {"one node is missing"}});
  JoinRequest join;
  join.term = term;
  join.in_flight = {1, 2, 3};
  join.history[ResourceId{"vip"}] = {};
  Forward forward{7, wire::ipc::Request{wire::ipc::QueryCluster{}}, "root"};
  std::vector<std::string> found;
  for (const Message& message : {Message{JoinOffer{term, 3}}, Message{join}, Message{Welcome{}}, Message{updates},
                                 Message{forward}, Message{Forwarded{}}, Message{OrderTo{}}, Message{ResultOf{}},
                                 Message{Expelled{term, "silent"}}, Message{Leaving{}}})
    found.push_back(wire::encode(message));
  return found;
}

/// As the shell does with what a seal has vouched for.
void hand_on(const wire::Packet& packet) {
  io::Replays replays;
  io::Beats beats({});
  const Time now = Time{5s};
  wire::Packet own = heartbeat();
  beats.stamp(now, packet.from, own, now + 1s);
  (void)replays.admits(now, 0, packet, beats.of_session(packet));
  beats.heard(now, packet);
  (void)beats.is_news(now, packet);
  (void)beats.overdue(now + 1s);
}

void one_round(Dice& dice) {
  static const std::vector<std::string> words = {
      std::string(8, '\xff'), std::string(4, '\0'), "\x01", "\x03", "\x7f", std::string(7, '\0') + "\x80"};
  static const fuzz::Mutator packet_maker(packets(), words), message_maker(messages(), words);
  const std::string bytes = packet_maker.make(dice);
  if (const auto packet = wire::decode_packet(bytes)) {
    if (wire::encode_packet(*packet) != bytes || bytes.size() > wire::plain_packet_bytes_max) std::abort();
    if (wire::fragment_room(*packet) + bytes.size() != wire::plain_packet_bytes_max) std::abort();
    hand_on(*packet);
  }
  if (const auto message = wire::decode<controller::Message>(message_maker.make(dice))) {
    const std::string once = wire::encode(*message);  // what came unsorted goes out sorted
    const auto again = wire::decode<controller::Message>(once);
    if (!again || wire::encode(*again) != once) std::abort();
  }
}

}  // namespace

int main(int argc, char** argv) {
  return systole::fuzz::hammer(argc, argv, one_round);
}

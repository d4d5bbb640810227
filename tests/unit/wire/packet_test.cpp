// SPDX-License-Identifier: GPL-2.0-or-later
// Packets: what goes in comes out, what is no packet is refused with a reason, and no bytes whatever do harm.
#include "common/wire/packet.hpp"

#include <gtest/gtest.h>

#include "common/base/dice.hpp"
#include "tests/fakes/heartbeat.hpp"

namespace systole::wire {
namespace {

Packet sample() {
  Packet packet = fakes::heartbeat();
  packet.deserts = packet.urgent = true;
  packet.ballot = Ballot{Ballot::Kind::vote_reply, 9, NodeId{2}, {{8, NodeId{1}}, 40}, true};
  packet.fragments = {{8, false, "abc"}, {9, true, ""}};
  return packet;
}

std::string why(std::string_view bytes) {
  const auto packet = decode_packet(bytes);
  return packet ? "it was taken" : packet.error().what;
}

TEST(Packet, survives_its_own_encoding) {
  const auto again = decode_packet(encode_packet(sample()));
  ASSERT_TRUE(again.has_value()) << again.error().what;
  EXPECT_EQ(*again, sample());
}

TEST(Packet, of_another_version_is_refused_by_number) {
  std::string bytes = encode_packet(sample());
  bytes.front() = 9;
  EXPECT_NE(why(bytes).find("version is 9"), std::string::npos) << why(bytes);
}

TEST(Packet, torn_anywhere_is_refused) {
  const std::string bytes = encode_packet(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_packet(std::string_view(bytes).substr(0, size)).has_value()) << size;
}

TEST(Packet, with_something_behind_it_is_refused) {
  EXPECT_FALSE(decode_packet(encode_packet(sample()) + "x").has_value());
}

TEST(Packet, larger_than_a_datagram_is_refused) {
  Packet packet = sample();
  packet.fragments.push_back({10, true, std::string(plain_packet_bytes_max, 'x')});
  EXPECT_NE(why(encode_packet(packet)).find("are more than"), std::string::npos);
}

TEST(Packet, without_sender_or_session_or_with_an_unknown_role_is_refused) {
  Packet packet = sample();
  packet.from = {};
  EXPECT_NE(why(encode_packet(packet)).find("no sender"), std::string::npos);
  packet = sample();
  packet.session = 0;
  EXPECT_NE(why(encode_packet(packet)).find("no session"), std::string::npos);
  packet = sample();
  packet.role = static_cast<Role>(7);
  EXPECT_NE(why(encode_packet(packet)).find("role"), std::string::npos);
  packet = sample();
  packet.ballot->kind = static_cast<Ballot::Kind>(9);
  EXPECT_NE(why(encode_packet(packet)).find("ballot"), std::string::npos);
}

TEST(Packet, with_a_term_from_which_one_could_not_count_on_is_refused) {
  Packet packet = sample();
  packet.term.number = ~std::uint64_t{0};
  EXPECT_NE(why(encode_packet(packet)).find("term"), std::string::npos);
}

TEST(Packet, filled_to_its_room_fits_the_datagram_to_the_byte) {
  Packet packet = sample();
  const std::size_t room = fragment_room(packet);
  packet.fragments.push_back({10, true, std::string(room - fragment_header_bytes, 'x')});
  EXPECT_EQ(encode_packet(packet).size(), plain_packet_bytes_max);
  EXPECT_EQ(fragment_room(packet), 0U);
  EXPECT_TRUE(decode_packet(encode_packet(packet)).has_value());
}

TEST(Packet, made_of_noise_or_damaged_does_no_harm_and_what_is_taken_is_the_only_spelling) {
  Dice dice(1);
  const std::string good = encode_packet(sample());
  for (int i = 0; i < 30'000; ++i) {
    std::string bytes = good;
    if (dice.chance(1, 4)) {
      bytes.resize(dice.below(300));
      for (char& byte : bytes) byte = static_cast<char>(dice.below(256));
      if (!bytes.empty()) bytes.front() = static_cast<char>(packet_version);
    } else {
      for (std::uint64_t damage = 1 + dice.below(4); damage > 0; --damage)
        bytes[dice.below(bytes.size())] = static_cast<char>(dice.below(256));
      if (dice.chance(1, 4)) bytes.resize(dice.below(bytes.size() + 1));
    }
    const auto packet = decode_packet(bytes);
    if (packet) {
      EXPECT_EQ(encode_packet(*packet), bytes);
    }
  }
}

}  // namespace
}  // namespace systole::wire

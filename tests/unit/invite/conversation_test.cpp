// SPDX-License-Identifier: GPL-2.0-or-later
// Host and guest as values: their bytes are carried by hand, cut, doubled, swapped and spoilt.
#include <gtest/gtest.h>

#include "common/invite/guest.hpp"
#include "common/invite/host.hpp"

namespace systole::invite {
namespace {

Token token_of(unsigned char byte) {
  Token token{};
  token.fill(byte);
  return token;
}

Random random_of(unsigned char byte) {
  Random random{};
  random.fill(byte);
  return random;
}

const Request request{"0.1.0", "n2", {"192.0.2.2"}};
const Offer offer{"n1", "totem {\n}\n", "aa\n", "<cib/>"};

struct Pair {
  Host host{token_of(1), random_of(10)};
  Guest guest{token_of(1), random_of(20), request};

  /// Until the host has been asked; what the guest said last.
  Host::Heard ask() {
    const auto greeted = host.hear(guest.hello());
    return host.hear(guest.hear(greeted.reply).reply);
  }
};

TEST(Invitation, two_who_have_the_token_come_to_the_end) {
  Pair pair;
  const auto asked = pair.ask();
  ASSERT_TRUE(asked.event);
  EXPECT_EQ(asked.event->what, Host::What::asked);
  EXPECT_EQ(asked.event->request, request);
  const auto offered = pair.guest.hear(pair.host.offer(offer));
  ASSERT_TRUE(offered.event);
  EXPECT_EQ(offered.event->what, Guest::What::offered);
  EXPECT_EQ(offered.event->offer, offer);
  EXPECT_EQ(pair.host.hear(pair.guest.prepared()).event->what, Host::What::prepared);
  EXPECT_EQ(pair.guest.hear(pair.host.commit()).event->what, Guest::What::committed);
  EXPECT_EQ(pair.host.hear(pair.guest.arrived()).event->what, Host::What::arrived);
}

TEST(Invitation, bytes_may_come_one_by_one) {
  Pair pair;
  std::string to_guest, to_host;
  for (const char c : pair.guest.hello()) to_guest += pair.host.hear(std::string(1, c)).reply;
  for (const char c : to_guest) to_host += pair.guest.hear(std::string(1, c)).reply;
  std::optional<Host::Event> event;
  for (const char c : to_host) {
    EXPECT_FALSE(event);
    event = pair.host.hear(std::string(1, c)).event;
  }
  ASSERT_TRUE(event);
  EXPECT_EQ(event->request, request);
}

TEST(Invitation, another_token_gets_nothing_and_is_told_so) {
  Pair pair;
  Guest stranger(token_of(2), random_of(20), request);
  const auto greeted = pair.host.hear(stranger.hello());
  const auto tried = pair.host.hear(stranger.hear(greeted.reply).reply);
  ASSERT_TRUE(tried.event);
  EXPECT_EQ(tried.event->what, Host::What::wrong_token);
  const auto told = stranger.hear(tried.reply);
  ASSERT_TRUE(told.event);
  EXPECT_EQ(told.event->what, Guest::What::failed);
  EXPECT_NE(told.event->why.find("does not know this token"), std::string::npos);
}

TEST(Invitation, a_false_host_cannot_hand_out_files) {
  Guest guest(token_of(1), random_of(20), request);
  Host impostor(token_of(2), random_of(30));
  (void)guest.hear(impostor.hear(guest.hello()).reply);
  Channel forger(Side::host, token_of(2), random_of(30));
  (void)forger.hear(guest.hello());
  const auto heard = guest.hear(forger.seal(offer));
  ASSERT_TRUE(heard.event);
  EXPECT_EQ(heard.event->what, Guest::What::failed);
}

TEST(Invitation, a_recording_is_worth_nothing) {
  Pair once;
  const std::string hello = once.guest.hello();
  const std::string asked = once.guest.hear(once.host.hear(hello).reply).reply;
  Host again(token_of(1), random_of(11));
  (void)again.hear(hello);
  EXPECT_EQ(again.hear(asked).event->what, Host::What::wrong_token);
}

TEST(Invitation, nothing_of_a_secret_is_readable_on_the_way) {
  Pair pair;
  (void)pair.ask();
  EXPECT_EQ(pair.host.offer(offer).find("totem"), std::string::npos);
}

TEST(Invitation, any_changed_bit_ends_it) {
  const std::size_t size = [] {
    Pair pair;
    (void)pair.ask();
    return pair.host.offer(offer).size();
  }();
  for (std::size_t at = 0; at < size; ++at) {
    Pair pair;
    (void)pair.ask();
    std::string bytes = pair.host.offer(offer);
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    const auto heard = pair.guest.hear(bytes);
    EXPECT_TRUE(!heard.event || heard.event->what == Guest::What::failed) << at;
  }
}

TEST(Invitation, who_speaks_another_version_is_told_both_versions) {
  Pair pair;
  std::string hello = pair.guest.hello();
  hello[7] = 9;
  const auto heard = pair.host.hear(hello);
  ASSERT_TRUE(heard.event);
  EXPECT_NE(heard.event->why.find("version 9 of the joining protocol, and this node version 1"), std::string::npos);
  EXPECT_EQ(heard.reply.size(), hello_bytes) << "so that the other side can say the same";
  hello = heard.reply;
  hello[7] = 9;
  EXPECT_NE(pair.guest.hear(hello).event->why.find("version 9"), std::string::npos);
}

TEST(Invitation, somebody_else_on_the_port_is_no_try) {
  for (const std::string noise : {"GET / HTTP/1.1\r\n\r\n", "SYSJOIM", "\x16\x03\x01"}) {
    Pair pair;
    const auto heard = pair.host.hear(noise);
    ASSERT_TRUE(heard.event) << noise;
    EXPECT_EQ(heard.event->what, Host::What::failed);
    EXPECT_EQ(heard.reply, "");
  }
}

TEST(Invitation, messages_out_of_turn_end_it) {
  Pair pair;
  (void)pair.ask();
  Channel guest(Side::guest, token_of(1), random_of(20));
  (void)guest.hear(Channel(Side::host, token_of(1), random_of(10)).hello());
  (void)guest.seal(request);
  (void)pair.host.offer(offer);
  EXPECT_EQ(pair.host.hear(guest.seal(Arrived{})).event->why, "it spoke out of turn");
  EXPECT_FALSE(pair.host.hear(guest.seal(Prepared{})).event) << "nothing is heard after that";
}

TEST(Invitation, a_message_too_large_is_refused_by_its_length_alone) {
  Pair pair;
  (void)pair.host.hear(pair.guest.hello());
  EXPECT_EQ(pair.host.hear(std::string("\xff\xff\xff\x7f", 4)).event->what, Host::What::failed);
}

TEST(Invitation, either_side_may_refuse_and_the_other_learns_why) {
  Pair pair;
  (void)pair.ask();
  EXPECT_EQ(pair.guest.hear(pair.host.refuse("name taken")).event->why, "name taken");
  Pair other;
  (void)other.ask();
  (void)other.guest.hear(other.host.offer(offer));
  EXPECT_EQ(other.host.hear(other.guest.refuse("/etc/systole/cluster.conf exists")).event->why,
            "/etc/systole/cluster.conf exists");
}

}  // namespace
}  // namespace systole::invite

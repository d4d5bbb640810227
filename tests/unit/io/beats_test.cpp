// SPDX-License-Identifier: GPL-2.0-or-later
// The beats that stand in for a late core: when they go out, what they promise, and when they must end.
#include "crmd/io/beats.hpp"

#include <gtest/gtest.h>

namespace systole::io {
namespace {

constexpr NodeId peer{2};

struct BeatsTest : testing::Test {
  /// Keepalive 200 ms: late after 300 ms; lost after 1 s; silent 500 ms after the core's last sign of life.
  Beats beats{BeatTimes{}};
  Time now = Time{} + 100s;
  std::uint64_t core_seq = 0;

  wire::Packet said(std::uint64_t session = 7, std::uint64_t to_session = 8) {
    wire::Packet packet;
    packet.from = NodeId{1};
    packet.session = session;
    packet.to_session = to_session;
    packet.seq = ++core_seq;
    if (to_session != 0) packet.echo = (now - 10ms).time_since_epoch(), packet.held = 4ms;
    return packet;
  }
  wire::Packet core_says(wire::Packet packet, Time good_until = never) {
    beats.fed(now);
    beats.stamp(now, peer, packet, good_until);
    return packet;
  }
  void peer_says(Duration sent, std::uint64_t session = 8, std::uint64_t to_session = 7) {
    wire::Packet packet;
    packet.from = peer;
    packet.session = session;
    packet.to_session = to_session;
    packet.sent = sent;
    beats.heard(now, packet);
  }
  std::size_t due() { return beats.overdue(now).size(); }
};

TEST_F(BeatsTest, a_packet_and_its_copies_for_other_links_leave_with_one_number_and_one_time) {
  wire::Packet first = said(), copy = first;
  first = core_says(first);
  now += 3ms;
  copy = core_says(copy);
  EXPECT_EQ(first, copy);
  EXPECT_EQ(first.sent, (now - 3ms).time_since_epoch());
  EXPECT_GT(core_says(said()).seq, first.seq);
}

TEST_F(BeatsTest, the_echo_is_of_the_newest_packet_and_says_how_long_it_was_held) {
  core_says(said());
  now += 100ms;
  const Duration newest = now.time_since_epoch() - 1ms;
  peer_says(newest);
  wire::Packet late = said();  // the core has not seen it yet
  now += 30ms;
  late.echo = newest - 50ms;
  const wire::Packet packet = core_says(late);
  EXPECT_EQ(packet.echo, newest);
  EXPECT_EQ(packet.held, 30ms);
}

TEST_F(BeatsTest, a_late_core_is_stood_in_for_from_one_and_a_half_keepalives_on) {
  core_says(said());
  EXPECT_EQ(beats.next_deadline(now), now + 300ms);
  now += 299ms;
  EXPECT_EQ(due(), 0u);
  now += 1ms;
  const auto out = beats.overdue(now);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].first, peer);
  EXPECT_EQ(out[0].second.session, 7u);
  EXPECT_EQ(out[0].second.sent, now.time_since_epoch());
  EXPECT_EQ(due(), 0u) << "once";
}

TEST_F(BeatsTest, what_may_be_said_only_once_is_not_repeated) {
  wire::Packet packet = said();
  packet.ballot.emplace();
  packet.fragments.push_back({1, true, "x"});
  packet.urgent = true;
  packet.grants = true;
  core_says(packet);
  now += 300ms;
  const auto out = beats.overdue(now);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_FALSE(out[0].second.ballot);
  EXPECT_TRUE(out[0].second.fragments.empty());
  EXPECT_FALSE(out[0].second.urgent);
  EXPECT_TRUE(out[0].second.grants);
}

TEST_F(BeatsTest, a_hung_core_falls_silent) {
  core_says(said());
  std::size_t beaten = 0;
  for (int i = 0; i < 100; ++i, now += 20ms) beaten += due();
  EXPECT_EQ(beaten, 1u) << "at 300 ms, not at 500 ms and later";
  EXPECT_EQ(beats.next_deadline(now), never);
  beats.fed(now);
  peer_says(now.time_since_epoch());
  EXPECT_EQ(due(), 0u) << "the peer has given this node up meanwhile";
}

TEST_F(BeatsTest, after_a_standstill_of_the_whole_machine_nothing_is_due_any_more) {
  core_says(said());
  now += 600ms;  // nothing ran here, the pulse neither
  EXPECT_EQ(due(), 0u);
  EXPECT_EQ(beats.next_deadline(now), never);
  core_says(said(), now + 200ms);
  now += 310ms;
  EXPECT_EQ(due(), 0u);
  EXPECT_EQ(beats.next_deadline(now), never) << "it may lead no more";
}

TEST_F(BeatsTest, a_leader_that_computes_is_repeated_only_as_long_as_it_may_lead) {
  core_says(said(), now + 310ms);
  now += 310ms;
  EXPECT_EQ(due(), 0u);
  core_says(said(), now + 310ms);
  now += 300ms;
  EXPECT_EQ(due(), 1u);
}

TEST_F(BeatsTest, a_hello_is_not_repeated_nor_is_a_session_that_the_core_has_given_up) {
  core_says(said(7, 0));
  now += 300ms;
  EXPECT_EQ(due(), 0u);
  core_says(said(7, 8));
  core_says(said(9, 0));
  now += 300ms;
  EXPECT_EQ(due(), 0u);
}

TEST_F(BeatsTest, packets_of_another_session_and_older_ones_are_not_echoed) {
  const Duration first = core_says(said()).echo;
  now += 20ms;
  peer_says(now.time_since_epoch(), 99, 7);
  peer_says(now.time_since_epoch(), 8, 99);
  peer_says(first - 1ms);
  wire::Packet packet = said();
  packet.echo = first;
  EXPECT_EQ(core_says(packet).echo, first);
}

TEST_F(BeatsTest, a_peer_that_comes_back_after_it_was_lost_is_not_told_that_it_was_heard) {
  core_says(said());
  now += 1s;  // lost_after
  beats.fed(now);
  peer_says(now.time_since_epoch());
  EXPECT_EQ(due(), 0u);
  EXPECT_EQ(beats.next_deadline(now), never);
}

struct PatientBeats : BeatsTest {
  PatientBeats() {
    BeatTimes times;
    times.patient = true;
    beats = Beats{times};
    core_says(said());
  }
  wire::Packet heartbeat() {
    wire::Packet packet;
    packet.from = peer;
    packet.session = 8;
    packet.to_session = 7;
    packet.seq = ++seq;
    now += 200ms;
    packet.sent = now.time_since_epoch();
    return packet;
  }
  bool news(const wire::Packet& packet) {
    beats.fed(now);
    beats.heard(now, packet);
    return beats.is_news(now, packet);
  }
  std::uint64_t seq = 0;
};

TEST_F(PatientBeats, a_heartbeat_that_says_nothing_new_is_no_news) {
  EXPECT_TRUE(news(heartbeat())) << "the first one of its session";
  EXPECT_FALSE(news(heartbeat()));
  EXPECT_FALSE(news(heartbeat()));
}

TEST_F(PatientBeats, whatever_a_packet_says_but_numbers_and_times_is_news) {
  news(heartbeat());
  wire::Packet packet = heartbeat();
  packet.term.number = 5;
  EXPECT_TRUE(news(packet));
  packet.seq = ++seq, packet.role = wire::Role::leader;
  EXPECT_TRUE(news(packet));
  packet.seq = ++seq, packet.grants = true;
  EXPECT_TRUE(news(packet));
  packet.seq = ++seq, packet.ack.all = 3;
  EXPECT_TRUE(news(packet));
  packet.seq = ++seq;
  EXPECT_FALSE(news(packet));
  for (int n = 0; n < 2; ++n) {
    packet.urgent = true;
    EXPECT_TRUE(news(packet)) << "each time";
    packet.urgent = false;
    packet.ballot = wire::Ballot{};
    EXPECT_TRUE(news(packet)) << "each time";
    packet.ballot.reset();
    packet.fragments = {wire::Fragment{}};
    EXPECT_TRUE(news(packet)) << "each time";
    packet.fragments.clear();
  }
}

TEST_F(PatientBeats, a_leaders_heartbeat_is_news_once_not_its_copy_over_another_link) {
  wire::Packet packet = heartbeat();
  packet.role = wire::Role::leader;
  EXPECT_TRUE(news(packet)) << "the first one of its session";
  packet = heartbeat();
  packet.role = wire::Role::leader;
  EXPECT_TRUE(news(packet));
  EXPECT_FALSE(news(packet));
}

TEST_F(PatientBeats, the_answer_that_was_asked_for_at_once_is_news) {
  news(heartbeat());
  EXPECT_FALSE(news(heartbeat()));
  wire::Packet question = said();
  question.urgent = true;
  core_says(question);
  EXPECT_TRUE(news(heartbeat()));
  EXPECT_FALSE(news(heartbeat()));
}

TEST_F(PatientBeats, what_is_of_another_session_and_a_peer_that_was_silent_for_too_long_are_news) {
  news(heartbeat());
  wire::Packet hello = heartbeat();
  hello.to_session = 0;
  EXPECT_TRUE(news(hello));
  EXPECT_TRUE(news(hello));
  EXPECT_FALSE(news(heartbeat()));
  now += 1s;
  EXPECT_TRUE(news(heartbeat()));
}

TEST_F(PatientBeats, a_core_that_is_late_is_told_of_every_packet) {
  EXPECT_TRUE(news(heartbeat()));
  const wire::Packet first = heartbeat(), second = heartbeat();
  beats.fed(now - 299ms);
  EXPECT_FALSE(beats.is_news(now, first));
  beats.fed(now - 300ms);
  EXPECT_TRUE(beats.is_news(now, second));
}

TEST_F(BeatsTest, without_patience_everything_is_news) {
  core_says(said());
  wire::Packet packet;
  packet.from = peer;
  packet.session = 8;
  packet.to_session = 7;
  EXPECT_TRUE(beats.is_news(now, packet));
  EXPECT_TRUE(beats.is_news(now, packet));
}

}  // namespace
}  // namespace systole::io

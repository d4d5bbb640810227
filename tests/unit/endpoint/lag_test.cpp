// SPDX-License-Identifier: GPL-2.0-or-later
// Where the lag comes from.
#include "tools/endpoint/lag.hpp"

#include <gtest/gtest.h>

#include "tests/unit/endpoint/seen_samples.hpp"

namespace systole::endpoint {
namespace {

Stream behind(std::optional<long> seconds) {
  Stream stream = sound_stream();
  stream.applied = *mysql::parse_gtids("0-2-90");
  stream.status.behind_s = seconds;
  return stream;
}

TEST(EndpointLag, is_the_age_of_the_heartbeats_row_while_somebody_writes_it) {
  BeatWatch watch;
  EXPECT_EQ(watch.see(5'000'000, 90'000'000, Time{1s}), std::nullopt) << "an old row may be left from another time";
  EXPECT_EQ(watch.see(5'500'000, 5'740'000, Time{2s}), 240);
  EXPECT_EQ(watch.see(6'000'000, 5'999'000, Time{3s}), 0) << "the other clock is before ours";
  EXPECT_EQ(watch.see(6'000'000, 9'000'000, Time{6s}), 3000);
  EXPECT_EQ(watch.see(6'000'000, 99'000'000, Time{60s}), std::nullopt);
  Stream stream = behind(7);
  stream.beat_age_ms = 240;
  EXPECT_EQ(lag_ms(stream), 240);
}

TEST(EndpointLag, is_the_servers_own_number_in_milliseconds) {
  EXPECT_EQ(lag_ms(behind(0)), 0);
  EXPECT_EQ(lag_ms(behind(7)), 7000);
}

TEST(EndpointLag, is_not_known_where_the_server_says_NULL) {
  EXPECT_EQ(lag_ms(behind(std::nullopt)), std::nullopt);
}

TEST(EndpointLag, of_who_has_applied_all_that_came_is_zero_whatever_the_age_of_it) {
  Stream stream = sound_stream();
  stream.status.behind_s = 3000;
  EXPECT_EQ(lag_ms(stream), 0);
  stream.status.behind_s = std::nullopt;
  EXPECT_EQ(lag_ms(stream), 0);
}

TEST(EndpointLag, is_the_servers_number_while_what_was_received_is_not_known) {
  Stream stream = behind(4);
  stream.status.received.clear();
  EXPECT_EQ(lag_ms(stream), 4000);
}

TEST(EndpointLag, is_not_known_while_a_thread_stands_still) {
  Stream stream = sound_stream();
  stream.status.sql_running = false;
  EXPECT_EQ(lag_ms(stream), std::nullopt);
  stream = sound_stream();
  stream.status.io = mysql::IoThread::connecting;
  EXPECT_EQ(lag_ms(stream), std::nullopt);
  stream.status.io = mysql::IoThread::stopped;
  EXPECT_EQ(lag_ms(stream), std::nullopt);
}

TEST(EndpointLag, is_not_known_when_no_heartbeat_comes) {
  Stream stream = sound_stream();
  stream.silent = stream.silence_max;
  EXPECT_EQ(lag_ms(stream), std::nullopt);
}

TEST(EndpointLag, of_a_primary_that_sends_no_heartbeats_is_believed) {
  Stream stream = sound_stream();
  stream.silent = 10h;
  stream.silence_max = {};
  EXPECT_EQ(lag_ms(stream), 0);
}

}  // namespace
}  // namespace systole::endpoint

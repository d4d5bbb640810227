// SPDX-License-Identifier: GPL-2.0-or-later
// The pinger against this machine's own addresses.
#include "crmd/io/pinger.hpp"

#include <gtest/gtest.h>

#include "crmd/io/clock.hpp"

namespace systole::io {
namespace {

struct Heard {
  int targets = 0, peers = 0;
  bool in_time = true;
};

TEST(Pinger, reports_an_answer_of_either_family_with_the_time_of_its_request) {
  boost::asio::io_context context;
  Log log;
  Heard heard;
  const Time begin = boot_time();
  const auto note = [&](Time sent, bool of_peer) {
    heard.in_time = heard.in_time && sent >= begin && sent <= boot_time();
    of_peer ? ++heard.peers : ++heard.targets;
    if (heard.targets + heard.peers == 3) context.stop();
  };
  auto pinger = Pinger::open(context, {"127.0.0.1", "127.0.0.2"}, 0x1234'5678'9abc'def0, log, note);
  if (!pinger && pinger.error().code == Errc::io) GTEST_SKIP() << pinger.error().what;
  ASSERT_TRUE(pinger) << pinger.error().what;
  (*pinger)->ask_targets();
  (*pinger)->ask_peer_at({"no address", "127.0.0.3"});
  context.run_for(std::chrono::seconds(10));
  EXPECT_EQ(heard.targets, 2);
  EXPECT_EQ(heard.peers, 1);
  EXPECT_TRUE(heard.in_time);
}

TEST(Pinger, refuses_a_target_that_is_no_address) {
  boost::asio::io_context context;
  Log log;
  const auto pinger = Pinger::open(context, {"router"}, 1, log, [](Time, bool) {});
  ASSERT_FALSE(pinger);
  EXPECT_EQ(pinger.error().what, "ping target 'router' is no IP address");
}

}  // namespace
}  // namespace systole::io

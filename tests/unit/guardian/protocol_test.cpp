// SPDX-License-Identifier: GPL-2.0-or-later
// The words between crmd and the guardian, there and back, and what is refused.
#include "crmd/guardian/protocol.hpp"

#include <gtest/gtest.h>

namespace systole::guardian {
namespace {

const Holding vip{"vip", {"10.0.0.5", "fd00::5"}, "", {}, {}};
const Holding db{"db", {}, "/sys/fs/cgroup/systole-n1/db", {4711}, {"/run/mysqld/mysqld.pid"}};

void comes_back(const FromCrmd& message) {
  const auto bytes = encode(message);
  ASSERT_TRUE(bytes);
  const auto again = decode_from_crmd(*bytes);
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_TRUE(*again == message) << *bytes;
}

void comes_back(const FromGuardian& message) {
  const auto bytes = encode(message);
  ASSERT_TRUE(bytes);
  const auto again = decode_from_guardian(*bytes);
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_TRUE(*again == message) << *bytes;
}

TEST(Protocol, what_crmd_says_is_understood) {
  comes_back(Hello{});
  comes_back(HoldList{1, {}});
  comes_back(HoldList{18'446'744'073'709'551'615u, {vip, db}});
  comes_back(HeardNews{});
  comes_back(CrmdDone{});
}

TEST(Protocol, what_the_guardian_says_is_understood) {
  comes_back(State{});
  comes_back(State{1, 99, Time{17s}, "/dev/watchdog, 10 s", Laddered{Time{16s}, true, "all is gone"}, {vip, db}});
  comes_back(Ack{3});
  comes_back(LadderedNews{{Time{1ns}, false, ""}});
}

TEST(Protocol, foreign_names_cannot_forge_a_second_line) {
  const Holding nasty{"a b\nresource c%\x01\xff", {"10.0.0.5\naddress 10.0.0.6"}, "/x\n", {}, {std::string("\0", 1)}};
  comes_back(HoldList{1, {nasty}});
}

TEST(Protocol, the_words_are_plain_so_that_a_trace_can_be_read) {
  EXPECT_EQ(encode(FromCrmd{HoldList{7, {vip, db}}}).value(),
            "hold 7\nresource vip\naddress 10.0.0.5\naddress fd00::5\nresource db\n"
            "cgroup /sys/fs/cgroup/systole-n1/db\ngroup 4711\npidfile /run/mysqld/mysqld.pid\n");
}

TEST(Protocol, garbage_is_refused_with_the_line_that_is_wrong) {
  for (const char* const bytes :
       {"", "\n", "hello", "hello\n", "hello x\n", "hello 1", "hello 1\nhello 1\n", "hold -1\n", "hold 01\n",
        "hold 1\naddress 10.0.0.5\n", "hold 1\nresource a\ngroup x\n", "hold 1\nresource a\nanything b\n",
        "hold 1\nresource a", "hold 1\nresource\n", "done now\n", "done \n", "hold 1\nresource %zz\n",
        "hold 1\nresource %41\n", "state 1\n"})
    EXPECT_FALSE(decode_from_crmd(bytes)) << bytes;
  const auto refused = decode_from_crmd("hold 1\nresource a\nanything b\n");
  EXPECT_NE(refused.error().what.find("'anything b'"), std::string::npos) << refused.error().what;
  for (const char* const bytes : {"", "state 1\n", "state 1\npid 1\n", "ack\n", "ack x\n", "laddered 1 perhaps x\n",
                                  "laddered x yes y\n", "laddered 1\n", "hello 1\n"})
    EXPECT_FALSE(decode_from_guardian(bytes)) << bytes;
}

TEST(Protocol, a_list_too_long_for_one_datagram_is_refused_in_words) {
  const auto refused = encode(FromCrmd{HoldList{1, std::vector<Holding>(20'000, vip)}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::too_big);
  EXPECT_FALSE(decode_from_crmd(std::string(message_bytes_max + 1, 'a')));
}

TEST(Protocol, another_version_is_understood_far_enough_to_be_named) {
  const auto hello = decode_from_crmd("hello 2\n");
  ASSERT_TRUE(hello);
  EXPECT_EQ(std::get<Hello>(*hello).version, 2u);
}

}  // namespace
}  // namespace systole::guardian

// SPDX-License-Identifier: GPL-2.0-or-later
// Programs that are fed, and what must not be seen of it.
#include "tools/agent/piped.hpp"

#include <gtest/gtest.h>

#include "agents/sql/deadline.hpp"
#include "common/base/text.hpp"

namespace systole::tools {
namespace {

const PumpWatch no_watch{.look = [](std::uint64_t, Duration) { return Result<void>(); }};

Command shell(const std::string& script) {
  return {.argv = {"/bin/sh", "-c", script}};
}

TEST(Piped, a_program_reads_its_input_and_its_output_comes_back) {
  const auto ran = run_with_input(shell("tr a-z A-Z; echo bad >&2; exit 3"), "secret", boot_time() + 10s);
  ASSERT_TRUE(ran) << ran.error().what;
  EXPECT_EQ(ran->out, "SECRET");
  EXPECT_EQ(ran->err, "bad\n");
  EXPECT_EQ(ran->code, 3);
}

TEST(Piped, a_program_that_does_not_read_or_does_not_end_keeps_nobody_waiting) {
  EXPECT_TRUE(run_with_input(shell("exit 0"), std::string(1 << 20, 'x'), boot_time() + 10s));
  const Time begin = boot_time();
  const auto ran = run_with_input(shell("sleep 60"), "", begin + 300ms);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, Errc::timeout);
  EXPECT_LT(boot_time() - begin, 10s);
}

TEST(Piped, a_program_that_is_not_there_is_said_by_name) {
  const auto ran = run_with_input({.argv = {"systole-no-such-program"}}, "", boot_time() + 10s);
  ASSERT_FALSE(ran);
  EXPECT_NE(ran.error().what.find("systole-no-such-program"), std::string::npos);
}

TEST(Piped, a_secret_is_a_file_to_the_program_that_gets_it) {
  const auto secret = SecretText::of("user=root\n");
  ASSERT_TRUE(secret);
  const auto ran =
      run_with_input({.argv = {"/bin/cat", secret->path()}, .inherits = {secret->fd()}}, "", boot_time() + 10s);
  ASSERT_TRUE(ran) << ran.error().what;
  EXPECT_EQ(ran->out, "user=root\n");
  const auto other = run_with_input({.argv = {"/bin/cat", secret->path()}}, "", boot_time() + 10s);
  ASSERT_TRUE(other);
  EXPECT_NE(other->code, 0) << "another program has it, too";
}

TEST(Piped, everything_goes_from_one_program_into_the_other) {
  const auto pumped = pump(shell("head -c 3000000 /dev/zero; printf end"), shell("test $(wc -c) = 3000003"), no_watch);
  ASSERT_TRUE(pumped) << pumped.error().what;
  EXPECT_EQ(pumped->bytes, 3000003U);
  EXPECT_TRUE(pumped->tail.ends_with("end"));
}

TEST(Piped, the_end_of_either_program_with_an_error_is_the_error) {
  const auto source = pump(shell("echo data; echo why >&2; exit 2"), shell("cat >/dev/null"), no_watch);
  ASSERT_FALSE(source);
  EXPECT_NE(source.error().what.find("ended with 2: why"), std::string::npos) << source.error().what;
  const auto sink = pump(shell("yes"), shell("echo full >&2; exit 1"), no_watch);
  ASSERT_FALSE(sink);
  EXPECT_NE(sink.error().what.find("ended with 1: full"), std::string::npos) << sink.error().what;
}

TEST(Piped, who_watches_can_end_it) {
  const Time begin = boot_time();
  const auto pumped = pump(shell("sleep 60"), shell("cat >/dev/null"), {.look = [&](std::uint64_t, Duration) {
                             if (boot_time() - begin < 300ms) return Result<void>();
                             return Result<void>(Error{Errc::refused, "interrupted"});
                           }});
  ASSERT_FALSE(pumped);
  EXPECT_EQ(pumped.error().what, "interrupted");
  EXPECT_LT(boot_time() - begin, 10s);
}

}  // namespace
}  // namespace systole::tools

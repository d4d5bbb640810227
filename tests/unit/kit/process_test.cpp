// SPDX-License-Identifier: GPL-2.0-or-later
// Programs run without a shell and within their time; background children are found and never mistaken.
#include "agents/kit/process.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "agents/kit/agent.hpp"
#include "common/base/limits.hpp"

namespace systole::agents {
namespace {

const Environment usual{{"PATH", "/usr/bin:/bin"}, {"GREETING", "hello; there"}};

std::string temporary(std::string_view name) {
  return ::testing::TempDir() + "systole-kit-" + std::to_string(::getpid()) + "-" + std::string(name);
}

TEST(RunProgram, hands_over_output_code_and_environment) {
  const auto ran =
      run_program({"sh", "-c", "printf '%s' \"$GREETING\"; echo oops >&2; exit 7"}, usual, boot_now() + 10s);
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->out, "hello; there");
  EXPECT_EQ(ran->err, "oops\n");
  EXPECT_EQ(ran->code, 7);
}

TEST(RunProgram, keeps_passwords_among_the_parameters_back_unless_told_otherwise) {
  const Environment env{{"PATH", "/usr/bin:/bin"},
                        {"OCF_RESKEY_test_passwd", "hidden-1"},
                        {"OCF_RESKEY_PASSWORD", "hidden-2"},
                        {"OCF_RESKEY_ip", "shown"}};
  const auto seen = run_program({"env"}, env, boot_now() + 10s);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->out.find("hidden"), std::string::npos) << seen->out;
  EXPECT_NE(seen->out.find("OCF_RESKEY_ip=shown"), std::string::npos);
  const auto handed_on = run_program({"env"}, env, boot_now() + 10s, Secrets::handed_on);
  ASSERT_TRUE(handed_on);
  EXPECT_NE(handed_on->out.find("hidden-1"), std::string::npos);
}

TEST(RunProgram, passes_words_as_they_are) {
  const auto ran = run_program({"printf", "%s|", "a b", "$HOME", "`id`"}, usual, boot_now() + 10s);
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->out, "a b|$HOME|`id`|");
}

TEST(RunProgram, kills_what_is_not_done_at_the_deadline) {
  const Time begin = boot_now();
  const auto ran = run_program({"sleep", "60"}, usual, begin + 100ms);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, Errc::timeout);
  EXPECT_LT(boot_now() - begin, 10s);
}

TEST(RunProgram, does_not_wait_for_a_grandchild_that_keeps_the_pipes) {
  const Time begin = boot_now();
  const auto ran = run_program({"sh", "-c", "sleep 30 & echo $!"}, usual, begin + 20s);
  ASSERT_TRUE(ran);
  EXPECT_LT(boot_now() - begin, 10s);
  ::kill(static_cast<pid_t>(std::stol(ran->out)), SIGKILL);
}

TEST(RunProgram, drops_a_flood_of_output_beyond_the_limit) {
  const auto ran = run_program({"head", "-c", "3000000", "/dev/zero"}, usual, boot_now() + 20s);
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->out.size(), limits::agent_output_bytes_max);
}

TEST(RunProgram, says_when_there_is_no_such_program) {
  const auto ran = run_program({"no-such-program-here"}, usual, boot_now() + 1s);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, Errc::not_found);
}

TEST(RunProgram, reports_death_by_signal) {
  const auto ran = run_program({"sh", "-c", "kill -9 $$"}, usual, boot_now() + 10s);
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->code, 128 + SIGKILL);
}

TEST(ProcessId, tells_a_process_from_a_later_one_with_its_pid) {
  const auto self = identify(::getpid());
  ASSERT_TRUE(self);
  EXPECT_TRUE(is_alive(*self));
  EXPECT_FALSE(is_alive({self->pid, self->start + 1}));
  EXPECT_TRUE(kill_process({self->pid, self->start + 1}, SIGKILL));  // a stranger: left alone, and we go on
  EXPECT_EQ(identify(0), std::nullopt);
}

TEST(ProcessId, survives_a_round_trip_and_refuses_rubbish) {
  const ProcessId id{.pid = 42, .start = 4711};
  EXPECT_EQ(parse_process_id(to_text(id)), id);
  for (const char* const text : {"", "42", "42 x", "-1 5", "0 5", "1 2 3", "x 1"})
    EXPECT_EQ(parse_process_id(text), std::nullopt);
}

TEST(Background, a_child_is_known_by_its_file_before_it_works_and_ends_when_told) {
  const std::string pid_file = temporary("pid"), seen = temporary("seen");
  const auto child = run_in_background(pid_file, [&] {
    const auto text = read_file(pid_file);
    static_cast<void>(write_file(seen, text ? *text : "no pid file"));
    pause_for(60s, never);
    return 0;
  });
  ASSERT_TRUE(child);
  EXPECT_TRUE(is_alive(*child));
  for (int i = 0; i < 500 && !read_file(seen); ++i) pause_for(10ms, never);
  EXPECT_EQ(read_file(seen).value(), to_text(*child));
  EXPECT_TRUE(end_background(pid_file));
  int status = 0;
  EXPECT_EQ(::waitpid(child->pid, &status, 0), child->pid);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_FALSE(std::filesystem::exists(pid_file));
  EXPECT_TRUE(end_background(pid_file));  // nothing there: fine
  ::unlink(seen.c_str());
}

TEST(Background, a_stale_file_harms_nobody) {
  const std::string pid_file = temporary("stale");
  const auto self = identify(::getpid());
  ASSERT_TRUE(write_file(pid_file, to_text(ProcessId{self->pid, self->start - 1})));
  EXPECT_TRUE(end_background(pid_file));
  ASSERT_TRUE(write_file(pid_file, "rubbish"));
  EXPECT_TRUE(end_background(pid_file));
  EXPECT_FALSE(std::filesystem::exists(pid_file));
}

TEST(Background, does_not_start_when_its_file_cannot_be_written) {
  EXPECT_FALSE(run_in_background("/no/such/folder/pid", [] { return 0; }));
  int status = 0;
  ASSERT_GT(::waitpid(-1, &status, 0), 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Files, are_replaced_whole_and_read_with_a_limit) {
  const std::string path = temporary("whole");
  ASSERT_TRUE(write_file(path, "one", true));
  ASSERT_TRUE(write_file(path, "two"));
  EXPECT_EQ(read_file(path).value(), "two");
  EXPECT_EQ(read_file(path, 2).error().code, Errc::too_big);
  ::unlink(path.c_str());
  EXPECT_EQ(read_file(path).error().code, Errc::not_found);
  EXPECT_FALSE(write_file("/no/such/folder/x", "y"));
}

}  // namespace
}  // namespace systole::agents

// SPDX-License-Identifier: GPL-2.0-or-later
// What may be dropped and killed, and what must not be.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "crmd/guardian_process/addresses.hpp"
#include "crmd/guardian_process/processes.hpp"

namespace systole::guardian {
namespace {

TEST(Addresses, both_families_are_read_with_and_without_a_prefix) {
  EXPECT_TRUE(parse_held_ip("10.0.0.5"));
  EXPECT_EQ(parse_held_ip("10.0.0.5/24"), parse_held_ip("10.0.0.5"));
  EXPECT_EQ(parse_held_ip("fd00:0:0::5/64"), parse_held_ip("fd00::5"));
  EXPECT_NE(parse_held_ip("10.0.0.5"), parse_held_ip("10.0.0.6"));
}

TEST(Addresses, what_nobody_can_hold_is_no_address) {
  for (const char* const text : {"", "vip", "10.0.0", "10.0.0.5x", "127.0.0.1", "127.1.2.3/8", "::1", "0.0.0.0", "::"})
    EXPECT_FALSE(parse_held_ip(text)) << text;
}

TEST(Addresses, an_address_that_the_kernel_does_not_have_is_gone) {
  auto addresses = Addresses::open();
  ASSERT_TRUE(addresses);
  const auto dropped = addresses->drop({*parse_held_ip("198.51.100.77"), *parse_held_ip("2001:db8::77")});
  ASSERT_TRUE(dropped) << dropped.error().what;
  EXPECT_EQ(*dropped, 0u);
}

struct ProcessesTest : testing::Test {
  ProcessesTest() {
    std::string pattern = testing::TempDir() + "systole-acts-XXXXXX";
    folder = ::mkdtemp(pattern.data());
  }
  ~ProcessesTest() override {
    if (child > 0) {
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
    std::filesystem::remove_all(folder);
  }
  /// A child in a group of its own that sleeps.
  void begin_child() {
    child = ::fork();
    if (child == 0) {
      ::setpgid(0, 0);
      ::execlp("sleep", "sleep", "60", nullptr);
      ::_exit(1);
    }
    ::setpgid(child, child);
  }
  std::string pid_file(const std::string& text) const {
    std::ofstream(folder + "/pid") << text;
    return folder + "/pid";
  }

  std::string folder;
  pid_t child = 0;
};

TEST_F(ProcessesTest, a_pid_file_names_a_process_or_is_nonsense) {
  EXPECT_EQ(read_pid_file(pid_file("4711\n")), 4711);
  EXPECT_EQ(read_pid_file(pid_file("  4711 \nmore\n")), 4711);
  for (const char* const text : {"", "\n", "1", "0", "-5", "-1", "4711 4712", "abc", "99999999999999999999"})
    EXPECT_EQ(read_pid_file(pid_file(text)), 0) << text;
  EXPECT_EQ(read_pid_file(folder + "/not-there"), 0);
  EXPECT_EQ(read_pid_file(folder), 0);
  ASSERT_EQ(::mkfifo((folder + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_pid_file(folder + "/fifo"), 0) << "and it did not wait for a writer";
}

TEST_F(ProcessesTest, a_killed_process_counts_as_gone_before_its_parent_has_reaped_it) {
  begin_child();
  const Processes processes({"db", {}, "", {child}, {pid_file(std::to_string(child))}}, {::getpid()});
  EXPECT_NE(processes.left(), "");
  processes.kill();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!processes.left().empty() && std::chrono::steady_clock::now() < end) ::usleep(1'000);
  EXPECT_EQ(processes.left(), "");
  EXPECT_EQ(::kill(child, 0), 0) << "it is a zombie still";
}

TEST_F(ProcessesTest, those_who_are_spared_live_and_their_groups_too) {
  begin_child();
  const Processes processes({"db", {}, "", {child, ::getpgid(0), 0, 1, -1}, {pid_file(std::to_string(child))}},
                            {::getpid(), child});
  processes.kill();
  EXPECT_EQ(::waitpid(child, nullptr, WNOHANG), 0);
  EXPECT_EQ(processes.left(), "");
}

TEST_F(ProcessesTest, what_cannot_be_ended_is_named) {
  EXPECT_EQ(complaint_about({"vip", {"10.0.0.5", "fd00::5"}, "", {4711}, {"/run/x.pid"}}), "");
  EXPECT_NE(complaint_about({"vip", {"ten"}, "", {}, {}}).find("'ten' is no address"), std::string::npos);
  EXPECT_NE(complaint_about({"db", {}, "", {1}, {}}).find("1 is no process group"), std::string::npos);
  EXPECT_NE(complaint_about({"db", {}, folder, {}, {}}).find("is no cgroup of version 2"), std::string::npos);
  EXPECT_EQ(complaint_about({"db", {}, folder + "/not-there", {}, {}}), "") << "empty, and removed since";
}

}  // namespace
}  // namespace systole::guardian

// SPDX-License-Identifier: GPL-2.0-or-later
// A child as its agent finds itself, by both ways into the world.
#include "crmd/io/birth.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "crmd/io/cgroups.hpp"

namespace systole::io {
namespace {

using Way = Born (*)(const Birth&);

class Births : public testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_ = Fd(ends[0]);
    write_ = Fd(ends[1]);
  }

  Born bear(const char* program, const char* script, int cgroup = -1) {
    const char* const arguments[] = {program, "-c", script, nullptr};
    const char* const environment[] = {"A=b", nullptr};
    Born born = GetParam()({.program = program,
                            .arguments = arguments,
                            .environment = environment,
                            .input = null_.get(),
                            .output = write_.get(),
                            .errors = null_.get(),
                            .cgroup = cgroup});
    write_.reset();  // the reader shall see the end of what the child says
    return born;
  }
  std::string all() {
    std::string text;
    char part[512];
    for (ssize_t n = 0; (n = ::read(read_.get(), part, sizeof part)) > 0;) text.append(part, static_cast<size_t>(n));
    return text;
  }

  Fd null_{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  Fd read_, write_;
};

TEST_P(Births, make_a_leader_of_its_own_group_with_that_environment_and_nothing_of_ours_open) {
  const Fd ours(::fcntl(null_.get(), F_DUPFD, 57));  // as of a library that forgets
  ASSERT_EQ(ours.get(), 57);
  const Born born = bear("/bin/sh", "echo $A $$ $(cut -d' ' -f5 /proc/$$/stat); [ -e /proc/$$/fd/57 ] && echo open");
  ASSERT_EQ(born.error, 0);
  const std::string pid = std::to_string(born.pid);
  EXPECT_EQ(all(), "b " + pid + " " + pid + "\n");
  pollfd ended{born.handle.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 10'000), 1);
  int status = 1;
  EXPECT_EQ(::waitpid(born.pid, &status, 0), born.pid);
}

TEST_P(Births, of_what_is_no_program_tell_why_and_leave_no_child) {
  EXPECT_EQ(bear("/nowhere/agent", "").error, ENOENT);
  write_ = Fd(::dup(null_.get()));
  EXPECT_EQ(bear("/etc/passwd", "").error, EACCES);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_P(Births, happen_in_the_cgroup) {
  auto cgroups = Cgroups::open("birth-test-" + std::to_string(::getpid()));
  if (!cgroups) GTEST_SKIP() << cgroups.error().what;
  const auto path = cgroups->make("vip");
  ASSERT_TRUE(path);
  const Fd door = Cgroups::door_of(*path);
  ASSERT_TRUE(door);
  const Born born = bear("/bin/sh", "cat /proc/self/cgroup", door.get());
  ASSERT_EQ(born.error, 0);
  const std::string where = all(), name = path->substr(path->find("/systole-"));
  EXPECT_NE(where.find("0::"), std::string::npos);
  EXPECT_NE(where.find(name + "\n"), std::string::npos) << where;
  ::waitpid(born.pid, nullptr, 0);
  cgroups->remove_empty();
}

// Linux 6.18 kills at birth whoever is born into a cgroup to whose cgroup.kill somebody has ever written.
TEST_P(Births, happen_in_a_cgroup_where_all_was_killed_before) {
  auto cgroups = Cgroups::open("birth-test-" + std::to_string(::getpid()));
  if (!cgroups) GTEST_SKIP() << cgroups.error().what;
  const auto before = cgroups->make("vip");
  ASSERT_TRUE(before);
  const Fd kill(::open((*before + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  if (!kill) GTEST_SKIP() << "this kernel has no cgroup.kill";
  ASSERT_EQ(::write(kill.get(), "1", 1), 1);
  const auto path = cgroups->make("vip");
  ASSERT_TRUE(path);
  const Fd door = Cgroups::door_of(*path);
  const Born born = bear("/bin/sh", "echo lives", door.get());
  ASSERT_EQ(born.error, 0);
  EXPECT_EQ(all(), "lives\n");
  ::waitpid(born.pid, nullptr, 0);
  cgroups->remove_empty();
}

INSTANTIATE_TEST_SUITE_P(Both, Births, testing::Values(&give_birth, &give_birth_by_fork));

}  // namespace
}  // namespace systole::io

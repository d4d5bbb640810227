// SPDX-License-Identifier: GPL-2.0-or-later
// Cgroups of resources: where they are is read from texts, what they do is seen with the real kernel.
#include "crmd/io/cgroups.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

namespace systole::io {
namespace {

constexpr const char* mounts =
    "23 1 0:20 / /sys rw - sysfs sysfs rw\n"
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw shared:9 - cgroup cgroup rw,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

TEST(Cgroups, the_own_one_is_found_where_cgroup2_is_mounted) {
  EXPECT_EQ(own_cgroup(mounts, "9:name=systemd:/x\n0::/\n"), "/sys/fs/cgroup/unified");
  EXPECT_EQ(own_cgroup(mounts, "0::/system.slice/systole.service\n"),
            "/sys/fs/cgroup/unified/system.slice/systole.service");
  EXPECT_EQ(own_cgroup("30 23 0:26 / /sys/fs/cgroup rw shared:4 master:2 - cgroup2 cgroup2 rw\n", "0::/a\n"),
            "/sys/fs/cgroup/a");
}

TEST(Cgroups, a_mount_of_a_part_of_the_tree_and_odd_names_are_understood) {
  EXPECT_EQ(own_cgroup("30 23 0:26 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/box/a\n"), "/sys/fs/cgroup/a");
  EXPECT_EQ(own_cgroup("30 23 0:26 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/other\n"), "");
  EXPECT_EQ(own_cgroup("30 23 0:26 / /my\\040mount rw - cgroup2 none rw\n", "0::/a\n"), "/my mount/a");
}

TEST(Cgroups, without_cgroup2_there_is_none) {
  EXPECT_EQ(own_cgroup("31 23 0:28 / /sys/fs/cgroup rw - cgroup cgroup rw,cpu\n", "1:cpu:/\n"), "");
  EXPECT_EQ(own_cgroup("", ""), "");
  EXPECT_EQ(own_cgroup("broken - cgroup2 x\n", "0::/\n"), "");
}

TEST(Cgroups, any_name_of_a_resource_is_a_folder_of_its_own) {
  EXPECT_EQ(as_folder_name("vip-1_a"), "vip-1_a");
  EXPECT_EQ(as_folder_name("db:0"), "db%3A0");
  EXPECT_EQ(as_folder_name("../x"), "%2E%2E%2Fx");
  EXPECT_NE(as_folder_name(""), "");
}

class RealCgroups : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Cgroups::open("test-io-" + std::to_string(::getpid()));
    if (!opened) GTEST_SKIP() << opened.error().what;
    cgroups_.emplace(std::move(*opened));
  }
  void TearDown() override {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    if (cgroups_) cgroups_->remove_empty();
  }

  std::optional<Cgroups> cgroups_;
  pid_t child_ = 0;
};

TEST_F(RealCgroups, a_child_that_enters_before_exec_is_there_with_all_that_it_becomes) {
  const auto path = cgroups_->make("db:0");
  ASSERT_TRUE(path);
  const Fd door = Cgroups::door_of(*path);
  ASSERT_TRUE(door);
  int entered[2];
  ASSERT_EQ(::pipe(entered), 0);
  child_ = ::fork();
  if (child_ == 0) {
    const char fine = Cgroups::enter(door.get()) ? 'y' : 'n';
    if (::write(entered[1], &fine, 1) == 1) ::execlp("sleep", "sleep", "60", nullptr);
    ::_exit(1);
  }
  char fine = 'n';
  ASSERT_EQ(::read(entered[0], &fine, 1), 1);
  EXPECT_EQ(fine, 'y');
  ::close(entered[0]);
  ::close(entered[1]);
  std::ifstream procs(*path + "/cgroup.procs");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(procs), {}), std::to_string(child_) + "\n");
  EXPECT_FALSE(cgroups_->remove("db:0")) << "something is in it";
  std::ofstream(*path + "/cgroup.kill") << "1";
  int status = 0;
  ASSERT_EQ(::waitpid(std::exchange(child_, 0), &status, 0) > 0, true);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_TRUE(cgroups_->remove("db:0"));
}

TEST_F(RealCgroups, empty_ones_are_swept_and_made_again_when_needed) {
  const auto path = cgroups_->make("vip");
  ASSERT_TRUE(path);
  EXPECT_EQ(cgroups_->make("vip"), path) << "making it twice is no error";
  cgroups_->remove_empty();
  EXPECT_NE(::access(path->c_str(), F_OK), 0);
  EXPECT_EQ(cgroups_->make("vip"), path);
}

}  // namespace
}  // namespace systole::io

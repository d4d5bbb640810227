// SPDX-License-Identifier: GPL-2.0-or-later
// One daemon per run directory.
#include "crmd/io/run_directory.hpp"

#include <unistd.h>

#include "tests/unit/io/scratch.hpp"

namespace systole::io {
namespace {

using RunDirectory = test::Scratch;

TEST_F(RunDirectory, a_second_daemon_hears_the_pid_of_the_first) {
  const auto first = PidFile::take(folder + "/crmd.pid");
  ASSERT_TRUE(first);
  const auto second = PidFile::take(folder + "/crmd.pid");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::exists);
  EXPECT_NE(second.error().what.find("already running (pid " + std::to_string(::getpid()) + ")"), std::string::npos)
      << second.error().what;
}

TEST_F(RunDirectory, what_a_dead_daemon_left_behind_does_not_matter) {
  write("crmd.pid", "4711\n", 0644);
  EXPECT_TRUE(PidFile::take(folder + "/crmd.pid"));
  EXPECT_TRUE(PidFile::take(folder + "/crmd.pid")) << "the lock outlived its owner";
}

TEST_F(RunDirectory, missing_directories_are_made_and_a_file_in_the_way_is_named) {
  EXPECT_TRUE(make_directory(folder + "/a/b", 0750));
  EXPECT_TRUE(std::filesystem::is_directory(folder + "/a/b"));
  write("file", "", 0644);
  const auto made = make_directory(folder + "/file", 0750);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().what.find(folder + "/file"), std::string::npos);
}

}  // namespace
}  // namespace systole::io

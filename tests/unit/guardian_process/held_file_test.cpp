// SPDX-License-Identifier: GPL-2.0-or-later
// What a guardian leaves to the next one.
#include "crmd/guardian_process/held_file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace systole::guardian {
namespace {

const Holding vip{"vip", {"10.0.0.5"}, "", {}, {}};
const Holding db{"db", {}, "/sys/fs/cgroup/systole-n1/db", {4711}, {"/run/mysqld/mysqld.pid"}};

struct HeldFileTest : testing::Test {
  HeldFileTest() {
    std::string pattern = testing::TempDir() + "systole-held-XXXXXX";
    folder = ::mkdtemp(pattern.data());
  }
  ~HeldFileTest() override { std::filesystem::remove_all(folder); }

  std::string folder;
  std::string path() const { return folder + "/held"; }
};

TEST_F(HeldFileTest, what_was_saved_is_found_by_the_next_guardian) {
  const HeldFile file(path());
  ASSERT_TRUE(file.save({vip}));
  ASSERT_TRUE(file.save({vip, db}));
  EXPECT_EQ(HeldFile(path()).load().value(), (std::vector{vip, db}));
  struct stat about {};
  ASSERT_EQ(::stat(path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST_F(HeldFileTest, nothing_is_held_without_a_file_and_nothing_held_leaves_none) {
  const HeldFile file(path());
  EXPECT_TRUE(file.load().value().empty());
  ASSERT_TRUE(file.save({vip}));
  ASSERT_TRUE(file.save({}));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST_F(HeldFileTest, a_spoilt_file_is_refused) {
  for (const char* const bytes : {"", "hold 0\nresource a", "done\n"}) {
    std::ofstream(path()) << bytes;
    EXPECT_FALSE(HeldFile(path()).load()) << bytes;
  }
}

TEST_F(HeldFileTest, a_folder_that_is_gone_is_an_error_in_words) {
  const auto saved = HeldFile(folder + "/nowhere/held").save({vip});
  ASSERT_FALSE(saved);
  EXPECT_NE(saved.error().what.find("/nowhere/held"), std::string::npos);
}

}  // namespace
}  // namespace systole::guardian

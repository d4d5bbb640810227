// SPDX-License-Identifier: GPL-2.0-or-later
// The lease page outlives its guardian, but not the boot of the machine.
#include "crmd/guardian_process/lease_file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace systole::guardian {
namespace {

struct LeaseFileTest : testing::Test {
  LeaseFileTest() {
    std::string pattern = testing::TempDir() + "systole-lease-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    path = folder + "/lease";
  }
  ~LeaseFileTest() override { std::filesystem::remove_all(folder); }

  /// As crmd does it: into the page at its place.
  void write_at(std::size_t offset, const std::string& bytes) const {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
  }
  void write_until(std::int64_t until) const {
    write_at(offsetof(LeasePage, until_ns), std::string(reinterpret_cast<const char*>(&until), sizeof until));
  }

  std::string folder, path;
};

TEST_F(LeaseFileTest, a_new_page_holds_no_lease_and_is_for_its_owner_only) {
  const auto page = LeaseFile::open(path);
  ASSERT_TRUE(page) << page.error().what;
  EXPECT_FALSE(page->until());
  struct stat about {};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  EXPECT_EQ(about.st_size, static_cast<off_t>(lease_page_bytes));
}

TEST_F(LeaseFileTest, a_lease_is_known_to_the_next_guardian) {
  ASSERT_TRUE(LeaseFile::open(path));
  write_until(123);
  const auto next = LeaseFile::open(path);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->until(), Time{123ns});
}

TEST_F(LeaseFileTest, a_lease_of_another_boot_is_forgotten) {
  ASSERT_TRUE(LeaseFile::open(path));
  write_until(123);
  write_at(offsetof(LeasePage, boot), "another-boot");
  const auto next = LeaseFile::open(path);
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->until());
}

TEST_F(LeaseFileTest, after_an_orderly_end_there_is_no_lease) {
  {
    auto page = LeaseFile::open(path);
    ASSERT_TRUE(page);
    write_until(123);
    page->clear();
  }
  EXPECT_FALSE(LeaseFile::open(path)->until());
}

TEST_F(LeaseFileTest, a_file_that_is_no_page_becomes_one) {
  std::ofstream(path) << "something else";
  const auto page = LeaseFile::open(path);
  ASSERT_TRUE(page);
  EXPECT_FALSE(page->until());
  EXPECT_EQ(std::filesystem::file_size(path), lease_page_bytes);
}

TEST_F(LeaseFileTest, a_folder_that_is_not_there_is_named) {
  const auto page = LeaseFile::open(folder + "/not/there");
  ASSERT_FALSE(page);
  EXPECT_NE(page.error().what.find("/not/there"), std::string::npos);
}

}  // namespace
}  // namespace systole::guardian

// SPDX-License-Identifier: GPL-2.0-or-later
// The real disk in a directory of its own under the build's temporary place.
#include "cib/store/posix_disk.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cib/store/store.hpp"

namespace systole::cib {
namespace {

class OnDisk : public testing::Test {
 protected:
  OnDisk() {
    std::string pattern = testing::TempDir() + "/systole-store-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~OnDisk() override { std::filesystem::remove_all(path_); }
  PosixDisk disk() const {
    auto opened = PosixDisk::open(path_ + "/cib");
    EXPECT_TRUE(opened) << opened.error().what;
    return std::move(*opened);
  }
  std::string path_;
};

Stamped document(std::uint64_t index) {
  return {{{1, NodeId{1}}, index}, "<cib epoch=\"" + std::to_string(index) + "\"/>\n"};
}

TEST_F(OnDisk, a_store_survives_the_process_that_wrote_it) {
  {
    PosixDisk first = disk();
    Store store(first, 2);
    for (std::uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(store.save(document(i)));
    ASSERT_TRUE(store.save_vote({4, NodeId{2}}));
  }
  PosixDisk second = disk();
  Store store(second);
  const auto loaded = store.load("when");
  ASSERT_TRUE(loaded) << loaded.error().what;
  EXPECT_EQ(loaded->newest, document(5));
  EXPECT_EQ(*store.load_vote(), (Vote{4, NodeId{2}}));
  auto names = *second.list();
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"cib-3.xml", "cib-4.xml", "cib.xml", "term"}));
}

TEST_F(OnDisk, files_are_for_their_owner_only) {
  PosixDisk here = disk();
  ASSERT_TRUE(here.write_atomically("cib.xml", "x"));
  struct stat facts {};
  ASSERT_EQ(::stat((path_ + "/cib/cib.xml").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777U, 0600U);
}

TEST_F(OnDisk, a_leftover_of_a_crash_is_overwritten_and_a_planted_link_is_not_followed) {
  PosixDisk here = disk();
  std::ofstream(path_ + "/victim") << "precious";
  std::filesystem::create_symlink(path_ + "/victim", path_ + "/cib/.cib.xml.new");
  ASSERT_TRUE(here.write_atomically("cib.xml", "new"));
  EXPECT_EQ(*here.read("cib.xml"), "new");
  std::string victim;
  std::ifstream(path_ + "/victim") >> victim;
  EXPECT_EQ(victim, "precious");
}

TEST_F(OnDisk, an_absent_file_is_not_found_and_the_error_names_it) {
  const auto bytes = disk().read("cib.xml");
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, Errc::not_found);
  EXPECT_EQ(bytes.error().what, "opening " + path_ + "/cib/cib.xml: No such file or directory");
}

TEST_F(OnDisk, a_directory_that_cannot_be_is_an_error_with_its_name) {
  std::ofstream(path_ + "/file") << "x";
  const auto opened = PosixDisk::open(path_ + "/file");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().what.find(path_ + "/file"), std::string::npos);
  EXPECT_FALSE(PosixDisk::open(path_ + "/no/such/parent"));
}

TEST_F(OnDisk, a_failed_rename_leaves_everything_as_it_was) {
  PosixDisk here = disk();
  ASSERT_TRUE(here.write_atomically("a", "1"));
  EXPECT_FALSE(here.rename("b", "a"));
  EXPECT_EQ(*here.read("a"), "1");
  EXPECT_TRUE(here.remove("nothing"));
}

}  // namespace
}  // namespace systole::cib

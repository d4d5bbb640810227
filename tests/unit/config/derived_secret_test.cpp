// SPDX-License-Identifier: GPL-2.0-or-later
// Secrets out of the cluster's key.
#include "common/config/derived_secret.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

namespace systole::config {
namespace {

const std::string key(32, 'k');

// Two nodes of different releases must compute the same: this text is for ever.
TEST(DerivedSecret, is_the_same_on_every_node_and_in_every_release) {
  EXPECT_EQ(derived_secret(key, "systole mysql replication db"), "aaUYgTL-eKrcTblJeSU0uBUkXXm8KuS76zyjO8sXBYU");
}

TEST(DerivedSecret, differs_with_key_and_purpose) {
  EXPECT_NE(derived_secret(key, "a"), derived_secret(key, "b"));
  EXPECT_NE(derived_secret(key, "a"), derived_secret(key + "x", "a"));
}

TEST(DerivedSecret, can_stand_in_option_files_and_statements_without_quotes) {
  const std::string secret = derived_secret("", "");
  EXPECT_EQ(secret.size(), 43U);
  EXPECT_TRUE(std::ranges::all_of(secret, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  }));
}

TEST(ForeignKey, is_read_only_if_nobody_else_may_read_it_and_it_is_long_enough) {
  const std::string path = testing::TempDir() + "/foreign-key";
  std::ofstream(path) << std::string(128, 'x');
  ASSERT_EQ(::chmod(path.c_str(), 0400), 0);
  EXPECT_EQ(read_foreign_key(path).value(), std::string(128, 'x'));
  ASSERT_EQ(::chmod(path.c_str(), 0440), 0);
  EXPECT_EQ(read_foreign_key(path).error().code, Errc::permission);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  std::ofstream(path) << "short";
  EXPECT_EQ(read_foreign_key(path).error().code, Errc::invalid);
  EXPECT_EQ(read_foreign_key(path + "-none").error().code, Errc::not_found);
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace systole::config

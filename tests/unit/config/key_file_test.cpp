// SPDX-License-Identifier: GPL-2.0-or-later
// The key file: what opens it, what is refused.
#include "common/config/key_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace systole::config {
namespace {

struct KeyFile : testing::Test {
  void SetUp() override {
    std::string pattern = testing::TempDir() + "h6-key-XXXXXX";
    folder = ::mkdtemp(pattern.data());
    path = folder + "/authkey";
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string folder, path;
};

TEST_F(KeyFile, a_generated_key_is_readable_by_its_owner_only_and_opens) {
  ASSERT_TRUE(generate_key_file(path));
  struct stat about {};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777u, 0400u);
  const auto keys = read_key_file(path);
  ASSERT_TRUE(keys) << keys.error().what;
  EXPECT_EQ(keys->size(), 1u);
  EXPECT_NE(keys->front(), Key{});
}

TEST_F(KeyFile, an_existing_key_is_never_replaced) {
  ASSERT_TRUE(generate_key_file(path));
  const auto before = read_key_file(path);
  const auto again = generate_key_file(path);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::exists);
  EXPECT_EQ(read_key_file(path).value(), before.value());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1) << "a temporary file was left behind";
}

TEST_F(KeyFile, a_key_that_others_may_read_is_refused_with_the_command_that_helps) {
  ASSERT_TRUE(generate_key_file(path));
  for (const mode_t mode : {0440u, 0604u, 0777u, 0500u}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    const auto keys = read_key_file(path);
    ASSERT_FALSE(keys);
    EXPECT_EQ(keys.error().code, Errc::permission);
    EXPECT_NE(keys.error().what.find("chmod 0400 " + path), std::string::npos) << keys.error().what;
  }
}

TEST_F(KeyFile, what_is_no_regular_file_is_refused_and_does_not_hang) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0400), 0);
  EXPECT_EQ(read_key_file(path).error().code, Errc::permission);
  EXPECT_EQ(read_key_file(folder).error().code, Errc::permission);
}

TEST_F(KeyFile, a_missing_key_says_how_to_make_one) {
  const auto keys = read_key_file(path);
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.error().code, Errc::not_found);
  EXPECT_NE(keys.error().what.find("systole keygen"), std::string::npos);
}

TEST(Keys, hex_base64_and_raw_bytes_are_the_same_key) {
  const std::string raw = "0123456789abcdef0123456789ABCDEF";
  const std::string hex = "3031323334353637383961626364656630313233343536373839414243444546";
  const std::string base64 = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=";
  const auto of_raw = parse_keys(raw, "k");
  ASSERT_TRUE(of_raw);
  EXPECT_EQ(parse_keys("# comment\n" + hex + "\n", "k").value(), *of_raw);
  EXPECT_EQ(parse_keys(base64, "k").value(), *of_raw);
  EXPECT_EQ(parse_keys(hex + "\n" + base64 + "\n", "k").value().size(), 2u);
}

TEST(Keys, a_bad_line_is_named_but_not_shown) {
  const auto keys = parse_keys("# fine\nsecret-but-too-short\n", "authkey");
  ASSERT_FALSE(keys);
  EXPECT_NE(keys.error().what.find("authkey:2:"), std::string::npos);
  EXPECT_EQ(keys.error().what.find("secret"), std::string::npos);
  EXPECT_FALSE(parse_keys("", "authkey"));
}

TEST(Keys, one_more_key_is_added_below_and_the_first_still_seals) {
  Key old{}, fresh{};
  old.fill(0xaa);
  fresh.fill(0xbb);
  for (const std::string& content :
       {"# mine\n" + std::string(64, 'a') + "\n", std::string(64, 'a'), std::string(32, '\xaa')}) {
    const auto text = with_added_key(content, fresh, "k");
    ASSERT_TRUE(text) << text.error().what;
    EXPECT_EQ(parse_keys(*text, "k").value(), (std::vector<Key>{old, fresh}));
    EXPECT_EQ(with_added_key(*text, fresh, "k").error().code, Errc::exists);
  }
  EXPECT_EQ(with_added_key("# mine\n" + std::string(64, 'a'), fresh, "k")->rfind("# mine\n", 0), 0u);
}

TEST(Keys, there_is_a_limit_to_how_many_may_be_added) {
  std::string content = first_key_text(Key{});
  for (unsigned char n = 1; n < 8; ++n) {
    Key key{};
    key.fill(n);
    content = with_added_key(content, key, "k").value();
  }
  Key last{};
  last.fill(99);
  EXPECT_EQ(with_added_key(content, last, "k").error().code, Errc::too_big);
}

}  // namespace
}  // namespace systole::config

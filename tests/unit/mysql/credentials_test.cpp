// SPDX-License-Identifier: GPL-2.0-or-later
// The passwords' file, as text and as a file with rights; and what is said about a server's content.
#include "agents/ocf/mysql/credentials.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "agents/ocf/mysql/dangers.hpp"

namespace systole::mysql {
namespace {

TEST(Credentials, are_read_from_their_two_sections) {
  const auto found = parse_credentials(
      "# ours\n[client]\npassword=not-this\n[systole-control]\nuser = root\npassword = \"se#c\\\"ret \\\\\" # note\n"
      "; more\n[ systole-replication ]\r\npassword='a b'\r\n[mysqldump]\nquick\n");
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(found->control, (Credential{.user = "root", .password = "se#c\"ret \\"}));
  EXPECT_EQ(found->replication, (Credential{.user = std::nullopt, .password = "a b"}));
}

TEST(Credentials, may_be_empty_on_purpose) {
  const auto found = parse_credentials("[systole-control]\npassword=\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->control.password, "");
}

TEST(Credentials, that_could_be_read_in_two_ways_are_refused_without_being_quoted) {
  const std::vector<std::string> faulty{
      "",
      "[client]\npassword=hidden\n",
      "[systole-control]\nhidden\n",
      "[systole-control]\npasswd=hidden\n",
      "[systole-control]\npassword\n",
      "[systole-control\npassword=hidden\n",
      "[systole-control]\npassword=hid#den\n",
      "[systole-control]\npassword=\"hidden\n",
      "[systole-control]\npassword=\"hid\"den\"\n",
      "[systole-control]\npassword=hidden\npassword=hidden\n",
      "[systole-control]\nuser=\n",
      std::string("[systole-control]\npassword=hid\0den\n", 35),
  };
  for (const std::string& text : faulty) {
    const auto found = parse_credentials(text);
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().code, Errc::invalid) << text;
    EXPECT_EQ(found.error().what.find("hid"), std::string::npos) << found.error().what;
  }
}

class CredentialsFile : public ::testing::Test {
 protected:
  CredentialsFile() {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/systole.cnf";
  }
  ~CredentialsFile() override {
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  void write(const std::string& text, mode_t mode) {
    std::ofstream(path_) << text;
    EXPECT_EQ(::chmod(path_.c_str(), mode), 0);
  }
  std::string folder_ = "/tmp/systole-credentials-XXXXXX", path_;
};

TEST_F(CredentialsFile, must_be_closed_to_others) {
  for (const mode_t mode : {0644U, 0640U, 0604U, 0620U, 0610U}) {
    write("[systole-control]\npassword=hidden\n", mode);
    const auto found = load_credentials(path_);
    ASSERT_FALSE(found) << mode;
    EXPECT_EQ(found.error().code, Errc::permission);
    EXPECT_NE(found.error().what.find("chmod 600"), std::string::npos) << found.error().what;
  }
  write("[systole-control]\npassword=hidden\n", 0600);
  ASSERT_TRUE(load_credentials(path_));
  EXPECT_EQ(load_credentials(path_)->control.password, "hidden");
}

TEST_F(CredentialsFile, says_what_is_wrong_with_it_and_where) {
  const auto missing = load_credentials(path_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_NE(missing.error().what.find(path_), std::string::npos);
  write("[systole-control]\n\nhidden\n", 0600);
  EXPECT_NE(load_credentials(path_).error().what.find("line 3"), std::string::npos);
  write(std::string(100'000, '#'), 0600);
  EXPECT_EQ(load_credentials(path_).error().code, Errc::too_big);
  EXPECT_EQ(load_credentials(folder_).error().code, Errc::permission) << "a directory";
}

TEST_F(CredentialsFile, of_somebody_else_is_refused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  write("[systole-control]\npassword=hidden\n", 0600);
  ASSERT_EQ(::chown(path_.c_str(), 1, 1), 0);
  EXPECT_EQ(load_credentials(path_).error().code, Errc::permission);
}

TEST(Dangers, of_a_binary_log_without_whole_rows_say_what_undoing_needs) {
  EXPECT_EQ(danger_of_format("ROW", "FULL"), "");
  EXPECT_EQ(danger_of_format("", ""), "");
  for (const auto& [format, image] : {std::pair{"MIXED", "FULL"}, std::pair{"STATEMENT", ""},
                                      std::pair{"ROW", "MINIMAL"}, std::pair{"row", "NOBLOB"}})
    EXPECT_NE(danger_of_format(format, image).find("--flashback"), std::string::npos) << format << image;
}

TEST(Dangers, of_super_end_with_10_11) {
  EXPECT_TRUE(super_is_free("10.6.12-MariaDB-log"));
  EXPECT_TRUE(super_is_free("8.0.36"));
  EXPECT_TRUE(super_is_free("x"));
  EXPECT_FALSE(super_is_free("10.11.19-MariaDB"));
  EXPECT_FALSE(super_is_free("11.4.2-MariaDB"));
}

}  // namespace
}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// The server's command line.
#include "agents/ocf/mysql/options.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace systole::mysql {
namespace {

std::ptrdiff_t place(const std::vector<std::string>& argv, const std::string& word) {
  const auto found = std::ranges::find(argv, word);
  return found == argv.end() ? -1 : found - argv.begin();
}

ServerOptions plain() {
  return {.binary = "/usr/sbin/mariadbd",
          .config = "/etc/my.cnf",
          .datadir = "/d",
          .user = "mysql",
          .log = "/l",
          .pid = "/p",
          .socket = "/s"};
}

TEST(CommandLine, names_the_configuration_file_first) {
  EXPECT_EQ(command_line(plain()).at(1), "--defaults-file=/etc/my.cnf");
}

TEST(CommandLine, keeps_the_server_read_only_whatever_the_user_adds) {
  ServerOptions options = plain();
  options.additional = {"--read-only=OFF", "--gtid-strict-mode=OFF", "--skip-slave-start=0",
                        "--slave-parallel-threads=8"};
  const auto argv = command_line(options);
  for (const auto& [users, ours] :
       {std::pair{"--read-only=OFF", "--read-only=ON"}, std::pair{"--gtid-strict-mode=OFF", "--gtid-strict-mode=ON"},
        std::pair{"--skip-slave-start=0", "--skip-slave-start"}})
    EXPECT_LT(place(argv, users), place(argv, ours)) << users;
  EXPECT_LT(place(argv, "--slave-parallel-threads=4"), place(argv, "--slave-parallel-threads=8"))
      << "the number of appliers is the user's to choose";
}

TEST(CommandLine, adds_a_binary_log_only_where_none_is_configured) {
  ServerOptions options = plain();
  EXPECT_GE(place(command_line(options), "--log-bin=mysql-bin"), 0);
  options.log_bin_configured = true;
  EXPECT_EQ(place(command_line(options), "--log-bin=mysql-bin"), -1);
}

TEST(CommandLine, tells_crash_recovery_the_role) {
  ServerOptions options = plain();
  EXPECT_GE(place(command_line(options), "--init-rpl-role=MASTER"), 0);
  options.role = Role::replica;
  EXPECT_GE(place(command_line(options), "--init-rpl-role=SLAVE"), 0);
}

TEST(Options, are_recognised_in_both_spellings) {
  EXPECT_TRUE(sets_option({"--log_bin=/x"}, "log-bin"));
  EXPECT_TRUE(sets_option({"--log-bin"}, "log_bin"));
  EXPECT_FALSE(sets_option({"--log-bin-index=/x"}, "log-bin"));
  EXPECT_FALSE(sets_option({}, "log-bin"));
}

TEST(Options, know_the_wrapper_by_its_name) {
  EXPECT_TRUE(is_safe_wrapper("/usr/bin/mysqld_safe"));
  EXPECT_TRUE(is_safe_wrapper("mariadbd-safe"));
  EXPECT_FALSE(is_safe_wrapper("/usr/sbin/mariadbd"));
  EXPECT_FALSE(is_safe_wrapper("/opt/mysqld_safe/mariadbd"));
}

}  // namespace
}  // namespace systole::mysql

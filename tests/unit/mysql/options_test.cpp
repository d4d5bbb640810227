// SPDX-License-Identifier: GPL-2.0-or-later
// The server's command line.
#include "agents/ocf/mysql/options.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>

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
  EXPECT_LT(place(argv, "--slave-parallel-threads=16"), place(argv, "--slave-parallel-threads=8"))
      << "the number of appliers is the user's to choose";
}

TEST(CommandLine, adds_a_binary_log_only_where_none_is_configured) {
  ServerOptions options = plain();
  EXPECT_GE(place(command_line(options), "--log-bin=mysql-bin"), 0);
  options.log_bin_configured = true;
  EXPECT_EQ(place(command_line(options), "--log-bin=mysql-bin"), -1);
}

TEST(CommandLine, flushes_the_relay_log_when_an_acknowledgement_shall_survive_the_loss_of_all_power) {
  ServerOptions options = plain();
  EXPECT_EQ(place(command_line(options), "--sync-relay-log=1"), -1);
  options.sync_relay_log = true;
  options.additional = {"--sync-relay-log=0"};
  EXPECT_LT(place(command_line(options), "--sync-relay-log=0"), place(command_line(options), "--sync-relay-log=1"));
}

TEST(CommandLine, by_file_and_position_applies_with_one_thread_and_leaves_the_strict_mode_to_the_user) {
  ServerOptions options = plain();
  options.by_file = true;
  const auto argv = command_line(options);
  EXPECT_GE(place(argv, "--slave-parallel-threads=0"), 0);
  EXPECT_EQ(place(argv, "--gtid-strict-mode=ON"), -1);
}

TEST(CommandLine, of_mysql_has_its_words_and_none_that_only_mariadb_knows) {
  for (const auto& [version, skip, updates] :
       {std::tuple{"5.7.44", "--skip-slave-start", "--log-slave-updates=ON"},
        std::tuple{"8.0.36", "--skip-replica-start", "--log-replica-updates=ON"},
        std::tuple{"8.4.3", "--skip-replica-start", "--log-replica-updates=ON"}}) {
    ServerOptions options = plain();
    options.dialect = Dialect::of(version).value();
    options.extra_port = 3307;
    options.role = Role::replica;
    options.relay_log = "x";
    const auto argv = command_line(options);
    for (const char* const word : {"--read-only=ON", "--super-read-only=ON", skip, updates, "--server-id=1"})
      EXPECT_GE(place(argv, word), 0) << version << " " << word;
    for (const std::string& word : argv)
      for (const char* const foreign :
           {"init-rpl-role", "extra-port", "gtid-strict", "slave-parallel-mode", "--relay-log="})
        EXPECT_EQ(word.find(foreign), std::string::npos) << version << " " << word;
    EXPECT_EQ(place(argv, "--relay-log-info-repository=TABLE") >= 0, std::string(version) == "5.7.44");
  }
}

TEST(CommandLine, opens_a_second_port_with_room_for_some_replicas_where_one_is_named) {
  ServerOptions options = plain();
  for (const std::string& word : command_line(options)) EXPECT_FALSE(word.starts_with("--extra")) << word;
  options.extra_port = 3307;
  EXPECT_GE(place(command_line(options), "--extra-port=3307"), 0);
  EXPECT_GE(place(command_line(options), "--extra-max-connections=20"), 0);
  options.extra_connections_configured = true;
  EXPECT_EQ(place(command_line(options), "--extra-max-connections=20"), -1);
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

TEST(Options, are_read_from_what_the_server_prints) {
  const auto options = printed_options(
      "mariadbd would have been started with the following arguments:\n"
      "--socket=/run/s --init-connect=SET NAMES utf8 --loose_innodb_x=1 --log-bin \n");
  EXPECT_EQ(options, (std::vector<std::string>{"--socket=/run/s", "--init-connect=SET NAMES utf8", "--loose_innodb_x=1",
                                               "--log-bin"}));
  EXPECT_TRUE(printed_options("").empty());
  EXPECT_TRUE(printed_options("error: Found option without preceding group in config file: x").empty());
}

TEST(Options, that_come_last_count) {
  EXPECT_EQ(option_value({"--port=1", "--port=2"}, "port"), "2");
  EXPECT_EQ(option_value({"--pid_file=/a"}, "pid-file"), "/a");
  EXPECT_EQ(option_value({"--loose-port=7"}, "port"), "7");
  EXPECT_EQ(option_value({"--log-error"}, "log-error"), std::nullopt);
  EXPECT_EQ(option_value({"--log-error="}, "log-error"), std::nullopt);
  EXPECT_EQ(option_value({"--init-connect=a=b"}, "init-connect"), "a=b");
}

TEST(Options, are_switched_off_in_four_ways) {
  for (const char* const word : {"--skip-log-bin", "--disable_log_bin", "--log-bin=0", "--log-bin=OFF"})
    EXPECT_TRUE(is_switched_off({"--log-bin=/x", word}, "log-bin")) << word;
  for (const char* const word : {"--log-bin", "--log-bin=/var/log/off", "--skip-log-bin=0", "--skip-log-bins"})
    EXPECT_FALSE(is_switched_off({word}, "log-bin")) << word;
  EXPECT_FALSE(is_switched_off({"--skip-log-bin", "--log-bin=x"}, "log-bin"));
}

TEST(Options, that_cannot_be_safe_are_named) {
  EXPECT_TRUE(unsafe_options({"--log-bin", "--server-id=3", "--innodb=ON"}).empty());
  EXPECT_TRUE(unsafe_options({}).empty());
  for (const auto& [word, name] : {std::pair{"--skip-log-bin", "log-bin"}, std::pair{"--innodb=0", "innodb"},
                                   std::pair{"--server_id=0", "server-id"}}) {
    const auto found = unsafe_options({word});
    ASSERT_EQ(found.size(), 1U) << word;
    EXPECT_TRUE(found.front().starts_with(name)) << found.front();
  }
}

TEST(CommandLine, asks_for_rows_in_the_binary_log_unless_the_user_wants_something_else) {
  ServerOptions options = plain();
  EXPECT_EQ(place(command_line(options), "--binlog-format=ROW"), -1);
  options.log_rows = true;
  options.additional = {"--binlog-format=MIXED"};
  const auto argv = command_line(options);
  ASSERT_GE(place(argv, "--binlog-format=ROW"), 0);
  EXPECT_LT(place(argv, "--binlog-format=ROW"), place(argv, "--binlog-format=MIXED"));
}

TEST(Options, know_the_wrapper_by_its_name) {
  EXPECT_TRUE(is_safe_wrapper("/usr/bin/mysqld_safe"));
  EXPECT_TRUE(is_safe_wrapper("mariadbd-safe"));
  EXPECT_FALSE(is_safe_wrapper("/usr/sbin/mariadbd"));
  EXPECT_FALSE(is_safe_wrapper("/opt/mysqld_safe/mariadbd"));
}

}  // namespace
}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// One server: start, stop, monitor, and what may go wrong with a process.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "agents/kit/agent.hpp"
#include "agents/kit/process.hpp"
#include "tests/agents/mysql/rig.hpp"

namespace systole::mysql {
namespace {

TEST(MysqlServer, starts_read_only_and_stops_and_each_twice) {
  Rig rig({"n1"});
  EXPECT_EQ(rig.call("n1", "monitor").code, 7);
  EXPECT_EQ(rig.call("n1", "stop").code, 0);
  EXPECT_EQ(rig.call("n1", "demote").code, 7);
  EXPECT_EQ(rig.call("n1", "promote").code, 7);
  const Answer started = rig.call("n1", "start");
  ASSERT_EQ(started.code, 0) << started.err;
  EXPECT_EQ(rig.call("n1", "start").code, 0);
  EXPECT_EQ(rig.call("n1", "monitor").code, 0);
  EXPECT_EQ(rig.call("n1", "status").code, 0);
  EXPECT_EQ(rig.sql("n1",
                    "SELECT @@read_only, @@event_scheduler, @@gtid_strict_mode, @@log_slave_updates, @@sync_binlog, "
                    "@@innodb_flush_log_at_trx_commit, @@rpl_semi_sync_slave_enabled, @@slave_parallel_mode"),
            "1 OFF 1 1 1 1 1 optimistic");
  EXPECT_EQ(rig.attribute("n1", "master-db"), "10");
  EXPECT_EQ(rig.attribute("n1", "readable"), "0");
  EXPECT_EQ(rig.call("n1", "stop").code, 0);
  EXPECT_EQ(rig.call("n1", "stop").code, 0);
  EXPECT_EQ(rig.call("n1", "monitor").code, 7);
  EXPECT_EQ(rig.attribute("n1", "master-db"), "");
}

TEST(MysqlServer, lives_in_a_session_of_its_own_and_holds_none_of_the_callers_pipes) {
  Rig rig({"n1"});
  ASSERT_EQ(rig.call("n1", "start").code, 0);  // returns only because the server does not hold its pipes
  const pid_t pid = rig.server("n1")->pid();
  EXPECT_EQ(::getsid(pid), pid);
}

TEST(MysqlServer, says_what_is_missing_and_which_code) {
  Rig rig({"n1"});
  const Answer binary = rig.call("n1", "start", {{"binary", "/nowhere/mariadbd"}});
  EXPECT_EQ(binary.code, 5);
  EXPECT_NE(binary.err.find("/nowhere/mariadbd"), std::string::npos);
  EXPECT_EQ(rig.call("n1", "start", {{"user", "nobody-of-this-name"}}).code, 5);
  EXPECT_EQ(rig.call("n1", "start", {{"datadir", "/nowhere"}}).code, 5);
  EXPECT_EQ(rig.call("n1", "start", {{"config", "/nowhere/my.cnf"}}).code, 5);
  EXPECT_EQ(rig.call("n1", "validate-all").code, 0);
  EXPECT_EQ(rig.call("n1", "monitor", {{"binary", "/nowhere/mariadbd"}}).code, 7);
  EXPECT_EQ(rig.call("n1", "replicate").code, 3);
  EXPECT_EQ(rig.call("n1", "start", {{"max_slave_lag", "soon"}}).code, 6);
}

TEST(MysqlServer, that_dies_while_starting_is_reported_with_its_own_words) {
  Rig rig({"n1"});
  const Answer answer = rig.call("n1", "start", {{"additional_parameters", "--no-such-option=1"}});
  EXPECT_EQ(answer.code, 1);
  EXPECT_NE(answer.err.find("no-such-option"), std::string::npos) << answer.err;
  EXPECT_LT(answer.took, 10s);
}

TEST(MysqlServer, without_a_cluster_of_roles_is_simply_writable) {
  Rig rig({"n1"});
  const Extra plain{{"CRM_meta_promoted_max", ""}};
  ASSERT_EQ(rig.call("n1", "start", plain).code, 0);
  EXPECT_EQ(rig.call("n1", "monitor", plain).code, 0);
  EXPECT_EQ(rig.sql("n1", "SELECT @@read_only"), "0");
}

TEST(MysqlServer, is_found_without_its_pid_file_and_a_stranger_in_the_pid_file_is_left_alone) {
  Rig rig({"n1"});
  ASSERT_EQ(rig.call("n1", "start").code, 0);
  const std::string pid_file = rig.folder("n1") + "/run/pid";
  ASSERT_EQ(::unlink(pid_file.c_str()), 0);
  EXPECT_EQ(rig.call("n1", "monitor").code, 0);
  EXPECT_EQ(rig.call("n1", "stop").code, 0);
  EXPECT_FALSE(rig.server("n1"));

  pid_t stranger = 0;
  std::string word = "sleep", time = "60";
  char* const argv[] = {word.data(), time.data(), nullptr};
  ASSERT_EQ(::posix_spawnp(&stranger, "sleep", nullptr, nullptr, argv, environ), 0);
  std::ofstream(pid_file) << stranger << '\n';
  EXPECT_EQ(rig.call("n1", "monitor").code, 7);
  EXPECT_EQ(rig.call("n1", "stop").code, 0);
  EXPECT_EQ(::waitpid(stranger, nullptr, WNOHANG), 0) << "the stranger was killed";
  ::kill(stranger, SIGKILL);
  ::waitpid(stranger, nullptr, 0);
}

TEST(MysqlServer, that_is_frozen_fails_the_monitor_in_bounded_time_and_can_be_stopped) {
  Rig rig({"n1"});
  ASSERT_EQ(rig.call("n1", "start").code, 0);
  ASSERT_TRUE(rig.server("n1")->signal(SIGSTOP));
  const Answer monitor = rig.call("n1", "monitor", {{"sql_timeout", "1s"}});
  EXPECT_EQ(monitor.code, 1);
  EXPECT_NE(monitor.err.find("was stopped by a signal"), std::string::npos) << monitor.err;
  EXPECT_LT(monitor.took, 3s);
  const Answer watch = rig.call("n1", "watch");
  EXPECT_EQ(watch.code, 1);
  EXPECT_NE(watch.err.find("was stopped by a signal"), std::string::npos) << watch.err;
  const Answer promote = rig.call("n1", "promote", {{"sql_timeout", "1s"}});
  EXPECT_EQ(promote.code, 1);
  EXPECT_LT(promote.took, 2s);
  const Answer stop = rig.call("n1", "stop", {{"CRM_meta_timeout", "10000"}});
  EXPECT_EQ(stop.code, 0) << stop.err;
  EXPECT_LT(stop.took, 10s);
  EXPECT_FALSE(rig.server("n1"));
}

TEST(MysqlServer, flushes_its_relay_log_where_that_is_asked_for) {
  Rig rig({"n1"});
  ASSERT_EQ(rig.call("n1", "start", {{"sync_relay_log", "on"}}).code, 0);
  EXPECT_EQ(rig.sql("n1", "SELECT @@global.sync_relay_log"), "1");
  ASSERT_EQ(rig.call("n1", "stop").code, 0);
  ASSERT_EQ(rig.call("n1", "start", {{"sync_relay_log", "off"}}).code, 0);
  EXPECT_NE(rig.sql("n1", "SELECT @@global.sync_relay_log"), "1");
}

TEST(MysqlServer, that_is_stopped_in_passing_is_healthy) {
  Rig rig({"n1"});
  ASSERT_EQ(rig.call("n1", "start").code, 0);
  const auto process = rig.server("n1");
  ASSERT_TRUE(process->signal(SIGSTOP));
  std::thread waker([&] {
    static_cast<void>(process->ended_by(Deadline::in(500ms)));
    static_cast<void>(process->signal(SIGCONT));
  });
  EXPECT_EQ(rig.call("n1", "monitor").code, 0);
  waker.join();
}

TEST(MysqlServer, that_does_not_obey_is_killed_within_the_timeout) {
  Rig rig({"n1"});
  ASSERT_EQ(rig.call("n1", "start").code, 0);
  // Refreezes it for as long as stop tries the gentle way.
  const auto process = rig.server("n1");
  std::atomic<bool> done{false};
  std::thread freezer([&] {
    while (!done) {
      static_cast<void>(process->signal(SIGSTOP));
      static_cast<void>(process->ended_by(Deadline::in(1ms)));
    }
  });
  const Answer stop = rig.call("n1", "stop", {{"CRM_meta_timeout", "4000"}});
  done = true;
  freezer.join();
  EXPECT_EQ(stop.code, 0) << stop.err;
  EXPECT_LT(stop.took, 4s);
  EXPECT_FALSE(rig.server("n1"));
}

}  // namespace
}  // namespace systole::mysql

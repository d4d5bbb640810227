// SPDX-License-Identifier: GPL-2.0-or-later
// Bad input of every kind: which exit code, which words, and that nothing is harmed. The codes are those that people
// know from the shell agents.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agents/kit/paths.hpp"
#include "agents/ocf/mysql/mysql_agent.hpp"
#include "common/base/text.hpp"
#include "tests/agents/mysql/rig.hpp"

namespace systole::mysql {
namespace {

namespace fs = std::filesystem;

const Extra plain{{"CRM_meta_promoted_max", ""}};

Extra with(Extra extra, const Extra& more) {
  for (const auto& [name, value] : more) extra[name] = value;
  return extra;
}

void append(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app) << text;
}

void make_script(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << "#!/bin/sh\n" << text;
  ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
}

/// For a call whose programs are looked for in the folder first.
Extra programs_in(const Rig& rig, const std::string& folder) {
  return {{"PATH", folder + ":" + rig.environment("n1", "start").at("PATH")}};
}

struct Row {
  const char* name;
  Extra extra;
  int code;
  const char* word = "";  // in the reason, if there is one
};

void check(Rig& rig, const std::string& action, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const Answer answer = rig.call("n1", action, row.extra);
    EXPECT_EQ(answer.code, row.code) << action << ": " << row.name << ": " << answer.err;
    const bool told = answer.code == 0 || answer.code == 7 || answer.err.find(row.word) != std::string::npos;
    EXPECT_TRUE(told) << action << ": " << row.name << ": " << answer.err;
  }
}

std::vector<Row> missing_things(int code) {
  return {
      {"no binary", {{"binary", "/nowhere/mariadbd"}}, code, "/nowhere/mariadbd"},
      {"no configuration", {{"config", "/nowhere/my.cnf"}}, code, "/nowhere/my.cnf"},
      {"no user", {{"user", "nobody-of-this-name"}}, code, "nobody-of-this-name"},
      {"no group", {{"group", "no-group-of-this-name"}}, code, "no-group-of-this-name"},
  };
}

TEST(MysqlCodes, of_what_is_missing) {
  Rig rig({"n1"});
  const auto with_datadir = [](int code) {
    std::vector<Row> rows = missing_things(code);
    rows.push_back({"no datadir", {{"datadir", "/nowhere"}}, code, "/nowhere"});
    rows.push_back({"no passwords' file", {{"credentials", "/nowhere/systole.cnf"}}, code, "/nowhere/systole.cnf"});
    return rows;
  };
  for (const char* const action : {"start", "promote", "demote", "validate-all"}) check(rig, action, with_datadir(5));
  check(rig, "monitor", with_datadir(7));
  check(rig, "status", missing_things(7));
  ASSERT_EQ(rig.call("n1", "start", plain).code, 0);
  std::vector<Row> running = missing_things(1);
  for (Row& row : running) row.extra = with(row.extra, plain);
  check(rig, "monitor", running);
  EXPECT_EQ(rig.call("n1", "monitor", plain).code, 0);
  check(rig, "stop",
        {{"no binary and no configuration",
          {{"binary", "/nowhere/mariadbd"}, {"config", "/nowhere/my.cnf"}, {"user", "no-such-user"}},
          0}});
  EXPECT_FALSE(rig.server("n1"));
}

TEST(MysqlCodes, of_values_that_are_wrong_everywhere_and_of_settings_that_cannot_be_safe) {
  Rig rig({"n1"});
  check(rig, "start",
        {{"a relative datadir", {{"datadir", "mysql"}}, 6, "datadir"},
         {"a socket that no socket can have", {{"socket", "/" + std::string(150, 's')}}, 6, "107"},
         {"a table that is none", {{"test_table", "a; DROP TABLE b"}}, 6, "test_table"},
         {"a lag that is no number", {{"max_slave_lag", "soon"}}, 6, "max_slave_lag"},
         {"a port out of range", {{"replication_port", "99999"}}, 6, "replication_port"},
         {"a bool that is none", {{"enable_creation", "perhaps"}}, 6, "enable_creation"},
         {"no binary log", {{"additional_parameters", "--skip-log-bin"}}, 6, "log-bin"},
         {"no InnoDB", {{"additional_parameters", "--innodb=OFF"}}, 6, "innodb"},
         {"no server id", {{"additional_parameters", "--server-id=0"}}, 6, "server-id"}});
  append(rig.folder("n1") + "/my.cnf", "disable_log_bin\n");
  check(rig, "start", {{"no binary log by the file", {}, 6, "log-bin"}});
  check(rig, "validate-all", {{"the same", {}, 6, "log-bin"}, {"without replicas it is nobody's business", plain, 0}});
  append(rig.folder("n1") + "/my.cnf", "user=somebody\n");
  check(rig, "validate-all", {{"two users", plain, 6, "user=somebody"}});
  std::ofstream(rig.folder("n1") + "/my.cnf") << "port=1\n[mysqld]\n";  // an option before the first section
  check(rig, "start", {{"a configuration that the server cannot read", plain, 5, "my.cnf"}});
}

TEST(MysqlCodes, of_folders_that_the_servers_user_may_not_write_to) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to run a server as somebody else";
  Rig rig({"n1"});
  const Extra nobody{{"user", "nobody"}, {"group", "nogroup"}};
  check(rig, "start", {{"a datadir of root's", nobody, 4, "datadir"}});
  ASSERT_EQ(::chmod(rig.folder("n1").substr(0, rig.folder("n1").rfind('/')).c_str(), 0755), 0);
  ASSERT_EQ(::chown((rig.folder("n1") + "/data").c_str(), 65534, 65534), 0);
  const std::string closed = rig.folder("n1") + "/closed";
  fs::create_directory(closed);
  check(rig, "start",
        {{"a pid file in a folder of root's", with(nobody, {{"pid", closed + "/pid"}}), 4, "parameter pid"},
         {"a socket in a folder of root's", with(nobody, {{"socket", closed + "/s"}}), 4, "parameter socket"},
         {"a log where no folder can be made", {{"log", "/proc/nowhere/log"}}, 4, "/proc/nowhere"}});
}

TEST(MysqlCodes, of_every_parameter_that_is_empty_or_huge_or_of_the_wrong_type) {
  Rig rig({"n1"});
  const std::vector<std::string> values{"", std::string(100'000, 'x'), "a\nb", "\xff$(false)"};
  for (const agents::Param& param : about_mysql().params) {
    for (const std::string& value : values) {
      if (param.name == "datadir" && value.empty()) continue;  // the default may be somebody's on this machine
      agents::Environment env = rig.environment("n1", "monitor");
      env["OCF_RESKEY_" + std::string(param.name)] = value;
      MysqlAgent agent;
      agents::Call monitor(about_mysql(), env, "monitor", agents::boot_now());
      const agents::Ocf code = agents::run_call(agent, monitor);
      EXPECT_TRUE(code == agents::Ocf::configured || code == agents::Ocf::not_running)
          << param.name << ": " << static_cast<int>(code);
      EXPECT_LE(monitor.reason().size(), 510U) << param.name;
      // So may a default socket or pid file: not to be removed here.
      if (param.name == "datadir" || param.name == "socket" || param.name == "pid") continue;
      agents::Call stop(about_mysql(), env, "stop", agents::boot_now());
      EXPECT_EQ(agents::run_call(agent, stop), agents::Ocf::ok) << param.name;
    }
  }
}

TEST(MysqlCodes, of_wrong_passwords_are_failures_and_never_a_primary) {
  Rig rig({"n1"});
  ASSERT_EQ(rig.call("n1", "start").code, 0);
  const Extra wrong{{"test_user", "stranger"}, {"test_passwd", "hidden-1"}, {"replication_passwd", "hidden-2"}};
  for (const char* const action : {"monitor", "promote"}) {
    const Answer answer = rig.call("n1", action, wrong);
    EXPECT_EQ(answer.code, 1) << action;
    EXPECT_NE(answer.err.find("Access denied"), std::string::npos) << answer.err;
    EXPECT_EQ(answer.err.find("hidden"), std::string::npos) << answer.err;
  }
  EXPECT_EQ(rig.log("n1").find("hidden"), std::string::npos);
  EXPECT_EQ(rig.call("n1", "stop", wrong).code, 0);
}

TEST(MysqlCodes, of_what_a_dead_server_left_are_no_hindrance) {
  Rig rig({"n1"});
  fs::create_directories(rig.folder("n1") + "/run");
  append(rig.folder("n1") + "/run/pid", "1\n");
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string socket = rig.folder("n1") + "/run/socket";
  socket.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(listener);
  EXPECT_EQ(rig.call("n1", "monitor").code, 7);
  EXPECT_EQ(rig.call("n1", "stop").code, 0);
  append(rig.folder("n1") + "/run/pid", "99999999999999999999 rubbish\n");
  EXPECT_EQ(rig.call("n1", "monitor").code, 7);
  const Answer started = rig.call("n1", "start");
  EXPECT_EQ(started.code, 0) << started.err;
}

TEST(MysqlCodes, of_a_damaged_database_come_with_the_servers_last_error) {
  Rig rig({"n1"});
  fs::resize_file(rig.folder("n1") + "/data/ibdata1", 1'000'000);
  const Answer answer = rig.call("n1", "start");
  EXPECT_EQ(answer.code, 1);
  EXPECT_NE(answer.err.find("the server ended while starting: "), std::string::npos) << answer.err;
  EXPECT_NE(answer.err.find("(log: "), std::string::npos) << answer.err;
  EXPECT_LT(answer.took, 25s);
  EXPECT_FALSE(rig.server("n1"));
}

// --- enable_creation ---

TEST(MysqlCreation, makes_a_database_and_its_folder_and_does_not_promote_it_where_a_primary_was_before) {
  Rig rig({"n1"});
  const std::string datadir = rig.folder("n1") + "/new/data";
  const Extra fresh{{"datadir", datadir}, {"enable_creation", "yes"}, {"CRM_meta_timeout", "60000"}};
  EXPECT_EQ(rig.call("n1", "validate-all", fresh).code, 0);
  EXPECT_EQ(rig.call("n1", "monitor", fresh).code, 7);
  EXPECT_FALSE(fs::exists(datadir));
  rig.set_attribute("cluster", "db_REPL_INFO", "192.0.2.1");
  const Answer started = rig.call("n1", "start", fresh);
  ASSERT_EQ(started.code, 0) << started.err;
  EXPECT_EQ(rig.sql("n1", "SELECT @@datadir"), datadir + "/");
  EXPECT_TRUE(fs::exists(datadir + "/systole_must_follow"));
  EXPECT_FALSE(fs::exists(datadir + "/systole_unfinished"));
  EXPECT_EQ(rig.attribute("n1", "master-db"), "") << "an empty database must not be promoted over a lost one";
  EXPECT_EQ(rig.call("n1", "stop", fresh).code, 0);
}

TEST(MysqlCreation, that_fails_leaves_nothing_behind_and_says_why) {
  Rig rig({"n1"});
  const std::string datadir = rig.folder("n1") + "/new", bin = rig.folder("n1") + "/bin";
  fs::create_directories(datadir + "/lost+found");
  const Extra fresh = with(programs_in(rig, bin), {{"datadir", datadir}, {"enable_creation", "1"}});
  const std::string half = "mkdir " + datadir + "/mysql; echo x > " + datadir + "/ibdata1\n";

  make_script(bin + "/mariadb-install-db", half + "echo 'ERROR: 1 no room' >&2; echo see the manual >&2; exit 3\n");
  const Answer failed = rig.call("n1", "start", fresh);
  EXPECT_EQ(failed.code, 1);
  EXPECT_NE(failed.err.find("ended with 3: ERROR: 1 no room"), std::string::npos) << failed.err;

  make_script(bin + "/mariadb-install-db", half + "sleep 100\n");
  const Answer hung = rig.call("n1", "start", with(fresh, {{"CRM_meta_timeout", "3000"}}));
  EXPECT_EQ(hung.code, 1) << hung.err;
  EXPECT_LT(hung.took, 4s);
  EXPECT_EQ(std::distance(fs::directory_iterator(datadir), {}), 1) << "lost+found was there before, and only that";
}

TEST(MysqlCreation, touches_neither_a_part_of_a_database_nor_one_that_was_not_made_to_its_end) {
  Rig rig({"n1"});
  const std::string datadir = rig.folder("n1") + "/new";
  fs::create_directories(datadir);
  const Extra fresh{{"datadir", datadir}, {"enable_creation", "1"}};
  append(datadir + "/ibdata1", "rest of a database");
  const Answer part = rig.call("n1", "start", fresh);
  EXPECT_EQ(part.code, 1);
  EXPECT_NE(part.err.find("ibdata1"), std::string::npos) << part.err;
  EXPECT_EQ(fs::file_size(datadir + "/ibdata1"), 18U);

  append(rig.folder("n1") + "/data/systole_unfinished", "");
  const Answer half = rig.call("n1", "start");
  EXPECT_EQ(half.code, 1);
  EXPECT_NE(half.err.find("not made to its end"), std::string::npos) << half.err;
}

// --- the server's own layout ---

TEST(MysqlLayout, is_the_servers_own_where_no_parameter_says_otherwise_and_is_remembered_until_stop) {
  Rig rig({"n1"});
  const std::string home = rig.folder("n1"), calls = home + "/calls";
  fs::create_directories(home + "/conf.d");
  append(home + "/my.cnf", "!includedir " + home + "/conf.d\n");
  append(home + "/conf.d/layout.cnf", "[mysqld]\ndatadir=" + home + "/data\nsocket=" + home + "/run/socket\npid_file=" +
                                          home + "/run/pid\nlog-error=" + home + "/error.log\n");
  make_script(home + "/bin/mariadbd", "echo \"$1 $2\" >> " + calls + "\nexec /usr/sbin/mariadbd \"$@\"\n");
  const Extra bare{{"datadir", ""}, {"socket", ""}, {"pid", ""}, {"log", ""}, {"binary", home + "/bin/mariadbd"}};
  EXPECT_EQ(rig.call("n1", "monitor", with(bare, {{"CRM_meta_interval", ""}})).code, 7);
  const Answer started = rig.call("n1", "start", bare);
  ASSERT_EQ(started.code, 0) << started.err;
  EXPECT_EQ(rig.sql("n1", "SELECT @@datadir, @@pid_file"), home + "/data/ " + home + "/run/pid");
  const auto asked = [&] {
    const auto text = agents::read_file(calls);
    return text ? split(*text, '\n').size() - 1 : 0;
  };
  EXPECT_EQ(asked(), 3U) << "one question of the probe, one of start, one server";
  EXPECT_EQ(rig.call("n1", "monitor", bare).code, 0);
  EXPECT_EQ(rig.call("n1", "monitor", bare).code, 0);
  EXPECT_EQ(asked(), 3U) << "a monitor runs no program for it";

  std::ofstream(home + "/conf.d/layout.cnf") << "[mysqld]\ndatadir=/nowhere\n";
  EXPECT_EQ(rig.call("n1", "monitor", with(bare, {{"CRM_meta_interval", ""}})).code, 0)
      << "a probe finds the server where it was started";
  EXPECT_EQ(rig.call("n1", "stop", bare).code, 0);
  EXPECT_FALSE(rig.server("n1"));
  EXPECT_EQ(rig.call("n1", "start", bare).code, 5) << "and from then on the configuration's new place counts";
}

}  // namespace
}  // namespace systole::mysql

// SPDX-License-Identifier: GPL-2.0-or-later
// What both agents say to MySQL, of which Debian has no server: a stand-in answers from files that were made by hand
// after the manual (answers/), and refuses what they do not have. What was said is compared with golden/, where a
// person who has such a server can read it. A passing test proves no more than that the agent says what the manual
// tells.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/base/text.hpp"
#include "tests/agents/mysql/rig.hpp"
#include "tests/golden/golden.hpp"

namespace systole::mysql {
namespace {

namespace fs = std::filesystem;

const std::string first_uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562",
                  second_uuid = "2174b383-5441-11e8-b90a-c80aa9429562";

struct Series {
  const char* name;
  const char* version;
};

class OnMysql : public ::testing::TestWithParam<Series> {
 protected:
  OnMysql() {
    for (const std::string& node : {std::string("n1"), std::string("n2")}) {
      fs::create_directories(home(node));
      fs::copy_file(FAKE_MYSQLD, home(node) + "/mysqld");
      fs::copy_file(fmt::format("{}/tests/agents/mysql/answers/mysql-{}.txt", SYSTOLE_SOURCE_DIR, GetParam().name),
                    home(node) + "/answers");
      std::ofstream state(home(node) + "/state");
      state << "version=" << GetParam().version << "\nlisten_address=" << rig.address(node)
            << "\nlisten_port=" << rig.port() << "\nread_only=1\nserver_id=1\ngtid_mode=ON\nexecuted=" << first_uuid
            << ":1-10\npurged=\nsemi=OFF\nown_file=mysql-bin.000001\nown_pos=700\nown_next=Stop\nio=No\nsql=No\n"
               "io_errno=0\nsql_errno=0\nio_error=\nsql_error=\nretrieved=\nbehind=0\nauto=0\nempty=\nfile=\npos=\n"
               "now=1800000000000000\n";
    }
  }

  std::string home(const std::string& node) const { return rig.folder(node) + "/bin"; }

  void set(const std::string& node, const std::string& name, const std::string& value) {
    std::ifstream in(home(node) + "/state");
    std::string all;
    for (std::string line; std::getline(in, line);)
      all += (line.starts_with(name + "=") ? name + "=" + value : line) + "\n";
    in.close();
    std::ofstream(home(node) + "/state") << all;
  }

  /// Calls the agent and writes down what it said to each server.
  Answer call(const std::string& node, const std::string& action, Extra extra = {}) {
    extra.emplace("binary", home(node) + "/mysqld");
    extra.emplace("log", rig.folder(node) + "/error.log");
    const Answer answer = rig.call(node, action, extra);
    note(fmt::format("{} on {}", action, node), answer);
    return answer;
  }

  Answer watch(const std::string& node, const std::string& action, Extra extra = {}) {
    extra.emplace("state", rig.folder(node) + "/watch.state");
    extra.emplace("dwell", "0s");
    const Answer answer = rig.call_program(REPLICATION_AGENT, node, action, extra);
    note(fmt::format("mysql-replication {} on {}", action, node), answer);
    return answer;
  }

  void note(const std::string& what, const Answer& answer) {
    story += fmt::format("\n# {} → {}\n", what, answer.code);
    for (const std::string node : {"n1", "n2"}) {
      std::ifstream in(home(node) + "/statements");
      std::vector<std::string> said;
      for (std::string line; std::getline(in, line);) {
        line = plain(line);
        const bool asks = line.starts_with("SELECT") || line.starts_with("SHOW");
        if (!asks || !has(said, line)) said.push_back(line);  // who waits asks the same again and again
      }
      in.close();
      fs::remove(home(node) + "/statements");
      for (const std::string& line : said) story += fmt::format("{}: {}\n", node, line);
    }
  }

  /// Without what differs from run to run.
  std::string plain(std::string line) const {
    const auto replace = [&](const std::string& old, const std::string& name) {
      for (std::size_t at = 0; (at = line.find(old, at)) != std::string::npos; at += name.size())
        line.replace(at, old.size(), name);
    };
    for (const std::string node : {"n1", "n2"}) replace(rig.address(node), "ADDRESS-" + node);
    replace(std::to_string(rig.port()), "PORT");
    const std::string drawn = "SET GLOBAL server_id=";
    return line.starts_with(drawn) ? drawn + "N" : line;
  }

  std::string command_line(const std::string& node) const {
    std::ifstream in(home(node) + "/command_line");
    std::string all = "# command line\n";
    for (std::string line; std::getline(in, line);)
      if (line.find(rig.folder(node)) == std::string::npos) all += line + "\n";
    return all;
  }

  void make_pair() {
    ASSERT_EQ(call("n1", "start").code, 0);
    ASSERT_EQ(call("n2", "start").code, 0);
    ASSERT_EQ(call("n1", "promote", Rig::promotion("n1", "n1 n2")).code, 0);
    ASSERT_EQ(call("n2", "notify", Rig::after_promotion("n1", "n1 n2")).code, 0);
    ASSERT_EQ(call("n1", "monitor").code, 8);
    ASSERT_EQ(call("n2", "monitor").code, 0);
  }

  Rig rig{{"n1", "n2"}};
  std::string story = "Said to a stand-in that answers by hand-made answers; no MySQL server has heard this.\n";
};

TEST_P(OnMysql, the_agent_follows_by_auto_position_fails_over_and_joins) {
  ASSERT_NO_FATAL_FAILURE(make_pair());
  rig.kill_server("n1");
  set("n2", "retrieved", first_uuid + ":1-12");
  set("n2", "executed", first_uuid + ":1-12");
  const Answer promoted = call("n2", "promote", Rig::promotion("n2", "n2"));
  ASSERT_EQ(promoted.code, 0) << promoted.err;
  ASSERT_EQ(call("n2", "monitor").code, 8);
  set("n1", "read_only", "1");
  set("n1", "executed", first_uuid + ":1-11");
  const Answer joined =
      call("n1", "start", {{"CRM_meta_notify_promoted_uname", "n2"}, {"CRM_meta_notify_active_uname", "n2"}});
  ASSERT_EQ(joined.code, 0) << joined.err;
  set("n1", "executed", first_uuid + ":1-12");
  ASSERT_EQ(call("n2", "demote", {{"CRM_meta_notify_active_uname", "n1 n2"}}).code, 0);
  tests::expect_golden(fmt::format("tests/agents/mysql/golden/mysql-{}-gtid.txt", GetParam().name),
                       command_line("n1") + story);
}

TEST_P(OnMysql, without_gtids_the_agent_follows_by_file_and_position) {
  set("n1", "gtid_mode", "OFF");
  set("n2", "gtid_mode", "OFF");
  ASSERT_NO_FATAL_FAILURE(make_pair());
  rig.kill_server("n1");
  const Answer promoted = call("n2", "promote", Rig::promotion("n2", "n2"));
  ASSERT_EQ(promoted.code, 0) << promoted.err;
  EXPECT_EQ(rig.attribute("cluster", "db_REPL_INFO"),
            fmt::format("{}|mysql-bin.000001|700|{}|mysql-bin.000001|700", rig.address("n2"), rig.address("n1")));
  set("n1", "read_only", "1");
  const Answer joined =
      call("n1", "start", {{"CRM_meta_notify_promoted_uname", "n2"}, {"CRM_meta_notify_active_uname", "n2"}});
  ASSERT_EQ(joined.code, 0) << joined.err;
  tests::expect_golden(fmt::format("tests/agents/mysql/golden/mysql-{}-file.txt", GetParam().name), story);
}

TEST_P(OnMysql, transactions_that_the_primary_never_had_are_named) {
  ASSERT_NO_FATAL_FAILURE(make_pair());
  rig.kill_server("n1");
  ASSERT_EQ(call("n2", "promote", Rig::promotion("n2", "n2")).code, 0);
  set("n1", "read_only", "1");
  set("n1", "executed", first_uuid + ":1-10," + second_uuid + ":4");
  const Answer joined =
      call("n1", "start", {{"CRM_meta_notify_promoted_uname", "n2"}, {"CRM_meta_notify_active_uname", "n2"}});
  EXPECT_EQ(joined.code, 1);
  EXPECT_NE(joined.err.find(second_uuid + ":4"), std::string::npos) << joined.err;
  EXPECT_NE(joined.err.find("new copy"), std::string::npos) << joined.err;
}

TEST_P(OnMysql, what_was_received_and_cannot_be_applied_prevents_a_promotion) {
  ASSERT_NO_FATAL_FAILURE(make_pair());
  rig.kill_server("n1");
  set("n2", "retrieved", first_uuid + ":1-12");
  set("n2", "sql_errno", "1062");
  set("n2", "sql_error", "Duplicate entry");
  const Answer promoted = call("n2", "promote", Rig::promotion("n2", "n2"));
  EXPECT_EQ(promoted.code, 1);
  EXPECT_NE(promoted.err.find("2 received transactions cannot be applied: error 1062"), std::string::npos)
      << promoted.err;
}

TEST_P(OnMysql, promises_of_mariadb_are_refused_before_anything_runs) {
  for (const char* const durability : {"lossless", "crash-safe", "auto"}) {
    const Answer refused = call("n1", "start", {{"durability", durability}});
    EXPECT_EQ(refused.code, 6) << durability;
    EXPECT_NE(refused.err.find("set durability=available, or install MariaDB"), std::string::npos) << refused.err;
  }
  EXPECT_EQ(call("n1", "start", {{"extra_port", "3307"}}).code, 6);
  EXPECT_EQ(call("n1", "validate-all").code, 0);
  EXPECT_FALSE(rig.server("n1"));
}

TEST_P(OnMysql, the_watcher_tells_the_state_and_starts_what_stands) {
  ASSERT_NO_FATAL_FAILURE(make_pair());
  story.clear();
  EXPECT_EQ(watch("n2", "start", {{"semi_sync", "expected"}}).code, 0);
  EXPECT_EQ(rig.attribute("n2", "readable"), "1");
  set("n2", "io", "No");
  set("n2", "sql", "No");
  const Answer mended = watch("n2", "monitor", {{"semi_sync", "expected"}});
  EXPECT_EQ(mended.code, 0) << mended.err;
  set("n2", "sql", "No");
  set("n2", "sql_errno", "1062");
  set("n2", "sql_error", "Duplicate entry '7' for key 't.PRIMARY'");
  const Answer broken = watch("n2", "monitor", {{"semi_sync", "expected"}});
  EXPECT_EQ(broken.code, 190);
  EXPECT_NE(broken.err.find("quarantined"), std::string::npos) << broken.err;
  EXPECT_EQ(rig.attribute("n2", "readable"), "0");
  EXPECT_EQ(watch("n2", "stop").code, 0);
  tests::expect_golden(
      fmt::format("tests/agents/mysql/golden/mysql-{}-watcher.txt", GetParam().name),
      "Said to a stand-in that answers by hand-made answers; no MySQL server has heard this.\n" + story);
}

INSTANTIATE_TEST_SUITE_P(Series, OnMysql,
                         ::testing::Values(Series{"5.7", "5.7.44-log"}, Series{"8.0", "8.0.36"},
                                           Series{"8.4", "8.4.3"}),
                         [](const auto& series) {
                           std::string name = std::string("mysql_") + series.param.name;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace systole::mysql

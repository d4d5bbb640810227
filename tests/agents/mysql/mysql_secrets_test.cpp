// SPDX-License-Identifier: GPL-2.0-or-later
// Where a password must not be: in a command line, in an environment but the agent's own, in a log, in a reason. And
// what is said about accounts and tables that replication does not protect.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "agents/kit/paths.hpp"
#include "tests/agents/mysql/rig.hpp"

namespace systole::mysql {
namespace {

namespace fs = std::filesystem;

const std::string control_password = "Kontrol#1", replication_password = "se'cret";

std::string text_of(const std::string& path) {
  const auto text = agents::read_file(path, 16 << 20);
  return text ? *text : std::string{};
}

bool tells(const std::string& text) {
  return text.find(control_password) != std::string::npos || text.find(replication_password) != std::string::npos;
}

/// Tools that note with which words and environment they were called.
std::string make_listening_tools(const std::string& folder) {
  fs::create_directories(folder);
  for (const char* const tool : {"crm_attribute", "crm_master", "crm_node", "attrd_updater"}) {
    std::ofstream(folder + "/" + tool) << "#!/bin/sh\n(echo \"$0 $*\"; env) >> " << folder << "/heard\nexec "
                                       << SYSTOLE_SOURCE_DIR << "/tests/agents/mysql/tools/" << tool << " \"$@\"\n";
    EXPECT_EQ(::chmod((folder + "/" + tool).c_str(), 0755), 0);
  }
  return folder + "/heard";
}

void add_control_user(Rig& rig, const std::string& node) {
  ASSERT_EQ(rig.sql(node, "CREATE USER IF NOT EXISTS ctl@localhost IDENTIFIED BY '" + control_password + "'"), "");
  ASSERT_EQ(rig.sql(node, "GRANT ALL ON *.* TO ctl@localhost"), "");
}

TEST(MysqlSecrets, are_in_no_command_line_no_environment_of_others_no_log_and_no_reason) {
  Rig rig({"n1", "n2"});
  for (const std::string node : {"n1", "n2"}) {
    ASSERT_EQ(rig.call(node, "start", {{"CRM_meta_promoted_max", ""}}).code, 0);  // writes no binary log
    add_control_user(rig, node);
    ASSERT_EQ(rig.call(node, "stop").code, 0);
  }
  const std::string tools = rig.folder("n1") + "/listening", heard = make_listening_tools(tools);
  const Extra secret{{"test_user", "ctl"},
                     {"test_passwd", control_password},
                     {"PATH", tools + ":" + rig.environment("n1", "start").at("PATH")}};
  std::string said;
  const auto call = [&](const std::string& node, const std::string& action, Extra extra, int code) {
    extra.insert(secret.begin(), secret.end());
    const Answer answer = rig.call(node, action, extra);
    EXPECT_EQ(answer.code, code) << node << " " << action << ": " << answer.err;
    said += answer.out + answer.err;
  };
  call("n1", "start", {}, 0);
  call("n2", "start", {}, 0);
  call("n1", "promote", Rig::promotion("n1", "n1 n2"), 0);
  call("n2", "notify", Rig::after_promotion("n1", "n1 n2"), 0);
  EXPECT_TRUE(eventually([&] { return rig.slave("n2", "Slave_IO_Running") == "Yes"; }))
      << rig.slave("n2", "Last_IO_Error");
  call("n2", "monitor", {}, 0);
  call("n1", "monitor", {}, 8);
  call("n1", "validate-all", {}, 0);
  for (const std::string node : {"n1", "n2"}) {
    const std::string server = "/proc/" + std::to_string(rig.server(node)->pid());
    EXPECT_FALSE(tells(text_of(server + "/cmdline")));
    EXPECT_FALSE(tells(text_of(server + "/environ")));
    EXPECT_EQ(text_of(server + "/environ").find("OCF_RESKEY_"), std::string::npos);
    EXPECT_FALSE(tells(rig.log(node))) << rig.log(node);
    EXPECT_FALSE(tells(text_of(rig.folder(node) + "/error.log")));
  }
  EXPECT_NE(text_of(heard).find("OCF_RESKEY_datadir="), std::string::npos) << "the tools were not heard";
  EXPECT_FALSE(tells(text_of(heard)));
  EXPECT_FALSE(tells(said)) << said;
}

TEST(MysqlSecrets, may_come_from_a_file_that_only_its_owner_may_read) {
  Rig rig({"n1"});
  ASSERT_EQ(rig.call("n1", "start").code, 0);
  add_control_user(rig, "n1");
  const std::string file = rig.folder("n1") + "/systole.cnf";
  std::ofstream(file) << "[systole-control]\nuser=ctl\npassword='" << control_password
                      << "'\n[systole-replication]\nuser=repl\npassword=\"" << replication_password << "\"\n";
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  const Extra from_file{
      {"credentials", file}, {"test_user", "stranger"}, {"test_passwd", "wrong"}, {"replication_passwd", "wrong"}};
  EXPECT_EQ(rig.call("n1", "monitor", from_file).code, 0);
  EXPECT_EQ(rig.call("n1", "validate-all", from_file).code, 0);

  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  for (const auto& [action, code] : {std::pair{"validate-all", 4}, std::pair{"promote", 4}, std::pair{"monitor", 1}}) {
    const Answer open = rig.call("n1", action, from_file);
    EXPECT_EQ(open.code, code) << action;
    EXPECT_NE(open.err.find("chmod 600"), std::string::npos) << open.err;
  }
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  std::ofstream(file, std::ios::app) << "password=" << control_password << "\n";
  const Answer twice = rig.call("n1", "validate-all", from_file);
  EXPECT_EQ(twice.code, 2);
  EXPECT_NE(twice.err.find("line 7"), std::string::npos) << twice.err;
  EXPECT_FALSE(tells(twice.err + rig.log("n1")));
  EXPECT_EQ(rig.call("n1", "stop", from_file).code, 0);
}

TEST(MysqlDangers, are_told_at_start_and_validation) {
  Rig rig({"n1"});
  ASSERT_EQ(rig.call("n1", "start").code, 0);
  EXPECT_EQ(rig.sql("n1", "SELECT @@binlog_format"), "ROW");
  EXPECT_EQ(rig.log("n1").find("warning"), std::string::npos) << "nothing to warn of yet";
  const std::string before = rig.log("n1");
  ASSERT_EQ(rig.sql("n1", "CREATE TABLE d.old(k INT) ENGINE=MyISAM"), "");
  ASSERT_EQ(rig.sql("n1", "CREATE USER boss@'%'"), "");
  ASSERT_EQ(rig.sql("n1", "GRANT ALL ON *.* TO boss@'%'"), "");
  ASSERT_EQ(rig.sql("n1", "SET GLOBAL binlog_format='MIXED'"), "");
  EXPECT_EQ(rig.call("n1", "validate-all").code, 0);
  const std::string log = rig.log("n1").substr(before.size());
  EXPECT_NE(log.find("d.old (MyISAM)"), std::string::npos) << log;
  EXPECT_NE(log.find("'boss'@'%': they can write"), std::string::npos) << log;
  EXPECT_NE(log.find("binlog-format is MIXED"), std::string::npos) << log;
  EXPECT_EQ(log.find("'app'@"), std::string::npos) << "rights on one database are no danger";
}

}  // namespace
}  // namespace systole::mysql

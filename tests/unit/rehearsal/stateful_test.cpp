// SPDX-License-Identifier: GPL-2.0-or-later
// Stateful's verbs: which state allows which, and the promotion score by a fake of the manager's tool.
#include "agents/ocf/Stateful/stateful.hpp"

#include <sys/stat.h>

#include "tests/golden/golden.hpp"
#include "tests/unit/rehearsal/stage.hpp"

namespace systole::agents::stateful {
namespace {

struct StatefulAgent : Stage {
  void SetUp() override {
    Stage::SetUp();
    env_["OCF_RESKEY_crm_feature_set"] = "3.16.1";
    put("crm_attribute", "#!/bin/sh\necho \"$*\" >>" + folder_ + "/calls\n", 0755);
    ASSERT_EQ(::chmod((folder_ + "/crm_attribute").c_str(), 0755), 0);
  }
  Ocf run(std::string action, const Environment& more = {}) { return call(agent, std::move(action), more); }
  Stateful agent;
};

const Environment recurring{{"OCF_RESKEY_CRM_meta_interval", "10000"}};

TEST_F(StatefulAgent, answers_each_action_in_each_state) {
  struct Row {
    std::string state, action;  // state empty: no file
    Ocf code;
    std::string then;
  };
  const std::vector<Row> rows{
      {"", "monitor", Ocf::not_running, ""},
      {"", "start", Ocf::ok, "Unpromoted\n"},
      {"", "stop", Ocf::ok, ""},
      {"", "promote", Ocf::not_running, ""},
      {"", "demote", Ocf::not_running, ""},
      {"Unpromoted\n", "monitor", Ocf::ok, "Unpromoted\n"},
      {"Unpromoted\n", "start", Ocf::ok, "Unpromoted\n"},
      {"Unpromoted\n", "promote", Ocf::ok, "Promoted\n"},
      {"Unpromoted\n", "demote", Ocf::ok, "Unpromoted\n"},
      {"Unpromoted\n", "stop", Ocf::ok, ""},
      {"Promoted\n", "monitor", Ocf::running_promoted, "Promoted\n"},
      {"Promoted\n", "start", Ocf::running_promoted, "Promoted\n"},
      {"Promoted\n", "promote", Ocf::ok, "Promoted\n"},
      {"Promoted\n", "demote", Ocf::ok, "Unpromoted\n"},
      {"Promoted\n", "stop", Ocf::running_promoted, "Promoted\n"},
      {"Promoted\n", "notify", Ocf::ok, "Promoted\n"},
      {"Promoted\n", "reload-agent", Ocf::ok, "Promoted\n"},
      {"half\n", "monitor", Ocf::generic, "half\n"},
      {"half\n", "stop", Ocf::ok, ""},
  };
  const std::string file_name = "state/Stateful-r.state";
  std::filesystem::create_directories(folder_ + "/state");
  for (const Row& row : rows) {
    if (row.state.empty()) std::filesystem::remove(folder_ + "/" + file_name);
    if (!row.state.empty()) put(file_name, row.state);
    EXPECT_EQ(run(row.action, recurring), row.code) << row.action << " of '" << row.state << "'";
    EXPECT_EQ(file(file_name), row.then) << row.action << " of '" << row.state << "'";
  }
}

TEST_F(StatefulAgent, has_a_promotion_score_of_its_role) {
  for (const char* const action : {"start", "promote", "demote", "stop"}) EXPECT_EQ(run(action), Ocf::ok);
  EXPECT_EQ(file("calls"), "-p --update=5\n-p --update=10\n-p --update=5\n-p -D\n");
}

TEST_F(StatefulAgent, restores_the_score_in_a_probe_only) {
  EXPECT_EQ(run("start"), Ocf::ok);
  put("calls", "");
  EXPECT_EQ(run("monitor", recurring), Ocf::ok);
  EXPECT_EQ(file("calls"), "");
  EXPECT_EQ(run("monitor"), Ocf::ok);
  EXPECT_EQ(file("calls"), "-p --update=5\n");
}

TEST_F(StatefulAgent, goes_on_without_a_manager) {
  put("crm_attribute", "#!/bin/sh\necho no >&2; exit 102\n", 0755);
  ASSERT_EQ(::chmod((folder_ + "/crm_attribute").c_str(), 0755), 0);
  for (const char* const action : {"start", "promote", "demote", "stop"}) EXPECT_EQ(run(action), Ocf::ok);
  EXPECT_EQ(log_.size(), 4U);
}

TEST_F(StatefulAgent, returns_the_code_that_is_ordered) {
  EXPECT_EQ(run("start"), Ocf::ok);
  put("state/Stateful-r.state.rc", "9\n");
  EXPECT_EQ(run("monitor"), Ocf::failed_promoted);
}

TEST_F(StatefulAgent, may_be_degraded_in_either_role) {
  Environment degraded = recurring;
  degraded["OCF_RESKEY_degraded"] = "yes";
  EXPECT_EQ(run("start"), Ocf::ok);
  EXPECT_EQ(run("monitor", degraded), Ocf::degraded);
  EXPECT_EQ(run("promote"), Ocf::ok);
  EXPECT_EQ(run("monitor", degraded), Ocf::degraded_promoted);
}

TEST(StatefulMetaData, is_what_the_golden_file_says) {
  systole::tests::expect_golden("tests/golden/meta-data/Stateful.xml", meta_data(about_stateful()));
}

}  // namespace
}  // namespace systole::agents::stateful

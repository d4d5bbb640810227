// SPDX-License-Identifier: GPL-2.0-or-later
// Dummy's verbs, each as a call made of a map.
#include "agents/ocf/Dummy/dummy.hpp"

#include "tests/golden/golden.hpp"
#include "tests/unit/rehearsal/stage.hpp"

namespace systole::agents::dummy {
namespace {

struct DummyAgent : Stage {
  Dummy agent;
  Ocf run(std::string action, const Environment& more = {}) { return call(agent, std::move(action), more); }
};

const Environment recurring{{"OCF_RESKEY_CRM_meta_interval", "10000"}};

TEST_F(DummyAgent, runs_while_its_state_file_is_there) {
  EXPECT_EQ(run("monitor"), Ocf::not_running);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(run("start"), Ocf::ok);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/state/Dummy-r.state"));
  EXPECT_EQ(run("monitor", recurring), Ocf::ok);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(run("stop"), Ocf::ok);
  EXPECT_EQ(run("monitor", recurring), Ocf::not_running);
}

TEST_F(DummyAgent, of_a_globally_unique_clone_has_a_state_of_its_own) {
  EXPECT_EQ(run("start", {{"OCF_RESKEY_CRM_meta_globally_unique", "true"}}), Ocf::ok);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/state/Dummy-r:0.state"));
  EXPECT_EQ(run("monitor"), Ocf::not_running);
}

TEST_F(DummyAgent, fails_at_the_check_levels_that_order_it) {
  EXPECT_EQ(run("monitor", {{"OCF_CHECK_LEVEL", "30"}}), Ocf::not_running);
  EXPECT_EQ(run("start"), Ocf::ok);
  EXPECT_EQ(run("monitor", {{"OCF_CHECK_LEVEL", "0"}}), Ocf::ok);
  EXPECT_EQ(run("monitor", {{"OCF_CHECK_LEVEL", "30"}}), Ocf::generic);
  EXPECT_EQ(run("monitor", {{"OCF_CHECK_LEVEL", "40"}}), Ocf::ok);
  put("state/Dummy-r.state", "5\n");
  EXPECT_EQ(run("monitor", {{"OCF_CHECK_LEVEL", "40"}}), Ocf::installed);
  EXPECT_EQ(reason_, "the state file says 5");
  int failed = 0;
  for (int i = 0; i < 200; ++i) failed += run("monitor", {{"OCF_CHECK_LEVEL", "20"}}) == Ocf::generic ? 1 : 0;
  EXPECT_GT(failed, 5);
  EXPECT_LT(failed, 120);
}

TEST_F(DummyAgent, fails_to_start_on_the_node_that_is_named_but_runs_there) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  EXPECT_EQ(run("start", {{"OCF_RESKEY_fail_start_on", host.data()}}), Ocf::generic);
  EXPECT_EQ(run("monitor"), Ocf::ok);
  EXPECT_EQ(run("reload-agent", {{"OCF_RESKEY_fail_start_on", host.data()}}), Ocf::generic);
  EXPECT_EQ(run("start", {{"OCF_RESKEY_fail_start_on", "elsewhere"}}), Ocf::ok);
}

TEST_F(DummyAgent, notices_two_actions_at_the_same_time) {
  EXPECT_EQ(run("start"), Ocf::ok);
  put("state/Dummy-r.state.serialized", "");
  EXPECT_EQ(run("monitor", {{"OCF_RESKEY_op_sleep", "1"}}), Ocf::generic);
  EXPECT_EQ(run("stop"), Ocf::ok);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/state/Dummy-r.state.serialized"));
}

TEST_F(DummyAgent, sleeps_past_its_deadline) {
  EXPECT_EQ(run("start"), Ocf::ok);
  const Time begin = boot_now();
  EXPECT_EQ(run("monitor", {{"OCF_RESKEY_op_sleep", "1"}, {"OCF_RESKEY_CRM_meta_timeout", "500"}}), Ocf::ok);
  EXPECT_GE(boot_now() - begin, 1s);
}

TEST_F(DummyAgent, moves_by_migration) {
  EXPECT_EQ(run("migrate_from", {{"OCF_RESKEY_CRM_meta_migrate_source", "n1"}}), Ocf::ok);
  EXPECT_EQ(run("monitor"), Ocf::ok);
  EXPECT_EQ(run("migrate_to", {{"OCF_RESKEY_CRM_meta_migrate_target", "n2"}}), Ocf::ok);
  EXPECT_EQ(run("monitor"), Ocf::not_running);
  EXPECT_EQ(log_, (std::vector<std::string>{"info: migrating from n1", "info: migrating to n2"}));
}

TEST_F(DummyAgent, writes_down_how_it_was_called) {
  env_["OCF_RESKEY_envfile"] = folder_ + "/env";
  env_["OCF_RESKEY_trace_file"] = folder_ + "/trace";
  EXPECT_EQ(run("monitor"), Ocf::not_running);
  EXPECT_EQ(run("start"), Ocf::ok);
  const std::string trace = file("trace");
  EXPECT_NE(trace.find(" r:0 monitor 7\n"), std::string::npos) << trace;
  EXPECT_NE(trace.find(" r:0 start 0\n"), std::string::npos) << trace;
  EXPECT_NE(file("env").find("### start @ "), std::string::npos);
  EXPECT_NE(file("env").find("\nOCF_RESOURCE_INSTANCE=r:0\n"), std::string::npos);
}

TEST_F(DummyAgent, may_be_degraded) {
  const Environment degraded{{"OCF_RESKEY_degraded", "true"}};
  EXPECT_EQ(run("monitor", degraded), Ocf::not_running);
  EXPECT_EQ(run("start", degraded), Ocf::ok);
  EXPECT_EQ(run("start", degraded), Ocf::ok);
  EXPECT_EQ(run("monitor", degraded), Ocf::degraded);
  EXPECT_EQ(run("stop", degraded), Ocf::ok);
}

TEST_F(DummyAgent, checks_folders_in_a_thorough_validation_only) {
  const Environment nowhere{{"OCF_RESKEY_state", "/nowhere/x"}};
  EXPECT_EQ(run("validate-all", nowhere), Ocf::ok);
  Environment thorough = nowhere;
  thorough["OCF_CHECK_LEVEL"] = "10";
  EXPECT_EQ(run("validate-all", thorough), Ocf::args);
  EXPECT_EQ(reason_, "the folder '/nowhere' cannot be written to");
  EXPECT_EQ(run("validate-all", {{"OCF_CHECK_LEVEL", "10"}}), Ocf::ok);
  EXPECT_EQ(run("validate-all", {{"OCF_RESKEY_op_sleep", "soon"}}), Ocf::configured);
}

TEST(DummyMetaData, is_what_the_golden_file_says) {
  systole::tests::expect_golden("tests/golden/meta-data/Dummy.xml", meta_data(about_dummy()));
}

}  // namespace
}  // namespace systole::agents::dummy

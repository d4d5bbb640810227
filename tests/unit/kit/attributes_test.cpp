// SPDX-License-Identifier: GPL-2.0-or-later
// The attribute calls against fake tools in PATH that write down how they were called.
#include "agents/kit/attributes.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "agents/kit/agent.hpp"

namespace systole::agents {
namespace {

class Attribute : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "systole-attributes-" + std::to_string(::getpid());
    std::filesystem::create_directories(folder_);
    env_ = {{"PATH", folder_ + ":/usr/bin:/bin"},
            {"OCF_RESKEY_crm_feature_set", "3.16.1"},
            {"OCF_RESKEY_CRM_meta_on_node", "n1"},
            {"LOG", folder_ + "/calls"}};
    for (const char* const tool : {"crm_attribute", "crm_master", "attrd_updater", "crm_node"}) fake(tool, "");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void fake(const std::string& tool, const std::string& then) {
    const std::string path = folder_ + "/" + tool;
    ASSERT_TRUE(write_file(path, "#!/bin/sh\necho " + tool + " \"$@\" >>$LOG\n" + then + "\n", false, 0755));
    ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  }
  std::string calls() const { return read_file(folder_ + "/calls").value(); }
  static Time soon() { return boot_now() + 10s; }

  std::string folder_;
  Environment env_;
};

TEST_F(Attribute, sets_and_deletes_the_promotion_score) {
  const Attributes attributes(env_);
  EXPECT_TRUE(attributes.set_promotion(Score::infinity(), soon()));
  EXPECT_TRUE(attributes.set_promotion(-Score::infinity(), soon()));
  EXPECT_TRUE(attributes.delete_promotion(soon()));
  EXPECT_EQ(calls(), "crm_attribute -p --update=INFINITY\ncrm_attribute -p --update=-INFINITY\ncrm_attribute -p -D\n");
}

TEST_F(Attribute, uses_crm_master_where_the_manager_is_old) {
  env_["OCF_RESKEY_crm_feature_set"] = "3.4.1";
  EXPECT_TRUE(Attributes(env_).set_promotion(Score{100}, soon()));
  EXPECT_EQ(calls(), "crm_master -l reboot -v 100\n");
}

TEST_F(Attribute, sets_a_value_with_dampening_and_replaces_the_dampening_on_request) {
  const Attributes attributes(env_);
  EXPECT_TRUE(attributes.set_dampened("pingd", "2", {.delay = "5s", .kind = Dampening::Kind::replaced}, soon()));
  EXPECT_TRUE(attributes.set_dampened("pingd", "3", {.delay = "5s"}, soon()));
  EXPECT_TRUE(attributes.delete_dampened("pingd", "5s", soon()));
  EXPECT_EQ(calls(),
            "attrd_updater -n pingd -B 2 -d 5s\nattrd_updater -n pingd -v 3 -d 5s\n"
            "attrd_updater -n pingd -D -d 5s\n");
}

TEST_F(Attribute, reads_a_score_and_knows_when_there_is_none) {
  fake("crm_attribute", "echo 100");
  EXPECT_EQ(Attributes(env_).promotion("n2", soon()).value(), Score{100});
  EXPECT_EQ(calls(), "crm_attribute -p -N n2 -G -q\n");
  fake("crm_attribute", "echo 'crm_attribute: Error performing operation: No such device or address' >&2; exit 105");
  EXPECT_EQ(Attributes(env_).promotion("n2", soon()).error().code, Errc::not_found);
}

TEST_F(Attribute, writes_transient_ones_through_the_attribute_daemon) {
  fake("attrd_updater", "echo 'name=\"gtid\" host=\"n1\" value=\"0-1-5 x=\"'");
  const Attributes attributes(env_);
  EXPECT_TRUE(attributes.set_transient("gtid", "0-1-5", "", soon()));
  EXPECT_EQ(attributes.transient("gtid", "n2", soon()).value(), "0-1-5 x=");
  EXPECT_EQ(calls(), "attrd_updater -n gtid -U 0-1-5\nattrd_updater -n gtid -Q -N n2\n");
}

TEST_F(Attribute, names_the_node_for_permanent_ones) {
  EXPECT_TRUE(Attributes(env_).set_permanent("epoch", "3", "", soon()));
  EXPECT_TRUE(Attributes(env_).set_property("last_primary", "n1", "mysql", soon()));
  EXPECT_EQ(
      calls(),
      "crm_attribute -n epoch -v 3 -l forever -N n1\ncrm_attribute -t crm_config -n last_primary -v n1 -s mysql\n");
}

TEST_F(Attribute, says_what_a_tool_said_when_it_failed) {
  fake("crm_attribute", "echo 'not connected' >&2; exit 102");
  const auto set = Attributes(env_).set_promotion(Score{1}, soon());
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().what, "'crm_attribute -p --update=1' ended with 102: not connected");
}

TEST_F(Attribute, gives_up_a_tool_that_hangs) {
  fake("crm_attribute", "exec sleep 30");
  EXPECT_EQ(Attributes(env_).set_promotion(Score{1}, boot_now() + 100ms).error().code, Errc::timeout);
}

TEST_F(Attribute, asks_for_the_local_node_only_when_not_told) {
  EXPECT_EQ(Attributes(env_).local_node(soon()), "n1");
  env_.erase("OCF_RESKEY_CRM_meta_on_node");
  fake("crm_node", "echo n7");
  EXPECT_EQ(Attributes(env_).local_node(soon()), "n7");
}

TEST(Version, is_compared_number_by_number) {
  EXPECT_TRUE(version_at_least("3.16.1", "3.10.0"));
  EXPECT_TRUE(version_at_least("3.10", "3.10.0"));
  EXPECT_FALSE(version_at_least("3.9.9", "3.10.0"));
  EXPECT_FALSE(version_at_least("", "3.10.0"));
}

}  // namespace
}  // namespace systole::agents

// SPDX-License-Identifier: GPL-2.0-or-later
// crm_attribute, crm_master, attrd_updater, crm_node: what agents call, with the output that they parse.
#include <gtest/gtest.h>

#include "tests/unit/tools/fake_daemon.hpp"

namespace systole::tools {
namespace {

using test::FakeDaemon;
using test::Ran;
using test::run;

TEST(CrmAttribute, a_transient_attribute_is_set_read_and_deleted) {
  FakeDaemon daemon;
  EXPECT_EQ(run(crm_attribute, daemon, {"-l", "reboot", "-n", "pingd", "-v", "100"}).out, "")
      << "agents take silence for success";
  EXPECT_EQ((daemon.attributes[{"n1", "pingd"}]), "100");
  EXPECT_EQ(run(crm_attribute, daemon, {"-l", "reboot", "-n", "pingd", "-Gq"}).out, "100\n");
  EXPECT_EQ(run(crm_attribute, daemon, {"-t", "status", "-n", "pingd", "-G"}).out,
            "scope=status  name=pingd value=100\n");
  EXPECT_EQ(run(crm_attribute, daemon, {"-l", "reboot", "-n", "pingd", "-D"}).code, 0);
  const Ran missing = run(crm_attribute, daemon, {"-l", "reboot", "-n", "pingd", "-G", "-q"});
  EXPECT_EQ(missing.code, 105);
  EXPECT_EQ(missing.err, "crm_attribute: Error performing operation: No such device or address\n");
  EXPECT_EQ(run(crm_attribute, daemon, {"-l", "reboot", "-n", "pingd", "-G", "-q", "-d", "7"}).out, "7\n");
}

TEST(CrmAttribute, the_node_of_an_action_comes_from_its_environment) {
  FakeDaemon daemon;
  run(crm_attribute, daemon, {"-l", "reboot", "-n", "x", "-v", "1"}, {{"OCF_RESKEY_CRM_meta_on_node", "n2"}});
  EXPECT_TRUE(daemon.attributes.contains({"n2", "x"}));
  run(crm_attribute, daemon, {"-l", "reboot", "-n", "x", "-v", "1", "-N", "n3"},
      {{"OCF_RESKEY_CRM_meta_on_node", "n2"}});
  EXPECT_TRUE(daemon.attributes.contains({"n3", "x"}));
}

TEST(CrmAttribute, a_promotion_score_belongs_to_the_instance_that_is_acted_on) {
  FakeDaemon daemon;
  EXPECT_EQ(run(crm_attribute, daemon, {"-p", "-v", "-INFINITY"}, {{"OCF_RESOURCE_INSTANCE", "db"}}).code, 0);
  EXPECT_EQ((daemon.attributes[{"n1", "master-db"}]), "-INFINITY");
  EXPECT_EQ(run(crm_attribute, daemon, {"--promotion=other", "-v", "3"}).code, 0);
  EXPECT_TRUE(daemon.attributes.contains({"n1", "master-other"}));
  EXPECT_EQ(run(crm_attribute, daemon, {"-p", "-v", "5"}).code, 64);
  EXPECT_EQ(run(crm_master, daemon, {"-l", "reboot", "-Q", "-v", "9"}, {{"OCF_RESOURCE_INSTANCE", "db"}}).code, 0);
  EXPECT_EQ(run(crm_master, daemon, {"-G", "--quiet", "-r", "db"}).out, "9\n");
}

TEST(CrmAttribute, a_permanent_attribute_lives_in_the_configuration_under_pacemakers_ids) {
  FakeDaemon daemon;
  EXPECT_EQ(run(crm_attribute, daemon, {"-l", "forever", "-N", "n2", "-n", "rack number", "-v", "a<b"}).code, 0);
  EXPECT_NE(daemon.document.find(R"(<instance_attributes id="nodes-2">)"), std::string::npos) << daemon.document;
  EXPECT_NE(daemon.document.find(R"(id="nodes-2-rack.number")"), std::string::npos) << daemon.document;
  EXPECT_EQ(run(crm_attribute, daemon, {"-t", "nodes", "-N", "n2", "-n", "rack number", "-Gq"}).out, "a<b\n");
  EXPECT_EQ(run(crm_attribute, daemon, {"-N", "n2", "-n", "rack number", "-v", "c"}).code, 0)
      << "-N alone means for ever";
  EXPECT_EQ(run(crm_attribute, daemon, {"-N", "n2", "-n", "rack number", "-G"}).out,
            "scope=nodes  name=rack number value=c\n");
  EXPECT_EQ(run(crm_attribute, daemon, {"-N", "n2", "-n", "rack number", "-D"}).out,
            "Deleted nodes attribute: id=nodes-2-rack.number name=rack number\n");
  EXPECT_EQ(run(crm_attribute, daemon, {"-N", "n2", "-n", "rack number", "-D"}).code, 0)
      << "deleting what is not there is fine";
  EXPECT_EQ(run(crm_attribute, daemon, {"-N", "n9", "-n", "rack", "-v", "1"}).code, 105);
}

TEST(CrmAttribute, a_cluster_property_is_set_where_all_tools_look_for_it) {
  FakeDaemon daemon;
  EXPECT_EQ(run(crm_attribute, daemon, {"-n", "stonith-enabled", "-v", "false"}).code, 0);
  EXPECT_NE(daemon.document.find(R"(id="cib-bootstrap-options-stonith-enabled")"), std::string::npos);
  EXPECT_EQ(run(crm_attribute, daemon, {"-t", "crm_config", "-n", "stonith-enabled", "-Gq"}).out, "false\n");
  EXPECT_EQ(run(crm_attribute, daemon, {"-n", "stonith-enabled", "-s", "REPL", "-v", "x"}).code, 0);
  EXPECT_NE(daemon.document.find(R"(id="REPL-stonith-enabled")"), std::string::npos);
  EXPECT_EQ(run(crm_attribute, daemon, {"-n", "stonith-enabled", "-v", "true"}).code, 109)
      << "which of the two is meant?";
}

TEST(CrmAttribute, without_a_daemon_the_code_is_102_and_the_sentence_helps) {
  FakeDaemon daemon;
  daemon.gone = true;
  for (const Ran& ran :
       {run(crm_attribute, daemon, {"-l", "reboot", "-n", "x", "-G"}), run(crm_attribute, daemon, {"-n", "x", "-G"}),
        run(crm_node, daemon, {"-n"}), run(attrd_updater, daemon, {"-n", "x", "-Q"})}) {
    EXPECT_EQ(ran.code, 102);
    EXPECT_NE(ran.err.find("no daemon answers"), std::string::npos) << ran.err;
  }
}

TEST(CrmAttribute, a_wrong_command_line_ends_with_64) {
  FakeDaemon daemon;
  EXPECT_EQ(run(crm_attribute, daemon, {"-G"}).code, 64);
  EXPECT_EQ(run(crm_attribute, daemon, {"-n", "x", "-t", "tickets", "-G"}).code, 64);
  EXPECT_EQ(run(crm_attribute, daemon, {"--bogus"}).code, 64);
  EXPECT_TRUE(daemon.asked.empty());
}

TEST(AttrdUpdater, a_query_prints_the_line_that_agents_evaluate) {
  FakeDaemon daemon;
  EXPECT_EQ(run(attrd_updater, daemon, {"-n", "#health-cpu", "-U", "green"}).code, 0);
  EXPECT_EQ(run(attrd_updater, daemon, {"-n", "#health-cpu", "-Q"}).out,
            "name=\"#health-cpu\" host=\"n1\" value=\"green\"\n");
  daemon.attributes[{"n2", "#health-cpu"}] = "red";
  EXPECT_EQ(run(attrd_updater, daemon, {"-n", "#health-cpu", "-QA"}).out,
            "name=\"#health-cpu\" host=\"n1\" value=\"green\"\nname=\"#health-cpu\" host=\"n2\" value=\"red\"\n");
  EXPECT_EQ(run(attrd_updater, daemon, {"-n", "nothing", "-Q"}).code, 78);
  EXPECT_EQ(run(attrd_updater, daemon, {"-n", "#health-cpu", "-D", "-S", "state"}).code, 0);
  EXPECT_FALSE(daemon.attributes.contains({"n1", "#health-cpu"}));
}

TEST(AttrdUpdater, dampening_is_handed_on_with_both_and_kept_with_update) {
  FakeDaemon daemon;
  EXPECT_EQ(run(attrd_updater, daemon, {"-n", "pingd", "-B", "5", "-d", "3s"}).code, 0);
  const auto* both = std::get_if<wire::ipc::SetAttribute>(&daemon.asked.back());
  ASSERT_NE(both, nullptr);
  EXPECT_EQ(both->dampening, 3s);
  EXPECT_EQ(run(attrd_updater, daemon, {"-n", "pingd", "-U", "6", "-d", "3s", "-p"}).code, 0);
  const auto* update = std::get_if<wire::ipc::SetAttribute>(&daemon.asked.back());
  ASSERT_NE(update, nullptr);
  EXPECT_EQ(update->dampening, std::nullopt);
  EXPECT_TRUE(update->is_private);
  EXPECT_EQ(run(attrd_updater, daemon, {"-n", "pingd", "-B", "5"}).code, 64);
}

TEST(CrmNode, its_output_is_what_agents_parse) {
  FakeDaemon daemon;
  daemon.cluster.nodes[1].up = false;
  daemon.cluster.quorate = false;
  EXPECT_EQ(run(crm_node, daemon, {"-n"}).out, "n1\n");
  EXPECT_EQ(run(crm_node, daemon, {"-n"}, {{"OCF_RESKEY_CRM_meta_on_node", "guest"}}).out, "guest\n");
  EXPECT_EQ(run(crm_node, daemon, {"-i"}).out, "1\n");
  EXPECT_EQ(run(crm_node, daemon, {"-l"}).out, "1 n1 member\n2 n2 lost\n");
  EXPECT_EQ(run(crm_node, daemon, {"-p"}).out, "n1 \n");
  const Ran quorum = run(crm_node, daemon, {"-q"});
  EXPECT_EQ(quorum.out, "0\n");
  EXPECT_EQ(quorum.code, 106);
  EXPECT_EQ(run(crm_node, daemon, {"-N", "2"}).out, "n2\n");
}

}  // namespace
}  // namespace systole::tools
